// SPDX-License-Identifier: Apache-2.0
#include "eventstore/segments/segment_set.hpp"

#include "eventstore/port/record.hpp"
#include "eventstore/segments/frame.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace fasti::segments {
namespace {

error unreadable(const frame_header& frame, const segment& of) {
    return damaged(of, frame.offset, frame.first, frame.last(),
                   "its parts are not as we write them");
}

//! Walks on in one segment; stops at its durable end, behind `last`, or when `visit` says so.
class segment_walk {
public:
    segment_walk(const segment& of, const table_entry& from, std::size_t first_read)
        : segment_(of),
          extent_(of.extent()),
          scanner_(of, from.offset, extent_.end, first_read),
          expected_(from.first) {}

    //! Moves `at` behind the visited frames. Nothing: the segment ended; go on with the next.
    result<std::optional<read_more>> run(position& at, position last, const frame_visitor& visit) {
        while (at <= last) {
            const auto step = scanner_.next();
            if (!step.ok()) {
                return unreadable_now(expected_, extent_.after.last, step.error());
            }
            if (*step == scan_step::end && expected_ > extent_.after.last) {
                return std::optional<read_more>{};
            }
            if (*step == scan_step::unsound && pass_damage_before(at)) {
                continue;
            }
            if (*step != scan_step::frame || scanner_.header().first != expected_) {
                const std::uint64_t offset = *step == scan_step::frame ? scanner_.header().offset
                                                                       : scanner_.offset();
                return describe_damage(segment_, offset, expected_);
            }
            const frame_header& frame = scanner_.header();
            expected_ = frame.last() + 1;
            if (frame.events == 0 || expected_ <= at) {
                continue;
            }
            at = expected_;
            if (visit(frame, scanner_.bytes()) == read_more::stop) {
                return std::optional{read_more::stop};
            }
        }
        return std::optional{read_more::go_on};
    }

private:
    //! What was not asked for need not be sound: goes on at a frame that is not behind `at`.
    bool pass_damage_before(position at) {
        const auto behind = find_frame_behind(segment_, scanner_.offset(), extent_.end);
        if (expected_ >= at || !behind.ok() || behind->first == 0 || behind->first > at) {
            return false;
        }
        scanner_.seek(behind->offset);
        expected_ = behind->first;
        return true;
    }

    const segment& segment_;
    const segment_extent extent_;
    frame_scanner scanner_;
    position expected_;
};

} // namespace

ledger_head segment_set::head() const {
    const std::lock_guard lock{mutex_};
    return {log_.epoch, head_.last, head_.hash, head_.recorded};
}

void segment_set::publish(const chain_point& head) {
    const std::lock_guard lock{mutex_};
    head_ = head;
}

void segment_set::add(std::shared_ptr<segment> next) {
    const std::lock_guard lock{mutex_};
    segments_.push_back(std::move(next));
}

std::vector<std::shared_ptr<segment>> segment_set::all() const {
    const std::lock_guard lock{mutex_};
    return segments_;
}

std::shared_ptr<segment> segment_set::active() const {
    const std::lock_guard lock{mutex_};
    return segments_.back();
}

std::shared_ptr<segment> segment_set::holding(position at) const {
    const std::lock_guard lock{mutex_};
    const auto behind = std::partition_point(
        segments_.begin(), segments_.end(),
        [at](const auto& each) { return each->header().before.last + 1 <= at; });
    check(behind != segments_.begin(), "the first segment begins at position 1");
    return *std::prev(behind);
}

std::shared_ptr<segment> segment_set::begun_by(instant when) const {
    const std::lock_guard lock{mutex_};
    const auto behind = std::partition_point(
        segments_.begin(), segments_.end(),
        [when](const auto& each) { return each->header().before.recorded <= when; });
    return behind == segments_.begin() ? nullptr : *std::prev(behind);
}

error describe_damage(const segment& of, std::uint64_t offset, position expected) {
    const segment_extent extent = of.extent();
    const auto behind = find_frame_behind(of, offset, extent.end);
    const bool found = behind.ok() && behind->first > expected;
    return damaged(of, offset, expected, found ? behind->first - 1 : extent.after.last,
                   "checksum or place wrong");
}

result<position> walk_frames(const segment_set& set, position from, position to,
                             std::size_t first_read, const frame_visitor& visit) {
    position at = std::max<position>(from, 1);
    for (;;) {
        const position last = std::min(to, set.head().last);
        if (at > last) {
            return at;
        }
        const std::shared_ptr<const segment> held = set.holding(at);
        const auto place = held->place_before(at);
        if (!place.ok()) {
            return place.error();
        }
        segment_walk walk{*held, *place, first_read};
        const auto went = walk.run(at, last, visit);
        if (!went.ok()) {
            return went.error();
        }
        if (*went == read_more::stop) {
            return at;
        }
    }
}

result<position> read_events(const segment_set& set, position from, position to,
                             const event_filter& filter, const event_visitor& visit) {
    position next = std::max<position>(from, 1);
    const position last = std::min(to, set.head().last);
    const bool unfiltered = filter.matches_all();
    std::optional<error> failure;
    recorded_event event;
    const auto on_frame = [&](const frame_header& frame, std::string_view bytes) {
        frame_parts parts{bytes, frame};
        std::string_view canonical;
        for (position at = frame.first; at <= frame.last(); ++at) {
            if (!parts.next_record(canonical)) {
                failure = unreadable(frame, *set.holding(at));
                return read_more::stop;
            }
            if (at < next) {
                continue;
            }
            if (at > last) {
                return read_more::stop;
            }
            if (!decode_record(canonical, event) || event.at != at) {
                failure = unreadable(frame, *set.holding(at));
                return read_more::stop;
            }
            next = at + 1;
            if ((unfiltered || filter.matches(event.fact)) && visit(event) == read_more::stop) {
                return read_more::stop;
            }
        }
        return read_more::go_on;
    };
    const auto walked = walk_frames(set, next, last,
                                    last - next < 16 ? read_one_bytes : read_many_bytes, on_frame);
    if (!walked.ok()) {
        return walked.error();
    }
    if (failure) {
        return *std::move(failure);
    }
    return next;
}

result<void> with_event(const segment_set& set, position at,
                        const std::function<void(const recorded_event&)>& use) {
    const auto read = read_events(set, at, at, {}, [&](const recorded_event& event) {
        use(event);
        return read_more::stop;
    });
    return read.ok() ? result<void>{} : result<void>{read.error()};
}

result<hash256> chain_hash_at(const segment_set& set, position at) {
    const ledger_head head = set.head();
    if (at > head.last) {
        return error{error_code::position_unknown,
                     "The log holds no event at position " + std::to_string(at) + "."};
    }
    if (at == head.last) {
        return head.last_hash;
    }
    if (at == 0) {
        return hash256{};
    }
    hash256 hash;
    std::optional<error> failure;
    const auto walked = walk_frames(set, at, at, read_one_bytes,
                                    [&](const frame_header& frame, std::string_view bytes) {
                                        chain_hasher hasher;
                                        frame_parts parts{bytes, frame};
                                        std::string_view canonical;
                                        hash = frame.hash_before;
                                        for (position each = frame.first; each <= at; ++each) {
                                            if (!parts.next_record(canonical)) {
                                                failure = unreadable(frame, *set.holding(at));
                                                break;
                                            }
                                            hash = hasher.next(hash, canonical);
                                        }
                                        return read_more::stop;
                                    });
    if (!walked.ok()) {
        return walked.error();
    }
    if (failure) {
        return *std::move(failure);
    }
    return hash;
}

result<position> last_recorded_by(const segment_set& set, instant when) {
    const ledger_head head = set.head();
    if (head.last == 0 || head.last_recorded <= when) {
        return head.last;
    }
    const std::shared_ptr<const segment> held = set.begun_by(when);
    if (held == nullptr) {
        return position{0};
    }
    const auto place = held->place_before(when);
    if (!place.ok()) {
        return place.error();
    }
    position found = place->first - 1;
    std::optional<error> failure;
    const auto on_frame = [&](const frame_header& frame, std::string_view bytes) {
        if (frame.last_recorded <= when) {
            found = frame.last();
            return read_more::go_on;
        }
        frame_parts parts{bytes, frame};
        std::string_view canonical;
        recorded_event event;
        for (position at = frame.first; at <= frame.last(); ++at) {
            if (!parts.next_record(canonical) || !decode_record(canonical, event)) {
                failure = unreadable(frame, *held);
                break;
            }
            if (event.fact.recorded > when) {
                break;
            }
            found = at;
        }
        return read_more::stop;
    };
    const auto walked = walk_frames(set, place->first, head.last, read_one_bytes, on_frame);
    if (!walked.ok()) {
        return walked.error();
    }
    if (failure) {
        return *std::move(failure);
    }
    return found;
}

} // namespace fasti::segments

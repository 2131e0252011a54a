// SPDX-License-Identifier: Apache-2.0
#include "eventstore/segments/lookups.hpp"

#include "eventstore/segments/frame.hpp"

#include <utility>
#include <vector>

namespace fasti::segments {
namespace {

//! Walks the durable places of a key from newest to oldest until `look` returns true (found it).
template <class Look>
result<void> each_place(const indexed_log& log, std::uint64_t key, const Look& look) {
    struct {
        const Look& look;
        const position head;
        std::optional<error> failure;
    } with{look, log.set.head().last, {}};
    auto walked = log.index.each_newest(key, [&with](position at) { // one pointer: no heap
        if (at > with.head) {
            return true; // indexed, but not durable yet
        }
        const result<bool> found = with.look(at);
        if (!found.ok()) {
            with.failure = found.error();
            return false;
        }
        return !*found;
    });
    if (!walked.ok()) {
        return walked;
    }
    return with.failure ? result<void>{*std::move(with.failure)} : result<void>{};
}

//! Calls back with the receipts and claims of the frame that holds a position.
result<bool> with_frame(const segment_set& set, position at,
                        const std::function<bool(frame_parts&, const frame_header&)>& use) {
    bool found = false;
    const auto walked = walk_frames(set, at, at, read_one_bytes,
                                    [&](const frame_header& frame, std::string_view bytes) {
                                        frame_parts parts{bytes, frame};
                                        std::string_view skipped;
                                        for (std::uint32_t i = 0; i < frame.events; ++i) {
                                            if (!parts.next_record(skipped)) {
                                                return read_more::stop;
                                            }
                                        }
                                        found = use(parts, frame);
                                        return read_more::stop;
                                    });
    return walked.ok() ? result<bool>{found} : result<bool>{walked.error()};
}

} // namespace

result<std::uint64_t> version_of(const indexed_log& log, std::string_view stream) {
    std::uint64_t version = 0;
    const auto walked = each_place(log, stream_key(stream), [&](position at) -> result<bool> {
        const auto read = with_event(log.set, at, [&](const recorded_event& event) {
            if (event.fact.stream == stream) {
                version = event.fact.stream_version;
            }
        });
        return read.ok() ? result<bool>{version != 0} : result<bool>{read.error()};
    });
    return walked.ok() ? result<std::uint64_t>{version} : result<std::uint64_t>{walked.error()};
}

result<std::optional<receipt>> receipt_of(const indexed_log& log, std::string_view scope,
                                          std::string_view key) {
    std::optional<receipt> found;
    const auto walked = each_place(log, receipt_key(scope, key), [&](position at) {
        return with_frame(log.set, at, [&](frame_parts& parts, const frame_header& frame) {
            stored_receipt each;
            for (std::uint32_t i = 0; i < frame.receipts && parts.next_receipt(each); ++i) {
                if (each.scope == scope && each.key == key) {
                    found = each.what;
                }
            }
            return found.has_value();
        });
    });
    if (!walked.ok()) {
        return walked.error();
    }
    return found;
}

result<std::optional<std::string>> holder_of(const indexed_log& log, std::string_view name) {
    std::optional<std::string> holder;
    const auto walked = each_place(log, claim_key(name), [&](position at) {
        return with_frame(log.set, at, [&](frame_parts& parts, const frame_header& frame) {
            stored_receipt skipped;
            for (std::uint32_t i = 0; i < frame.receipts && parts.next_receipt(skipped); ++i) {}
            bool named = false;
            claim_draft each;
            for (std::uint32_t i = 0; i < frame.claims && parts.next_claim(each); ++i) {
                if (each.name == name) { // the last one of the frame counts
                    named = true;
                    holder = each.stream.empty() ? std::nullopt
                                                 : std::optional{std::string{each.stream}};
                }
            }
            return named;
        });
    });
    if (!walked.ok()) {
        return walked.error();
    }
    return holder;
}

result<void> read_one_stream(const indexed_log& log, std::string_view stream,
                             std::uint64_t from_version, const event_visitor& visit) {
    std::vector<position> places;
    auto walked = each_place(log, stream_key(stream), [&](position at) -> result<bool> {
        places.push_back(at);
        return false;
    });
    if (!walked.ok()) {
        return walked;
    }
    // Without collisions the n-th place is version n: what is before `from_version` need not be
    // read. With collisions there are more places than versions, so none is left out by this.
    const std::uint64_t skipped = from_version > 1 ? from_version - 1 : 0;
    std::size_t begin = 0;
    if (skipped >= places.size()) {
        return {};
    }
    begin = static_cast<std::size_t>(skipped);
    for (std::size_t i = begin; i < places.size(); ++i) {
        read_more more = read_more::go_on;
        auto read = with_event(
            log.set, places[places.size() - 1 - i], [&](const recorded_event& event) {
                if (event.fact.stream == stream && event.fact.stream_version >= from_version) {
                    more = visit(event);
                }
            });
        if (!read.ok()) {
            return read;
        }
        if (more == read_more::stop) {
            break;
        }
    }
    return {};
}

} // namespace fasti::segments

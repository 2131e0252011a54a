// SPDX-License-Identifier: Apache-2.0
#include "adapters/api/followers.hpp"

#include "adapters/api/event_filters.hpp"
#include "domain/base/check.hpp"
#include "eventstore/port/token.hpp"

#include <algorithm>
#include <utility>

namespace fasti::api {
namespace {

constexpr std::size_t live_piece_bytes = 128 * 1024;
constexpr std::size_t fed_piece_bytes = 128 * 1024;
constexpr std::size_t drained_bytes_max = 64 * 1024;
constexpr std::size_t feedings_max = 2;
constexpr std::uint64_t keep_alive_ticks = 15;
constexpr std::uint64_t fed_scanned_max = 50'000;
constexpr std::size_t fed_scanned_bytes_max = 16 * 1024 * 1024;

//! A client whose connection broke comes back after this long.
constexpr std::string_view opening = "retry: 1000\n";
constexpr std::string_view stopping = ": the server stops; come back with Last-Event-ID\n\n";
constexpr std::string_view ended = ": the token is no longer valid\n\n";
constexpr std::string_view unreadable = ": the log cannot be read on\n\n";

} // namespace

//! Followers with equal filters.
struct event_followers::group {
    std::shared_ptr<const event_filter> filter;
    std::map<std::string, std::unique_ptr<group>>::iterator self;
    std::size_t users = 0;
    std::vector<follower*> live;
    std::shared_ptr<std::string> pending = std::make_shared<std::string>();
    std::uint64_t pending_frames = 0;
    position offered = 0; //!< the last event it was offered
};

struct event_followers::follower {
    //! live: told of each batch. backlogged: until the client read on. queued and feeding: for, or
    //! by, a piece from the log.
    enum class stage : std::uint8_t { live, backlogged, queued, feeding };

    std::uint64_t id;
    http::stream to;
    group* of;
    std::string actor;
    chain_place at; //!< unless live: then it is the head
    stage now = stage::backlogged;
    std::size_t live_index = 0;
    std::uint64_t written_tick = 0;
};

//! One piece of the log for all that wait for the same one.
struct event_followers::feeding {
    std::shared_ptr<const event_filter> filter;
    chain_place from;
    position to = 0;
    std::vector<std::uint64_t> readers;
    chain_place end = {};
    std::shared_ptr<std::string> text = std::make_shared<std::string>();
    std::uint64_t frames = 0;
    std::optional<error> failure = {};
};

event_followers::event_followers(ledger& facts, chain_place head, follower_setting setting)
    : facts_(facts),
      setting_(std::move(setting)),
      drained_bytes_(std::min(drained_bytes_max, setting_.bytes_max / 2)),
      epoch_(facts.head().epoch),
      log_(facts.log_id()),
      head_(head),
      writer_(log_, epoch_) {}

event_followers::~event_followers() = default;

event_followers::follower* event_followers::find(std::uint64_t id) const {
    const auto found = all_.find(id);
    return found == all_.end() ? nullptr : found->second.get();
}

//! "id: <token of the event before>": what a client has seen so far.
void event_followers::write_place(const chain_place& at, std::string& out) const {
    out += "id: ";
    write_token(epoch_, at.next - 1, at.before.prefix(), out);
    out += "\n\n";
}

void event_followers::add(http::stream to, event_filter filter, const chain_place& from,
                          std::string actor) {
    check(from.next <= head_.next, "a follower begins at or below the head");
    if (!to.open()) {
        return; // HEAD, or the client has left
    }
    const auto [place, fresh] = groups_.try_emplace(key_of(filter));
    if (fresh) {
        place->second = std::make_unique<group>();
        place->second->filter = std::make_shared<const event_filter>(std::move(filter));
        place->second->self = place;
        enter(*place->second);
    }
    const std::uint64_t id = ++last_id_;
    auto made = std::make_unique<follower>();
    made->id = id;
    made->to = to;
    made->of = place->second.get();
    made->actor = std::move(actor);
    made->at = from;
    made->written_tick = ticks_;
    ++made->of->users;
    ++counters_.opened;
    follower& one = *all_.emplace(id, std::move(made)).first->second;
    to.on_close([this, id] { remove(id); });
    // A client that leaves before its first event comes back to where it began.
    std::string begin(opening);
    write_place(from, begin);
    to.write(begin);
    advance(one);
}

void event_followers::on_committed(const std::shared_ptr<const committed_batch>& batch) {
    if (batch->last() < head_.next) {
        return; // known: it was being told when following began
    }
    if (!all_.empty() && setting_.permissions_moved()) {
        end_refused();
    }
    if (live_ > 0) {
        fan_out(*batch);
    }
    head_ = {batch->last() + 1, batch->last_hash};
}

void event_followers::fan_out(const committed_batch& batch) {
    chain_place at = head_;
    check(at.next == batch.first, "followers are told of every batch");
    recorded_event event;
    for (std::size_t i = 0; i < batch.slices.size() && live_ > 0; ++i) {
        check(decode_record(batch.canonical(i), event), "what was committed can be read");
        at = {event.at + 1, batch.hashes[i]};
        frame_.clear();
        for (group* const each : anywhere_) {
            offer(*each, event, at);
        }
        if (!rooted_.empty()) {
            offer_to_rooted(event, at);
        }
    }
    for (group* const each : pending_) {
        if (!each->pending->empty()) {
            send(*each, at);
        }
    }
    pending_.clear();
}

//! Groups of filters for certain streams are found by name: a thousand followers of a service each cost an event
//! no more than those it concerns.
void event_followers::offer_to_rooted(const recorded_event& event, const chain_place& at) {
    const std::string_view stream = event.fact.stream;
    for (std::size_t end = stream.find('/');; end = stream.find('/', end + 1)) {
        if (const auto found = rooted_.find(stream.substr(0, end)); found != rooted_.end()) {
            for (group* const each : found->second) {
                offer(*each, event, at);
            }
        }
        if (end == stream.npos) {
            return;
        }
    }
}

void event_followers::offer(group& to, const recorded_event& event, const chain_place& at) {
    if (to.live.empty() || to.offered == event.at || !to.filter->matches(event.fact)) {
        return;
    }
    to.offered = event.at; // it may stand under two roots of one filter
    if (frame_.empty()) {
        writer_.write_frame(event, at.before, frame_);
    }
    if (to.pending->empty()) {
        pending_.push_back(&to);
    }
    *to.pending += frame_;
    ++to.pending_frames;
    if (to.pending->size() >= live_piece_bytes) {
        send(to, at);
    }
}

void event_followers::enter(group& fresh) {
    if (fresh.filter->streams_under.empty()) {
        anywhere_.push_back(&fresh);
    }
    for (const std::string& root : fresh.filter->streams_under) {
        rooted_[root].push_back(&fresh);
    }
}

void event_followers::leave(group& gone) {
    std::erase(anywhere_, &gone);
    std::erase(pending_, &gone);
    for (const std::string& root : gone.filter->streams_under) {
        if (const auto found = rooted_.find(root); found != rooted_.end()) {
            std::erase(found->second, &gone);
            if (found->second.empty()) {
                rooted_.erase(found);
            }
        }
    }
}

//! Gives a group's text to its live followers; those with too much unsent fall back to the log.
void event_followers::send(group& to, const chain_place& upto) {
    for (std::size_t i = 0; i < to.live.size();) {
        follower& one = *to.live[i];
        one.to.share(to.pending);
        one.written_tick = ticks_;
        counters_.frames += to.pending_frames;
        if (one.to.buffered() <= setting_.bytes_max) {
            ++i;
            continue;
        }
        ++counters_.fallbacks;
        leave_live(one); // the last one takes its place
        one.at = upto;
        wait_for_client(one);
    }
    if (to.pending.use_count() == 1) {
        to.pending->clear();
    } else { // some of them send from it
        to.pending = std::make_shared<std::string>();
    }
    to.pending_frames = 0;
}

//! What a follower that is not live does next.
void event_followers::advance(follower& one) {
    if (one.to.buffered() > drained_bytes_) {
        wait_for_client(one);
    } else if (one.at.next == head_.next) {
        join(one);
    } else {
        one.now = follower::stage::queued;
        queue_.push_back(one.id);
        launch();
    }
}

void event_followers::wait_for_client(follower& one) {
    one.now = follower::stage::backlogged;
    one.to.on_drain(drained_bytes_, [this, id = one.id] {
        if (follower* const found = find(id)) {
            advance(*found);
        }
    });
}

void event_followers::join(follower& one) {
    one.now = follower::stage::live;
    one.live_index = one.of->live.size();
    one.of->live.push_back(&one);
    ++live_;
}

void event_followers::leave_live(follower& one) {
    std::vector<follower*>& live = one.of->live;
    live[one.live_index] = live.back();
    live[one.live_index]->live_index = one.live_index;
    live.pop_back();
    --live_;
}

void event_followers::remove(std::uint64_t id) {
    const auto found = all_.find(id);
    if (found == all_.end()) {
        return;
    }
    follower& gone = *found->second;
    if (gone.now == follower::stage::live) {
        leave_live(gone);
    }
    if (--gone.of->users == 0) {
        leave(*gone.of);
        groups_.erase(gone.of->self);
    }
    all_.erase(found);
}

void event_followers::end(std::uint64_t id, std::string_view comment) {
    const http::stream to = all_.at(id)->to;
    remove(id);
    to.write(comment);
    to.finish();
}

//! Fetches the next pieces; as many at a time as keep the other thread busy.
void event_followers::launch() {
    while (feedings_ < feedings_max && !queue_.empty()) {
        follower* const first = find(queue_.front());
        if (first != nullptr && first->now == follower::stage::queued && !feed(*first)) {
            return; // no room there now; asked again at the next tick
        }
        queue_.pop_front();
    }
}

bool event_followers::feed(follower& first) {
    auto piece = std::make_shared<feeding>();
    piece->filter = first.of->filter;
    piece->from = first.at;
    piece->to = head_.next - 1; // not the ledger's: nothing is told before the views hold it
    for (const std::uint64_t id : queue_) {
        follower* const other = find(id);
        if (other != nullptr && other->now == follower::stage::queued && other->of == first.of &&
            other->at.next == first.at.next) {
            other->now = follower::stage::feeding;
            piece->readers.push_back(id);
        }
    }
    const auto work = [this, piece] {
        // Of its own: the other one belongs to the I/O thread.
        cloudevent_writer writer(log_, epoch_);
        const auto visit = [&](const recorded_event& event, const hash256& chain) {
            writer.write_frame(event, chain, *piece->text);
            ++piece->frames;
            return piece->text->size() < fed_piece_bytes ? read_more::go_on : read_more::stop;
        };
        auto read = read_chained(facts_, piece->from,
                                 {piece->to, fed_scanned_max, fed_scanned_bytes_max},
                                 *piece->filter, visit);
        if (read.ok()) {
            piece->end = read.value();
        } else {
            piece->failure = std::move(read).error();
        }
        setting_.post([this, piece] { fed(*piece); });
    };
    if (!setting_.slow(work)) {
        for (const std::uint64_t id : piece->readers) {
            all_.at(id)->now = follower::stage::queued;
        }
        return false;
    }
    ++feedings_;
    return true;
}

void event_followers::fed(const feeding& done) {
    --feedings_;
    if (done.failure.has_value()) {
        setting_.trouble(*done.failure);
    }
    for (const std::uint64_t id : done.readers) {
        follower* const one = find(id);
        if (one == nullptr) {
            continue;
        }
        if (done.failure.has_value()) {
            end(id, unreadable);
            continue;
        }
        if (!setting_.permitted(one->actor)) {
            end(id, ended);
            continue;
        }
        one->at = done.end;
        if (!done.text->empty()) {
            one->to.share(done.text);
            one->written_tick = ticks_;
            counters_.frames += done.frames;
        }
        advance(*one);
    }
    launch();
}

void event_followers::tick() {
    ++ticks_;
    end_refused();
    for (const auto& [id, one] : all_) {
        if (ticks_ - one->written_tick >= keep_alive_ticks && one->to.buffered() == 0) {
            // The place goes along: who follows rare events resumes near the head all the same.
            std::string text = ": keep-alive\n";
            write_place(one->now == follower::stage::live ? head_ : one->at, text);
            one->to.write(text);
            one->written_tick = ticks_;
        }
    }
    launch();
}

//! Ends those who may no longer follow.
void event_followers::end_refused() {
    std::vector<std::uint64_t> refused;
    for (const auto& [id, one] : all_) {
        if (!setting_.permitted(one->actor)) {
            refused.push_back(id);
        }
    }
    for (const std::uint64_t id : refused) {
        end(id, ended);
    }
}

void event_followers::drain() {
    std::vector<std::uint64_t> ids;
    ids.reserve(all_.size());
    for (const auto& [id, one] : all_) {
        ids.push_back(id);
    }
    for (const std::uint64_t id : ids) {
        end(id, stopping);
    }
}

} // namespace fasti::api

// SPDX-License-Identifier: Apache-2.0
//! Followers of the log by server-sent events. A committed event is formatted once; followers with
//! equal filters share one text a batch, which is sent from where it is to those that keep up.
//! A follower that reads too slowly leaves the live set and is fed from the log in bounded pieces
//! until it stands at the head again: nothing is left out or told twice, since each follower's next
//! position says where it is.
//! Memory: unsent bytes of one follower stay below bytes_max plus one piece of 128 KiB while it is
//! live, and below 192 KiB while it is fed from the log; a single larger event comes on top.
//! Thread: the I/O thread; the log is read by `slow`.
#pragma once

#include "adapters/api/chained_read.hpp"
#include "adapters/api/cloudevents.hpp"
#include "adapters/http/exchange.hpp"
#include "adapters/node/node.hpp"
#include "eventstore/port/record.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace fasti::api {

struct follower_counters {
    std::uint64_t opened = 0;
    std::uint64_t frames = 0;
    std::uint64_t fallbacks = 0; //!< how often a follower was too slow for the live set
};

//! What followers need of their surroundings.
struct follower_setting {
    std::size_t bytes_max = 256 * 1024;
    //! Runs work on another thread; false when it cannot be taken now.
    std::function<bool(std::function<void()>)> slow;
    //! Runs work on the I/O thread. Thread: any.
    std::function<void(std::function<void()>)> post;
    //! Whether somebody who began to follow may still do so.
    std::function<bool(std::string_view actor)> permitted;
    //! Whether that may have ended for anybody since this was asked last; asked before each batch.
    std::function<bool()> permissions_moved = [] { return true; };
    //! Told when the log could not be read.
    std::function<void(const error&)> trouble;
};

class event_followers final : public commit_observer {
public:
    event_followers(ledger& facts, chain_place head, follower_setting setting);
    ~event_followers() override;

    //! The place behind the newest event that was told.
    const chain_place& head() const noexcept { return head_; }
    std::size_t count() const noexcept { return all_.size(); }
    const follower_counters& counters() const noexcept { return counters_; }

    //! Begins to feed a stream whose head was sent. `from` is not above head().
    void add(http::stream to, event_filter filter, const chain_place& from, std::string actor);

    void on_committed(const std::shared_ptr<const committed_batch>& batch) override;
    //! Once a second: keep-alive comments, and the end of those who may no longer follow.
    void tick();
    void drain();

private:
    struct group;
    struct follower;
    struct feeding;

    follower* find(std::uint64_t id) const;
    void fan_out(const committed_batch& batch);
    void offer_to_rooted(const recorded_event& event, const chain_place& at);
    void offer(group& to, const recorded_event& event, const chain_place& at);
    void enter(group& fresh);
    void leave(group& gone);
    void send(group& to, const chain_place& upto);
    void advance(follower& one);
    void wait_for_client(follower& one);
    void join(follower& one);
    void leave_live(follower& one);
    void remove(std::uint64_t id);
    void end(std::uint64_t id, std::string_view comment);
    void end_refused();
    void launch();
    bool feed(follower& first);
    void fed(const feeding& done);
    void write_place(const chain_place& at, std::string& out) const;

    ledger& facts_;
    const follower_setting setting_;
    const std::size_t drained_bytes_; // unsent at most when the next piece is fetched
    const std::uint64_t epoch_;
    const id128 log_;
    chain_place head_;
    cloudevent_writer writer_;
    std::string frame_; // scratch of fan_out()
    std::map<std::string, std::unique_ptr<group>> groups_;
    std::vector<group*> anywhere_; // of filters that name no streams
    std::unordered_map<std::string, std::vector<group*>, text_hash, std::equal_to<>>
        rooted_;                  // by them
    std::vector<group*> pending_; // hold frames of the batch being told
    std::unordered_map<std::uint64_t, std::unique_ptr<follower>> all_;
    std::deque<std::uint64_t> queue_; // wait for a piece from the log
    std::size_t feedings_ = 0;        // under way
    std::size_t live_ = 0;
    std::uint64_t last_id_ = 0;
    std::uint64_t ticks_ = 0;
    follower_counters counters_;
};

} // namespace fasti::api

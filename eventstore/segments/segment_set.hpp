// SPDX-License-Identifier: Apache-2.0
//! The segments of an open log and its durable head: what readers and the appender share.
//! Thread: any; one thread adds and publishes. A lock is held for look-ups only, never over a disk call.
#pragma once

#include "eventstore/port/ledger.hpp"
#include "eventstore/segments/segment.hpp"

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

namespace fasti::segments {

class segment_set {
public:
    explicit segment_set(const log_identity& log) : log_(log) {}

    const log_identity& log() const noexcept { return log_; }
    ledger_head head() const;
    //! Makes everything up to a point visible: it is durable.
    void publish(const chain_point& head);
    void add(std::shared_ptr<segment> next);
    std::vector<std::shared_ptr<segment>> all() const;
    std::shared_ptr<segment> active() const;

    //! The segment that holds a position not above the head.
    std::shared_ptr<segment> holding(position at) const;
    //! The last segment that begins at or before an instant; null when there is none.
    std::shared_ptr<segment> begun_by(instant when) const;

private:
    const log_identity log_;
    mutable std::mutex mutex_;
    chain_point head_;
    std::vector<std::shared_ptr<segment>> segments_; // by sequence
};

//! Called with each frame that holds events, in order; its bytes are valid during the call.
using frame_visitor = std::function<read_more(const frame_header&, std::string_view)>;

//! Visits the frames that hold the durable positions `from` to `to`. Returns the position behind
//! the last frame visited. `first_read`: how many bytes to read at first; more as it goes on.
//! Errors: store_damaged naming positions.
result<position> walk_frames(const segment_set& set, position from, position to,
                             std::size_t first_read, const frame_visitor& visit);

inline constexpr std::size_t read_one_bytes = 32U * 1024U;   //!< for a single event
inline constexpr std::size_t read_many_bytes = 256U * 1024U; //!< for a walk

//! The error for an unsound place in the durable part of a segment, where `expected` should begin.
error describe_damage(const segment& of, std::uint64_t offset, position expected);

//! Calls back with one durable event. Errors: store_damaged.
result<void> with_event(const segment_set& set, position at,
                        const std::function<void(const recorded_event&)>& use);

result<position> read_events(const segment_set& set, position from, position to,
                             const event_filter& filter, const event_visitor& visit);
result<hash256> chain_hash_at(const segment_set& set, position at);
result<position> last_recorded_by(const segment_set& set, instant when);

} // namespace fasti::segments

// SPDX-License-Identifier: Apache-2.0
#include "projections/engine/past.hpp"

#include "projections/engine/snapshots.hpp"

#include <string>
#include <utility>

namespace fasti {
namespace {

constexpr std::uint64_t progress_events = 1'024;

error stopped_early() {
    return error{error_code::not_ready, "The fold was stopped before its end."};
}

} // namespace

result<std::unique_ptr<view_set>> stream_as_of(const ledger& facts, std::string_view stream,
                                               position at, const progress_sink& progress) {
    auto views = std::make_unique<view_set>();
    instant recorded;
    std::uint64_t folded = 0;
    bool stopped = false;
    auto read = facts.read_stream(stream, 1, [&](const recorded_event& event) {
        if (event.at > at) {
            return read_more::stop;
        }
        views->apply_part(event);
        recorded = event.fact.recorded;
        stopped = ++folded % progress_events == 0 && progress && !progress(folded, folded);
        return stopped ? read_more::stop : read_more::go_on;
    });
    if (!read) {
        return std::move(read).error();
    }
    if (stopped) {
        return stopped_early();
    }
    views->stand_at(at, recorded);
    return views;
}

std::size_t past_views::remembered_bytes() const {
    std::size_t bytes = 0;
    for (const auto& one : remembered_) {
        bytes += one->memory_bytes(); // asked anew: reading a view may build its orders
    }
    return bytes;
}

void past_views::forget_beyond_bounds() {
    while (!remembered_.empty() &&
           (remembered_.size() > remembered_max || remembered_bytes() > bytes_max_)) {
        remembered_.pop_back();
    }
}

result<std::shared_ptr<const view_set>> past_views::as_of(position at,
                                                          const progress_sink& progress) {
    if (at > facts_.head().last) {
        return error{error_code::position_unknown,
                     "The log ends at position " + std::to_string(facts_.head().last) + "."};
    }
    for (auto one = remembered_.begin(); one != remembered_.end(); ++one) {
        if ((*one)->at() == at) {
            std::shared_ptr<view_set> found = std::move(*one);
            remembered_.erase(one);
            remembered_.push_front(found);
            return std::shared_ptr<const view_set>{std::move(found)};
        }
    }
    if (progress && !progress(0, at)) { // it waited long, and nobody waits for it now
        return stopped_early();
    }
    auto folded = recover(facts_, store_, at, {}, progress);
    if (!folded) {
        return std::move(folded).error();
    }
    std::shared_ptr<view_set> made = std::move(folded->views);
    remembered_.push_front(made);
    forget_beyond_bounds();
    return std::shared_ptr<const view_set>{std::move(made)};
}

} // namespace fasti

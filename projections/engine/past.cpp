// SPDX-License-Identifier: Apache-2.0
#include "projections/engine/past.hpp"

#include "projections/engine/snapshots.hpp"

#include <string>
#include <utility>

namespace fasti {

result<std::unique_ptr<view_set>> stream_as_of(const ledger& facts, std::string_view stream,
                                               position at) {
    auto views = std::make_unique<view_set>();
    instant recorded;
    auto read = facts.read_stream(stream, 1, [&](const recorded_event& event) {
        if (event.at > at) {
            return read_more::stop;
        }
        views->apply_part(event);
        recorded = event.fact.recorded;
        return read_more::go_on;
    });
    if (!read) {
        return std::move(read).error();
    }
    views->stand_at(at, recorded);
    return views;
}

result<std::shared_ptr<const view_set>> past_views::as_of(position at) {
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
    auto folded = recover(facts_, store_, at, {}, {});
    if (!folded) {
        return std::move(folded).error();
    }
    remembered_.push_front(std::move(folded->views));
    if (remembered_.size() > remembered_max) {
        remembered_.pop_back();
    }
    return std::shared_ptr<const view_set>{remembered_.front()};
}

} // namespace fasti

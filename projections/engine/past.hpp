// SPDX-License-Identifier: Apache-2.0
//! Views as they were. One key is folded from its own stream; a whole view from the nearest rung of
//! the ladder and the tail behind it.
//! Thread: any but the live views': nothing here is shared with them. One object serves one thread.
#pragma once

#include "domain/base/result.hpp"
#include "eventstore/port/ledger.hpp"
#include "projections/engine/snapshot_store.hpp"
#include "projections/engine/view_set.hpp"

#include <cstdint>
#include <deque>
#include <memory>
#include <string_view>

namespace fasti {

//! The rows of one stream as of a position: everything else is absent from the set, so only what
//! follows from that stream alone may be asked of it (an instance's row, a token's).
//! Errors: those of ledger::read_stream; not_ready when progress gave false.
result<std::unique_ptr<view_set>> stream_as_of(const ledger& facts, std::string_view stream,
                                               position at, const progress_sink& progress);

//! Remembers the last answers while they take at most `bytes_max` together, since pages and related
//! questions ask for the same moment again. What a caller holds of an answer comes on top.
class past_views {
public:
    past_views(const ledger& facts, const snapshot_store& store, std::size_t bytes_max)
        : facts_(facts), store_(store), bytes_max_(bytes_max) {}

    //! Everything as of a position. Progress counts events; returning false ends it with not_ready.
    //! Errors: position_unknown above the head, those of catch_up().
    result<std::shared_ptr<const view_set>> as_of(position at, const progress_sink& progress);

    //! What is remembered now.
    std::size_t remembered_bytes() const;

private:
    //! However small they are: looking for one among them stays cheap.
    static constexpr std::size_t remembered_max = 16;

    void forget_beyond_bounds();

    const ledger& facts_;
    const snapshot_store& store_;
    const std::size_t bytes_max_;
    std::deque<std::shared_ptr<view_set>> remembered_; // the last used one first
};

} // namespace fasti

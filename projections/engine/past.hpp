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
//! Errors: those of ledger::read_stream.
result<std::unique_ptr<view_set>> stream_as_of(const ledger& facts, std::string_view stream,
                                               position at);

class past_views {
public:
    //! Keeps the last few answers: pages and related questions ask for the same moment.
    past_views(const ledger& facts, const snapshot_store& store) : facts_(facts), store_(store) {}

    //! Everything as of a position. Errors: position_unknown above the head, those of catch_up().
    result<std::shared_ptr<const view_set>> as_of(position at);

private:
    static constexpr std::size_t remembered_max = 2;

    const ledger& facts_;
    const snapshot_store& store_;
    std::deque<std::shared_ptr<view_set>> remembered_; // the last used one first
};

} // namespace fasti

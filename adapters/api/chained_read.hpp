// SPDX-License-Identifier: Apache-2.0
//! Reading the log in bounded pieces, each event with the chain hash at its place.
#pragma once

#include "domain/base/result.hpp"
#include "eventstore/port/ledger.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>

namespace fasti::api {

//! A place between two events: the next to be read and the hash of the one before it.
struct chain_place {
    position next = 1;
    hash256 before;
};

struct piece_bounds {
    position to = 0;                                  //!< inclusive
    std::uint64_t scanned_max = 200'000;              //!< events looked at, matching or not
    std::size_t scanned_bytes_max = 64 * 1024 * 1024; //!< and their bytes
};

using chained_visitor = std::function<read_more(const recorded_event&, const hash256&)>;

//! The place before a position. Errors: position_unknown, store_damaged.
result<chain_place> place_before(const ledger& facts, position next);

//! Visits the events that match, in order. Every event up to the last visited one is hashed, since
//! the chain runs over all of them. Returns where to go on.
//! Errors: store_damaged. Thread: any.
result<chain_place> read_chained(const ledger& facts, const chain_place& from,
                                 const piece_bounds& bounds, const event_filter& filter,
                                 const chained_visitor& visit);

} // namespace fasti::api

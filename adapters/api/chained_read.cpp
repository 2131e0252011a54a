// SPDX-License-Identifier: Apache-2.0
#include "adapters/api/chained_read.hpp"

#include "eventstore/port/record.hpp"

#include <algorithm>

namespace fasti::api {

result<chain_place> place_before(const ledger& facts, position next) {
    const auto hash = facts.hash_at(next - 1);
    if (!hash.ok()) {
        return hash.error();
    }
    return chain_place{next, hash.value()};
}

result<chain_place> read_chained(const ledger& facts, const chain_place& from,
                                 const piece_bounds& bounds, const event_filter& filter,
                                 const chained_visitor& visit) {
    chain_place at = from;
    if (from.next > bounds.to || bounds.scanned_max == 0) {
        return at;
    }
    const position last = std::min(bounds.to, from.next + bounds.scanned_max - 1);
    const bool unfiltered = filter.matches_all();
    chain_hasher hasher;
    std::size_t bytes = 0;
    const auto read = facts.read(from.next, last, {}, [&](const recorded_event& event) {
        at.before = hasher.next(at.before, event.canonical);
        at.next = event.at + 1;
        bytes += event.canonical.size();
        if ((unfiltered || filter.matches(event.fact)) &&
            visit(event, at.before) == read_more::stop) {
            return read_more::stop;
        }
        return bytes < bounds.scanned_bytes_max ? read_more::go_on : read_more::stop;
    });
    if (!read.ok()) {
        return read.error();
    }
    return at;
}

} // namespace fasti::api

// SPDX-License-Identifier: Apache-2.0
//! Short words for tests of leases.
#pragma once

#include "commands/leases/lease_table.hpp"

#include <cstdint>
#include <vector>

namespace fasti {

inline constexpr std::int64_t ms = 1'000;

inline lease_grant lease_of(std::uint32_t lease_ms, std::uint64_t hash = 1) {
    return {lease_ms, 1, hash};
}

inline std::vector<std::uint32_t> lapsed_at(lease_table& leases, std::int64_t now_us) {
    lease_table::due due;
    leases.take_due(now_us, due);
    return due.lapsed;
}

} // namespace fasti

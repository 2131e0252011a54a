// SPDX-License-Identifier: Apache-2.0
//! Identifiers that sort by the time they were made: UUID version 7 (RFC 9562, section 6.2).
#pragma once

#include "commands/ports/ports.hpp"

#include <array>
#include <cstdint>

namespace fasti::crypto {

//! Ids of one source never decrease: within a millisecond, or when the clock steps back, a counter
//! in the 12 bits after the time goes on and borrows the next millisecond when it is full.
class uuid7_source final : public id_source {
public:
    explicit uuid7_source(clock& time) : time_(time) {}
    id128 next() override;

private:
    clock& time_;
    std::uint64_t last_ms_ = 0;
    std::uint32_t counter_ = 0;
    std::array<std::uint8_t, 4096> pool_{}; //!< random bytes drawn in one call
    std::size_t left_ = 0;
};

} // namespace fasti::crypto

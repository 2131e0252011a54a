// SPDX-License-Identifier: Apache-2.0
//! The only clock and id source of unit and simulation tests: they move when told to.
#pragma once

#include "commands/ports/ports.hpp"

#include <cstdint>

namespace fasti {

class fake_clock final : public clock {
public:
    //! 2026-01-01T00:00:00Z.
    instant wall{1'767'225'600'000'000};
    std::int64_t monotonic = 1'000'000;

    instant now() override { return wall; }
    std::int64_t monotonic_us() override { return monotonic; }

    void pass_ms(std::int64_t ms) {
        wall = wall.plus_ms(ms);
        monotonic += ms * 1000;
    }
};

//! Counts up: ids are distinct and the same in every run.
class fake_ids final : public id_source {
public:
    std::uint64_t last = 0;

    id128 next() override {
        ++last;
        id128 id;
        for (unsigned i = 0; i < 8; ++i) {
            id.bytes[15 - i] = static_cast<std::uint8_t>(last >> (8 * i));
        }
        return id;
    }
};

} // namespace fasti

// SPDX-License-Identifier: Apache-2.0
//! The whole core in one thread: clients, server, disk and clocks, all moved by one seed, with
//! crashes at any call of the disk, and the checks of what must hold after each.
#pragma once

#include "tests/sim/core/machine.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace fasti::sim {

struct run_options {
    std::uint64_t seed = 1;
    std::uint64_t commands = 2'000; //!< at least so many are sent
    std::uint64_t crashes = 3;      //!< at least so many servers end by force
    planted fault = planted::nothing;
    bool trace = false; //!< keep what the last steps were
};

struct run_report {
    std::uint64_t seed = 0;
    std::string failure; //!< empty: everything held
    std::uint64_t steps = 0;
    std::uint64_t commands = 0;
    std::uint64_t events = 0;
    std::uint64_t power_losses = 0;
    std::uint64_t kills = 0;
    std::uint64_t disk_errors = 0;
    std::uint64_t cut_tails = 0;
    std::uint64_t retries = 0;
    std::uint64_t unanswered = 0;
    std::uint64_t from_snapshots = 0; //!< starts that used one
    std::uint64_t lost_tokens = 0;
    std::uint64_t expiries = 0;
    std::uint64_t guards = 0;
    std::vector<std::string> last_steps;

    bool ok() const noexcept { return failure.empty(); }
};

run_report run(const run_options& how);

//! One line for people.
std::string to_text(const run_report& report);

} // namespace fasti::sim

// SPDX-License-Identifier: Apache-2.0
//! A hundred seeds of the simulation on every run, twenty with sanitizers; `ops/dev prove seeds` runs 2,000.
#include "tests/sim/core/simulation.hpp"

#include "tests/support/long_form.hpp"

#include <gtest/gtest.h>

namespace fasti::sim {
namespace {

constexpr std::uint64_t seeds = is_sanitized ? 20 : 100;

TEST(simulation, keeps_every_promise_over_many_seeds) {
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        run_options how;
        how.seed = seed;
        const run_report report = run(how);
        ASSERT_TRUE(report.ok()) << to_text(report) << "\nAgain with: ops/dev sim --seed " << seed
                                 << " --verbose";
        ASSERT_GE(report.commands, how.commands) << to_text(report);
        ASSERT_GE(report.kills + report.power_losses, how.crashes) << to_text(report);
    }
}

} // namespace
} // namespace fasti::sim

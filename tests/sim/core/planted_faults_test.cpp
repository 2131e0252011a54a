// SPDX-License-Identifier: Apache-2.0
//! Each mistake that is made on purpose must be found within 500 seeds, else the checks of the
//! simulation prove nothing.
#include "tests/sim/core/simulation.hpp"

#include <gtest/gtest.h>

#include <string>

namespace fasti::sim {
namespace {

class planted_fault : public testing::TestWithParam<planted> {};

TEST_P(planted_fault, is_found_within_500_seeds) {
    for (std::uint64_t seed = 1; seed <= 500; ++seed) {
        run_options how;
        how.seed = seed;
        how.fault = GetParam();
        const run_report report = run(how);
        if (!report.ok()) {
            RecordProperty("seed", std::to_string(seed));
            RecordProperty("finding", report.failure);
            return;
        }
    }
    FAIL() << "500 seeds did not notice: " << to_name(GetParam());
}

INSTANTIATE_TEST_SUITE_P(
    simulation, planted_fault,
    testing::Values(planted::answer_before_sync, planted::directory_sync_left_out,
                    planted::tail_not_zeroed, planted::receipt_forgotten, planted::view_above_mark,
                    planted::reader_steps_over, planted::expiry_ignores_renewal,
                    planted::expiry_before_reading, planted::snapshot_at_wrong_position),
    [](const auto& of) { return std::string{to_name(of.param)}; });

} // namespace
} // namespace fasti::sim

// SPDX-License-Identifier: Apache-2.0
#include "commands/leases/expiry_guard.hpp"
#include "tests/support/leases.hpp"

#include <gtest/gtest.h>

namespace fasti {
namespace {

TEST(expiry_guard_policy, believes_a_few_lapses_and_doubts_many) {
    expiry_guard_policy policy({.ratio_percent = 30, .lapsed_min = 20, .window_ms = 10'000});
    EXPECT_FALSE(policy.on_lapsed(19, 1, 0).raise) << "too few to doubt";
    const auto evidence = policy.on_lapsed(1, 1, 5'000 * ms);
    EXPECT_TRUE(evidence.raise);
    EXPECT_EQ(evidence.lapsed, 20U);
    EXPECT_EQ(evidence.leases, 21U);
    policy.reset();
    EXPECT_FALSE(policy.on_lapsed(20, 980, 6'000 * ms).raise) << "a small share";
}

TEST(expiry_guard_policy, forgets_what_lapsed_before_the_window) {
    expiry_guard_policy policy({.ratio_percent = 30, .lapsed_min = 20, .window_ms = 10'000});
    (void)policy.on_lapsed(19, 10, 0);
    EXPECT_FALSE(policy.on_lapsed(19, 10, 10'001 * ms).raise);
}

} // namespace
} // namespace fasti

// SPDX-License-Identifier: Apache-2.0
#include "adapters/daemon/snapshot_pace.hpp"

#include <gtest/gtest.h>

namespace fasti {
namespace {

constexpr std::int64_t second = 1'000'000;

TEST(snapshot_pace, wants_one_when_enough_events_came) {
    const snapshot_pace pace(1000, 500);
    EXPECT_FALSE(pace.wanted(1499));
    EXPECT_FALSE(pace.due(1499, 0));
    EXPECT_TRUE(pace.wanted(1500));
    EXPECT_TRUE(pace.due(1500, 0));
}

TEST(snapshot_pace, lets_more_events_pass_the_larger_the_last_one_was) {
    snapshot_pace pace(1000, 0);
    pace.taken(1000, 200 * 3000, {});
    EXPECT_FALSE(pace.due(3999, second));
    EXPECT_TRUE(pace.due(4000, second));
    pace.taken(4000, 5, {});
    EXPECT_FALSE(pace.due(4999, second)) << "but never fewer than was asked for";
    EXPECT_TRUE(pace.due(5000, second));
}

TEST(snapshot_pace, copies_for_at_most_a_tenth_of_the_time) {
    snapshot_pace pace(1000, 0);
    pace.taken(1000, 0, {.begun_us = 98 * second, .ended_us = 100 * second});
    EXPECT_EQ(pace.rests_until_us(), 118 * second);
    EXPECT_TRUE(pace.wanted(2000));
    EXPECT_FALSE(pace.due(2000, 118 * second - 1));
    EXPECT_TRUE(pace.due(2000, 118 * second));
}

TEST(snapshot_pace, does_not_rest_when_a_start_would_have_too_much_to_fold) {
    snapshot_pace pace(1000, 0);
    pace.taken(1000, 0, {.begun_us = 98 * second, .ended_us = 100 * second});
    EXPECT_FALSE(pace.due(4999, 101 * second));
    EXPECT_TRUE(pace.due(5000, 101 * second)) << "four times what was asked for";
}

TEST(snapshot_pace, tries_again_later_what_failed) {
    snapshot_pace pace(1000, 0);
    pace.failed(1200, {.begun_us = 0, .ended_us = 3 * second});
    EXPECT_FALSE(pace.wanted(2199));
    EXPECT_TRUE(pace.wanted(2200));
    EXPECT_FALSE(pace.due(2200, 30 * second - 1));
    EXPECT_TRUE(pace.due(2200, 30 * second));
}

TEST(snapshot_pace, may_stand_ahead_of_the_head_it_is_told) {
    snapshot_pace pace(1000, 0);
    pace.taken(5000, 0, {});
    EXPECT_FALSE(pace.wanted(4999)) << "a commit that was not told yet is in the snapshot";
    EXPECT_FALSE(pace.due(4999, second));
}

} // namespace
} // namespace fasti

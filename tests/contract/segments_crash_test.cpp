// SPDX-License-Identifier: Apache-2.0
// The log through crashes at any call, with any mixture of unsynced sectors and names surviving.
#include "tests/support/disk/log_world.hpp"

#include <gtest/gtest.h>

namespace fasti::sim {
namespace {

constexpr std::uint64_t seeds = 20;
constexpr std::uint64_t appends_per_seed = 300;

TEST(segments_on_a_bad_disk, keep_what_was_acknowledged_and_nothing_by_half) {
    // --gtest_shuffle --gtest_random_seed=N plays one seed only.
    const auto only = GTEST_FLAG_GET(shuffle) ? static_cast<std::uint64_t>(
                                                    testing::UnitTest::GetInstance()->random_seed())
                                              : 0;
    world_counts sum;
    for (std::uint64_t seed = only != 0 ? only : 1; seed <= (only != 0 ? only : seeds); ++seed) {
        log_world world{seed};
        const std::string problem = world.run(appends_per_seed);
        ASSERT_EQ(problem, "") << "--gtest_shuffle --gtest_random_seed=" << seed;
        sum.crashes += world.counts().crashes;
        sum.full += world.counts().full;
        sum.tails_cut += world.counts().tails_cut;
        sum.unknown_kept += world.counts().unknown_kept;
        sum.unknown_lost += world.counts().unknown_lost;
    }
    if (only == 0) {
        EXPECT_GT(sum.crashes, seeds * 3);
        EXPECT_GT(sum.full, seeds / 4);
        EXPECT_GT(sum.tails_cut, seeds / 4);
        EXPECT_GT(sum.unknown_kept, seeds / 4);
        EXPECT_GT(sum.unknown_lost, seeds / 4);
    }
}

//! Seeds until a careless log is caught; 0 when it never is.
std::uint64_t caught_after(omission planted) {
    for (std::uint64_t seed = 1; seed <= 500; ++seed) {
        if (!log_world{seed, planted}.run(appends_per_seed).empty()) {
            return seed;
        }
    }
    return 0;
}

TEST(segments_on_a_bad_disk, are_caught_when_they_answer_before_the_sync) {
    EXPECT_NE(caught_after(omission::file_sync), 0U);
}

TEST(segments_on_a_bad_disk, are_caught_when_the_folder_is_not_synced) {
    EXPECT_NE(caught_after(omission::directory_sync), 0U);
}

TEST(segments_on_a_bad_disk, are_caught_when_the_tail_is_not_zeroed) {
    EXPECT_NE(caught_after(omission::zeroing), 0U);
}

} // namespace
} // namespace fasti::sim

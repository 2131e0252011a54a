// SPDX-License-Identifier: Apache-2.0
#include "commands/leases/lease_checkpoint.hpp"
#include "tests/support/leases.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace fasti {
namespace {

TEST(lease_checkpoint, gives_back_what_remained) {
    lease_table leases(0);
    leases.grant(0, lease_of(10'000, 77), 0);
    leases.grant(1, lease_of(20'000, 5), 0);
    std::string bytes;
    write_lease_checkpoint(leases, 4'000 * ms, 1'000, bytes);
    lease_checkpoint saved;
    ASSERT_TRUE(saved.read(bytes));
    ASSERT_NE(saved.find(77), nullptr);
    EXPECT_EQ(saved.find(77)->remaining_ms, 5'000U);
    EXPECT_EQ(saved.find(5)->remaining_ms, 15'000U);
    EXPECT_EQ(saved.find(6), nullptr);
}

TEST(lease_checkpoint, is_refused_whole_when_a_byte_is_wrong) {
    lease_table leases(0);
    leases.grant(0, lease_of(10'000, 77), 0);
    std::string bytes;
    write_lease_checkpoint(leases, 0, 0, bytes);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        std::string damaged = bytes;
        damaged[i] = static_cast<char>(damaged[i] ^ 0x20);
        lease_checkpoint saved;
        EXPECT_FALSE(saved.read(damaged)) << i;
        EXPECT_FALSE(saved.read(std::string_view{bytes}.substr(0, i)));
    }
}

//! Restarts over and over; returns how long the dead instance stayed, in up-time.
std::int64_t up_ms_until_lapse(std::uint32_t lease_ms, std::int64_t run_ms, std::int64_t save_ms) {
    std::string checkpoint;
    {
        lease_table leases(0);
        leases.grant(0, lease_of(lease_ms, 9), 0);
        write_lease_checkpoint(leases, 0, save_ms, checkpoint);
    }
    std::int64_t up_ms = 0;
    for (int run = 0; run < 100'000; ++run) {
        lease_checkpoint saved;
        EXPECT_TRUE(saved.read(checkpoint));
        lease_table leases(0);
        leases.grant_after_restart(0, lease_of(lease_ms, 9), saved.find(9), 0);
        for (std::int64_t at = 0; at < run_ms; at += 10) {
            if (at % save_ms == 0) {
                checkpoint.clear();
                write_lease_checkpoint(leases, at * ms, save_ms, checkpoint);
            }
            if (!lapsed_at(leases, at * ms).empty()) {
                return up_ms + at;
            }
        }
        up_ms += run_ms;
    }
    return -1;
}

TEST(lease_checkpoint, does_not_keep_the_dead_in_a_crash_loop_of_any_pace) {
    for (const std::int64_t run_ms : {20, 90, 500, 990, 1500, 4000, 30'000}) {
        const std::int64_t stayed = up_ms_until_lapse(10'000, run_ms, 1'000);
        EXPECT_GE(stayed, 0) << "for ever, with runs of " << run_ms << " ms";
        EXPECT_LE(stayed, 2 * 10'000 + run_ms) << "runs of " << run_ms << " ms";
    }
}

//! The same with runs of random length; returns the up-time until it was found lapsed.
std::int64_t up_ms_until_lapse_of_random_runs(std::uint32_t lease_ms, std::int64_t save_ms,
                                              unsigned seed) {
    std::mt19937 random(seed);
    std::string checkpoint;
    std::int64_t up_ms = 0;
    for (int run = 0; run < 100'000; ++run) {
        lease_checkpoint saved;
        const bool restarted = saved.read(checkpoint);
        lease_table leases(0);
        if (restarted) {
            leases.grant_after_restart(0, lease_of(lease_ms, 9), saved.find(9), 0);
        } else {
            leases.grant(0, lease_of(lease_ms, 9), 0);
        }
        const auto run_ms = static_cast<std::int64_t>(1 + random() % 6'000);
        for (std::int64_t at = 0; at < run_ms; at += 10) {
            if (at % save_ms == 0) {
                checkpoint.clear();
                write_lease_checkpoint(leases, at * ms, save_ms, checkpoint);
            }
            if (!lapsed_at(leases, at * ms).empty()) {
                return up_ms + at;
            }
        }
        up_ms += run_ms;
    }
    return -1;
}

TEST(lease_checkpoint, keeps_its_bound_for_any_lease_save_interval_and_runs) {
    for (const std::uint32_t lease_ms : {100U, 700U, 3'000U, 20'000U, 120'000U}) {
        for (const std::int64_t save_ms : {200, 1'000, 5'000}) {
            for (unsigned seed = 1; seed <= 10; ++seed) {
                const std::int64_t stayed = up_ms_until_lapse_of_random_runs(lease_ms, save_ms,
                                                                             seed);
                ASSERT_GE(stayed, 0) << "for ever, lease " << lease_ms << " save " << save_ms;
                // One run may be cut off before it looks at a lease that lapsed: one look of 10 ms.
                ASSERT_LE(stayed, 2 * std::int64_t{lease_ms} + 20)
                    << "lease " << lease_ms << " save " << save_ms << " seed " << seed;
            }
        }
    }
}

TEST(lease_checkpoint, gives_the_living_time_to_renew_after_a_restart) {
    lease_table before(0);
    before.grant(0, lease_of(10'000, 9), 0);
    std::string checkpoint;
    write_lease_checkpoint(before, 9'500 * ms, 1'000, checkpoint);
    lease_checkpoint saved;
    ASSERT_TRUE(saved.read(checkpoint));
    lease_table leases(0);
    leases.grant_after_restart(0, lease_of(10'000, 9), saved.find(9), 0);
    EXPECT_TRUE(lapsed_at(leases, 4'900 * ms).empty());
    EXPECT_EQ(leases.renew(0, 4'900 * ms).kind, renewal_kind::renewed);
}

} // namespace
} // namespace fasti

// SPDX-License-Identifier: Apache-2.0
#include "tests/support/leases.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace fasti {
namespace {

TEST(lease_table, lets_a_lease_lapse_at_its_deadline_and_not_before) {
    lease_table leases(0);
    leases.grant(0, lease_of(1000), 0);
    EXPECT_TRUE(lapsed_at(leases, 999 * ms).empty());
    EXPECT_EQ(lapsed_at(leases, 1000 * ms + lease_table::tick_us), std::vector<std::uint32_t>{0});
    EXPECT_TRUE(lapsed_at(leases, 5000 * ms).empty()) << "it is handed out once";
}

TEST(lease_table, moves_the_deadline_with_each_renewal) {
    lease_table leases(0);
    leases.grant(0, lease_of(1000), 0);
    const lease_renewal outcome = leases.renew(0, 900 * ms);
    EXPECT_EQ(outcome.kind, renewal_kind::renewed);
    EXPECT_EQ(outcome.deadline_us, 1900 * ms);
    EXPECT_TRUE(lapsed_at(leases, 1899 * ms).empty());
    EXPECT_EQ(lapsed_at(leases, 1905 * ms).size(), 1U);
}

TEST(lease_table, says_why_a_lease_cannot_be_renewed) {
    lease_table leases(0);
    EXPECT_EQ(leases.renew(7, 0).kind, renewal_kind::absent);
    leases.grant(0, lease_of(100), 0);
    (void)lapsed_at(leases, 200 * ms);
    EXPECT_EQ(leases.renew(0, 200 * ms).kind, renewal_kind::expiring);
    leases.mark_expired(0, 10'000 * ms, 200 * ms);
    EXPECT_EQ(leases.renew(0, 200 * ms).kind, renewal_kind::expired);
    leases.remove(0);
    EXPECT_EQ(leases.renew(0, 200 * ms).kind, renewal_kind::absent);
}

TEST(lease_table, looks_again_at_leases_longer_than_the_wheel) {
    lease_table leases(0);
    leases.grant(0, lease_of(86'400'000), 0);
    for (std::int64_t at = 0; at < 86'400'000; at += 5'000) {
        ASSERT_TRUE(lapsed_at(leases, at * ms).empty());
    }
    EXPECT_EQ(lapsed_at(leases, 86'400'010 * ms).size(), 1U);
}

TEST(lease_table, keeps_a_pending_lease_until_it_is_settled) {
    lease_table leases(0);
    leases.grant(0, lease_of(100), 0);
    ASSERT_TRUE(leases.begin_pending(0));
    EXPECT_TRUE(lapsed_at(leases, 500 * ms).empty());
    leases.end_pending(0);
    EXPECT_EQ(lapsed_at(leases, 600 * ms).size(), 1U);
}

TEST(lease_table, looks_again_when_an_expiry_was_void) {
    lease_table leases(0);
    leases.grant(0, lease_of(100), 0);
    (void)lapsed_at(leases, 200 * ms);
    leases.expiry_void(0, 200 * ms);
    EXPECT_EQ(lapsed_at(leases, 1300 * ms).size(), 1U);
}

TEST(lease_table, hands_an_expired_one_out_for_reaping_until_it_is_gone) {
    lease_table leases(0);
    leases.grant(0, lease_of(100), 0);
    leases.mark_expired(0, 1000 * ms, 200 * ms);
    lease_table::due due;
    leases.take_due(990 * ms, due);
    EXPECT_TRUE(due.reaps.empty());
    leases.take_due(1010 * ms, due);
    EXPECT_EQ(due.reaps.size(), 1U);
    leases.take_due(2100 * ms, due);
    EXPECT_EQ(due.reaps.size(), 2U) << "nobody said that it is gone";
    leases.remove(0);
    leases.take_due(9000 * ms, due);
    EXPECT_EQ(due.reaps.size(), 2U);
}

TEST(lease_table, holds_lapsed_leases_and_lets_them_renew) {
    lease_table leases(0);
    leases.grant(0, lease_of(100), 0);
    leases.grant(1, lease_of(100), 0);
    for (const std::uint32_t slot : lapsed_at(leases, 200 * ms)) {
        leases.hold_back(slot);
    }
    EXPECT_EQ(leases.held(), 2U);
    EXPECT_EQ(leases.renew(1, 300 * ms).kind, renewal_kind::renewed);
    std::vector<std::uint32_t> lapsed;
    leases.release_held(300 * ms, lapsed);
    EXPECT_EQ(lapsed, std::vector<std::uint32_t>{0});
    EXPECT_EQ(lapsed_at(leases, 410 * ms), std::vector<std::uint32_t>{1});
}

TEST(lease_table, finds_one_percent_of_a_hundred_thousand_within_a_look_and_a_tick) {
    constexpr std::uint32_t count = 100'000;
    constexpr std::int64_t look = 10 * ms;
    lease_table leases(0);
    std::mt19937 random(1);
    for (std::uint32_t slot = 0; slot < count; ++slot) {
        leases.grant(slot, lease_of(10'000), 0);
        leases.renew(slot, static_cast<std::int64_t>(random() % 10'000) * ms);
    }
    lease_table::due due;
    std::int64_t latest = 0;
    for (std::int64_t now = 0; now <= 21'000 * ms; now += look) {
        due.lapsed.clear();
        leases.take_due(now, due);
        for (const std::uint32_t slot : due.lapsed) {
            ASSERT_EQ(slot % 100, 0U) << "a living one";
            latest = std::max(latest, now - leases.deadline_us(slot));
        }
        for (std::uint32_t i = 0; i < 200; ++i) { // every living one is renewed every 5 seconds
            const auto slot = static_cast<std::uint32_t>((now / look * 200 + i) % count);
            if (slot % 100 != 0) {
                ASSERT_EQ(leases.renew(slot, now).kind, renewal_kind::renewed);
            }
        }
    }
    EXPECT_EQ(leases.size(), count);
    EXPECT_GT(latest, 0);
    EXPECT_LE(latest, look + lease_table::tick_us);
}

TEST(lease_table, spreads_the_work_for_long_leases_that_were_granted_together) {
    constexpr std::uint32_t count = 40'000;
    lease_table leases(0);
    for (std::uint32_t slot = 0; slot < count; ++slot) {
        leases.grant(slot, lease_of(300'000), 0);
    }
    lease_table::due due;
    std::size_t most = 0;
    for (std::int64_t at = 0; at < 250'000; at += 8) {
        leases.take_due(at * ms, due);
        most = std::max(most, due.looked_at);
    }
    EXPECT_TRUE(due.lapsed.empty());
    EXPECT_LE(most, count / 100) << "too many in one look";
}

TEST(lease_table, tells_relapses_of_one_lease_from_lapses_of_many) {
    lease_table leases(0);
    lease_table::due due;
    std::int64_t now = 0;
    std::size_t again = 0;
    for (int i = 0; i < 30; ++i) {
        leases.grant(0, lease_of(100), now);
        now += 200 * ms;
        leases.take_due(now, due);
        again += due.lapsed_again;
    }
    EXPECT_EQ(due.lapsed.size(), 30U);
    EXPECT_EQ(again, 29U);
    now += (lease_table::relapse_s + 1) * 1000 * ms;
    leases.grant(0, lease_of(100), now);
    leases.take_due(now + 200 * ms, due);
    EXPECT_EQ(due.lapsed_again, 0U) << "that was long ago";
    leases.remove(0);
    leases.grant(0, lease_of(100), now + 300 * ms);
    leases.take_due(now + 500 * ms, due);
    EXPECT_EQ(due.lapsed_again, 0U) << "another instance in the same slot";
}

} // namespace
} // namespace fasti

// SPDX-License-Identifier: Apache-2.0
#include "commands/leases/expiry_guard.hpp"
#include "commands/leases/lease_checkpoint.hpp"
#include "commands/leases/lease_table.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

namespace fasti {
namespace {

constexpr std::int64_t ms = 1'000;

lease_grant lease_of(std::uint32_t lease_ms, std::uint64_t hash = 1) { return {lease_ms, 1, hash}; }

std::vector<std::uint32_t> lapsed_at(lease_table& leases, std::int64_t now_us) {
    lease_table::due due;
    leases.advance(now_us, due);
    return due.lapsed;
}

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
    leases.expiry_dropped(0, 200 * ms);
    EXPECT_EQ(lapsed_at(leases, 1300 * ms).size(), 1U);
}

TEST(lease_table, hands_an_expired_one_out_for_reaping_until_it_is_gone) {
    lease_table leases(0);
    leases.grant(0, lease_of(100), 0);
    leases.mark_expired(0, 1000 * ms, 200 * ms);
    lease_table::due due;
    leases.advance(990 * ms, due);
    EXPECT_TRUE(due.reaps.empty());
    leases.advance(1010 * ms, due);
    EXPECT_EQ(due.reaps.size(), 1U);
    leases.advance(2100 * ms, due);
    EXPECT_EQ(due.reaps.size(), 2U) << "nobody said that it is gone";
    leases.remove(0);
    leases.advance(9000 * ms, due);
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
    leases.release_held(lapsed);
    EXPECT_EQ(lapsed, std::vector<std::uint32_t>{0});
    EXPECT_EQ(lapsed_at(leases, 410 * ms), std::vector<std::uint32_t>{1});
}

TEST(lease_table, agrees_with_a_naive_model) {
    for (unsigned seed = 1; seed <= 20; ++seed) {
        std::mt19937 random(seed);
        lease_table leases(0);
        std::map<std::uint32_t, std::int64_t> deadlines;
        std::int64_t now = 0;
        for (int step = 0; step < 4000; ++step) {
            const auto slot = static_cast<std::uint32_t>(random() % 50);
            switch (random() % 5) {
                case 0: {
                    const auto lease_ms = static_cast<std::uint32_t>(100 + random() % 30'000);
                    leases.grant(slot, lease_of(lease_ms), now);
                    deadlines[slot] = now + lease_ms * ms;
                    break;
                }
                case 1:
                    if (leases.renew(slot, now).kind == renewal_kind::renewed) {
                        ASSERT_TRUE(deadlines.contains(slot)) << "seed " << seed;
                        deadlines[slot] = leases.deadline_us(slot);
                    }
                    break;
                case 2:
                    leases.remove(slot);
                    deadlines.erase(slot);
                    break;
                default: {
                    now += static_cast<std::int64_t>(random() % 400) * ms;
                    const auto lapsed = lapsed_at(leases, now);
                    for (const std::uint32_t gone : lapsed) {
                        ASSERT_TRUE(deadlines.contains(gone)) << "seed " << seed;
                        ASSERT_LE(deadlines[gone], now) << "before its deadline, seed " << seed;
                        deadlines.erase(gone);
                    }
                    for (const auto& [left, deadline] : deadlines) {
                        ASSERT_GE(deadline + lease_table::tick_us, now)
                            << "slot " << left << " was forgotten, seed " << seed;
                    }
                }
            }
        }
    }
}

//! Does random operations to a table and says what a plain map of deadlines expects of each.
class every_operation {
public:
    explicit every_operation(unsigned seed) : random_(seed) {}

    void step() {
        slot_ = static_cast<std::uint32_t>(random_() % 40);
        known_ = model_.find(slot_);
        switch (random_() % 9) {
            case 0: grant(); break;
            case 1: renew(); break;
            case 2: remove(); break;
            case 3: begin_pending(); break;
            case 4: end_pending(); break;
            case 5: hold_back(); break;
            case 6: answer_expiry(); break;
            case 7: release_held(); break;
            default: advance(); break;
        }
        const auto left = std::count_if(model_.begin(), model_.end(), [](const auto& one) {
            return one.second.state != is::expired;
        });
        ASSERT_EQ(leases_.size(), static_cast<std::size_t>(left));
    }

private:
    enum class is { live, held, expiring, expired };
    struct expected_lease {
        std::int64_t deadline;
        is state;
        int pending;
    };
    static constexpr std::int64_t tick = lease_table::tick_us;

    bool is_now(is state) const { return known_ != model_.end() && known_->second.state == state; }

    void grant() {
        const auto lease_ms = static_cast<std::uint32_t>(100 + random_() % 40'000);
        leases_.grant(slot_, lease_of(lease_ms), now_);
        const int pending = known_ == model_.end() ? 0 : known_->second.pending;
        model_[slot_] = {now_ + lease_ms * ms, is::live, pending};
    }

    void renew() {
        const auto kind = leases_.renew(slot_, now_).kind;
        const auto expected = known_ == model_.end() ? renewal_kind::absent
                              : is_now(is::expiring) ? renewal_kind::expiring
                              : is_now(is::expired)  ? renewal_kind::expired
                                                     : renewal_kind::renewed;
        ASSERT_EQ(kind, expected);
        if (kind == renewal_kind::renewed) {
            known_->second.state = is::live;
            known_->second.deadline = leases_.deadline_us(slot_);
            ASSERT_GT(known_->second.deadline, now_);
        }
    }

    void remove() {
        if (random_() % 4 == 0) {
            leases_.remove(slot_);
            model_.erase(slot_);
        }
    }

    void begin_pending() {
        const bool can = known_ != model_.end() && !is_now(is::expired);
        ASSERT_EQ(leases_.begin_pending(slot_), can);
        if (can) {
            ++known_->second.pending;
        }
    }

    void end_pending() {
        if (known_ != model_.end() && known_->second.pending > 0) {
            leases_.end_pending(slot_);
            --known_->second.pending;
            // While pending it is looked at with every tick.
            known_->second.deadline = std::max(known_->second.deadline, now_ + tick);
        }
    }

    void hold_back() {
        if (is_now(is::expiring)) {
            leases_.hold_back(slot_);
            known_->second.state = is::held;
        }
    }

    void answer_expiry() {
        if (!is_now(is::expiring)) {
            return;
        }
        if (random_() % 2 == 0) {
            leases_.expiry_dropped(slot_, now_);
            known_->second.deadline = leases_.deadline_us(slot_);
            known_->second.state = is::live;
        } else {
            known_->second.deadline = now_ + 30'000 * ms;
            known_->second.state = is::expired;
            leases_.mark_expired(slot_, known_->second.deadline, now_);
        }
    }

    void release_held() {
        if (random_() % 20 != 0) {
            return;
        }
        std::vector<std::uint32_t> released;
        leases_.release_held(released);
        for (const std::uint32_t gone : released) {
            ASSERT_EQ(model_.at(gone).state, is::held);
            model_.at(gone).state = is::expiring;
        }
        ASSERT_EQ(leases_.held(), 0U);
    }

    void advance() {
        now_ += static_cast<std::int64_t>(random_() % 700) * ms;
        lease_table::due due;
        leases_.advance(now_, due);
        for (const std::uint32_t gone : due.lapsed) {
            ASSERT_EQ(model_.at(gone).state, is::live);
            ASSERT_EQ(model_.at(gone).pending, 0);
            ASSERT_LE(model_.at(gone).deadline - tick, now_) << "before its deadline";
            model_.at(gone).state = is::expiring;
        }
        for (const std::uint32_t gone : due.reaps) {
            ASSERT_EQ(model_.at(gone).state, is::expired);
            ASSERT_LE(model_.at(gone).deadline, now_) << "before its time";
            model_.at(gone).deadline = now_ + 1'000 * ms; // asked again
        }
        for (const auto& [left, what] : model_) {
            const bool waits = (what.state == is::live && what.pending == 0) ||
                               what.state == is::expired;
            ASSERT_TRUE(!waits || what.deadline + 2 * tick >= now_)
                << "slot " << left << " was forgotten";
        }
    }

    std::mt19937 random_;
    lease_table leases_{0};
    std::map<std::uint32_t, expected_lease> model_;
    std::map<std::uint32_t, expected_lease>::iterator known_;
    std::uint32_t slot_ = 0;
    std::int64_t now_ = 0;
};

TEST(lease_table, agrees_with_a_naive_model_of_every_operation) {
    for (unsigned seed = 1; seed <= 20; ++seed) {
        every_operation operations(seed);
        for (int step = 0; step < 4000 && !HasFatalFailure(); ++step) {
            operations.step();
        }
        ASSERT_FALSE(HasFatalFailure()) << "seed " << seed;
    }
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
        leases.advance(now, due);
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
        leases.advance(at * ms, due);
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
        leases.advance(now, due);
        again += due.lapsed_again;
    }
    EXPECT_EQ(due.lapsed.size(), 30U);
    EXPECT_EQ(again, 29U);
    now += (lease_table::relapse_s + 1) * 1000 * ms;
    leases.grant(0, lease_of(100), now);
    leases.advance(now + 200 * ms, due);
    EXPECT_EQ(due.lapsed_again, 0U) << "that was long ago";
    leases.remove(0);
    leases.grant(0, lease_of(100), now + 300 * ms);
    leases.advance(now + 500 * ms, due);
    EXPECT_EQ(due.lapsed_again, 0U) << "another instance in the same slot";
}

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

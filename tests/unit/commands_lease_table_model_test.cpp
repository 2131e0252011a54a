// SPDX-License-Identifier: Apache-2.0
//! The table of leases beside a plain map of deadlines, by random operations.
#include "tests/support/leases.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

namespace fasti {
namespace {

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
            leases_.expiry_void(slot_, now_);
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
        leases_.release_held(now_, released);
        for (const std::uint32_t gone : released) {
            ASSERT_EQ(model_.at(gone).state, is::held);
            ASSERT_EQ(model_.at(gone).pending, 0) << "something that renews it is under way";
            model_.at(gone).state = is::expiring;
        }
        for (auto& [left, what] : model_) {
            if (what.state == is::held) { // pending: live again, and looked at with the next tick
                what.state = is::live;
                what.deadline = now_;
            }
        }
        ASSERT_EQ(leases_.held(), 0U);
    }

    void advance() {
        now_ += static_cast<std::int64_t>(random_() % 700) * ms;
        lease_table::due due;
        leases_.take_due(now_, due);
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

} // namespace
} // namespace fasti

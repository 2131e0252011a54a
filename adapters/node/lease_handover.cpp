// SPDX-License-Identifier: Apache-2.0
//! Leases change hands: from the run before by its checkpoint, and from the views before, whose slots
//! were others, when views that were folded beside them take their place.
#include "adapters/node/checkpoint_name.hpp"
#include "adapters/node/node.hpp"

#include <algorithm>
#include <utility>

namespace fasti {
namespace {

//! Arms every lease anew after a restart.
class restart_observer final : public lease_observer {
public:
    restart_observer(const registry_view& view, const lease_checkpoint& saved, lease_table& leases,
                     instant wall, std::int64_t now_us, std::int64_t reap_ms)
        : view_(view),
          saved_(saved),
          leases_(leases),
          wall_(wall),
          now_us_(now_us),
          reap_ms_(reap_ms) {}

    std::optional<instant> guard_until;

    void instance_granted(std::uint32_t slot, std::uint32_t lease_ms,
                          std::uint64_t generation) override {
        if (lease_ms == 0) {
            return;
        }
        const instance_ref one = view_.at(slot);
        const std::uint64_t name = checkpoint_name(one.service, one.instance, generation, scratch_);
        leases_.grant_after_restart(slot, {lease_ms, generation, name}, saved_.find(name), now_us_);
    }
    void instance_expired(std::uint32_t slot, instant recorded, std::uint64_t) override {
        // A wall clock that was set back must not keep it for longer than a fresh expiry.
        const std::int64_t left = std::clamp<std::int64_t>(reap_ms_ - ms_between(recorded, wall_),
                                                           0, reap_ms_);
        leases_.mark_expired(slot, now_us_ + left * 1000, now_us_);
    }
    void instance_removed(std::uint32_t slot) override { leases_.remove(slot); }
    void guard_raised(instant until) override { guard_until = until; }
    void guard_lifted() override { guard_until.reset(); }

private:
    const registry_view& view_;
    const lease_checkpoint& saved_;
    lease_table& leases_;
    const instant wall_;
    const std::int64_t now_us_;
    const std::int64_t reap_ms_;
    std::string scratch_;
};

//! Moves each lease to the slot that its instance has in other views.
class moving_observer final : public lease_observer {
public:
    moving_observer(const registry_view& before, const registry_view& after,
                    const lease_table& leases, lease_table& moved, std::int64_t now_us)
        : before_(before), after_(after), leases_(leases), moved_(moved), now_us_(now_us) {}

    void instance_granted(std::uint32_t slot, std::uint32_t, std::uint64_t) override { move(slot); }
    void instance_expired(std::uint32_t slot, instant, std::uint64_t) override { move(slot); }
    void instance_removed(std::uint32_t) override {}
    void guard_raised(instant) override {}
    void guard_lifted() override {}

private:
    void move(std::uint32_t slot) {
        const instance_ref one = after_.at(slot);
        if (const auto old = before_.slot_of(one.service, one.instance)) {
            moved_.take_over(leases_, *old, slot, now_us_);
        }
    }

    const registry_view& before_;
    const registry_view& after_;
    const lease_table& leases_;
    lease_table& moved_;
    const std::int64_t now_us_;
};

} // namespace

std::optional<std::string> node::start_leases(std::string_view checkpoint) {
    lease_checkpoint saved;
    const bool readable = saved.read(checkpoint);
    restart_observer observer(views_->registry(), saved, leases_, time_.now(), time_.monotonic_us(),
                              options_.reap_ms);
    views_->registry().tell_all(observer);
    if (observer.guard_until.has_value()) {
        node::guard_raised(*observer.guard_until);
    }
    if (!readable && !checkpoint.empty()) {
        return "The remaining times of leases could not be read; every lease starts anew.";
    }
    return std::nullopt;
}

void node::write_lease_checkpoint(std::int64_t spare_ms, std::string& out) const {
    fasti::write_lease_checkpoint(leases_, time_.monotonic_us(), spare_ms, out);
}

void node::adopt(std::unique_ptr<view_set> fresh) {
    check(fresh->at() == views_->at(), "views change places at one position");
    const std::int64_t now = time_.monotonic_us();
    lease_table moved(now);
    moving_observer observer(views_->registry(), fresh->registry(), leases_, moved, now);
    fresh->registry().tell_all(observer);
    views_->registry().observe(nullptr);
    views_ = std::move(fresh);
    views_->registry().observe(this);
    leases_ = std::move(moved);
    for (std::uint32_t& age : slot_ages_) {
        ++age; // notes of requests under way name slots of the old views
    }
    slot_age_first_ += 1;
}

} // namespace fasti

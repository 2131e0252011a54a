// SPDX-License-Identifier: Apache-2.0
//! The node's side of leases: what events mean for them, and what lapses become.
#include "adapters/node/node.hpp"
#include "domain/base/ids.hpp"

#include <algorithm>
#include <utility>

namespace fasti {
namespace {

//! How many expiries or reapings go into one request: small enough not to hold up people's commands.
constexpr std::size_t own_commands_per_request = 512;
//! When a guard that could not be raised is asked for again.
constexpr std::int64_t guard_again_after_us = 1'000'000;

//! Names a lease in checkpoints: its instance, and the event that granted it.
std::uint64_t checkpoint_key(const instance_ref& one, std::uint64_t generation,
                             std::string& scratch) {
    scratch.clear();
    registry::append_instance_stream(one.service, one.instance, scratch);
    scratch += '#';
    scratch += std::to_string(generation);
    return hash64(scratch);
}

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
        const std::uint64_t name = checkpoint_key(view_.at(slot), generation, scratch_);
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

namespace {

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

void node::write_lease_checkpoint(std::int64_t spare_ms, std::string& out) const {
    fasti::write_lease_checkpoint(leases_, time_.monotonic_us(), spare_ms, out);
}

void node::tick(std::int64_t heard_us) {
    due_.lapsed.clear();
    due_.reaps.clear();
    leases_.take_due(heard_us, due_);
    if (!due_.lapsed.empty()) {
        take_lapsed(heard_us);
    }
    if (guard_wanted_.has_value() && !guard_asked_ && heard_us >= guard_again_us_) {
        raise_guard();
    }
    if (leases_.held() > 0 && !guards()) {
        release_held(heard_us);
    }
    if (!due_.reaps.empty()) {
        submit_reaps(due_.reaps);
    }
    if (guard_until_.has_value() && !guard_asked_ && heard_us >= guard_end_us_) {
        end_guard();
    }
}

//! The time is over by the monotonic clock. Where the wall clock was set back meanwhile the guard's
//! own end lies far ahead: then it is lifted, so that no step of a clock keeps the dead.
void node::end_guard() {
    if (time_.now() >= *guard_until_) {
        submit_guard(registry::end_expiry_guard{*guard_until_}, "The time of the guard is over.");
    } else {
        submit_guard(registry::lift_expiry_guard{},
                     "The time of the guard is over; the wall clock was set back meanwhile.");
    }
}

//! Expires what lapsed, or holds it back while a guard is up, about to be, or called for now.
void node::take_lapsed(std::int64_t heard_us) {
    const auto evidence = guard_.on_lapsed(due_.lapsed.size() - due_.lapsed_again,
                                           leases_.size() - due_.lapsed.size(), heard_us);
    if (evidence.raise && !guards()) {
        guard_wanted_ = evidence;
        guard_again_us_ = heard_us;
    }
    if (!guards()) {
        submit_expiries(due_.lapsed);
        return;
    }
    for (const std::uint32_t slot : due_.lapsed) {
        leases_.hold_back(slot);
    }
}

//! Not before a tick after the guard went down: commands are not submitted while a batch is folded,
//! and who renewed or registered meanwhile is not held any more.
void node::release_held(std::int64_t heard_us) {
    due_.lapsed.clear();
    leases_.release_held(heard_us, due_.lapsed);
    submit_expiries(due_.lapsed);
}

//! What cannot be written now is asked for again: mass expiry waits for the guard, not for luck.
void node::raise_guard() {
    const expiry_guard_options& how = guard_.options();
    guard_again_us_ = time_.monotonic_us() + guard_again_after_us;
    submit_guard(registry::raise_expiry_guard{guard_wanted_->lapsed, guard_wanted_->leases,
                                              how.window_ms, time_.now().plus_ms(how.hold_ms)},
                 "Too many leases lapsed at once to believe that all those instances died.");
}

void node::submit_expiries(const std::vector<std::uint32_t>& slots) {
    counters_.expiries_submitted += slots.size();
    submit_own(slots, "The lease lapsed without a renewal.",
               [this](std::uint32_t slot, const instance_ref& one, kept_texts& texts) {
                   registry::expire_instance what;
                   what.service = texts.keep(one.service);
                   what.instance = texts.keep(one.instance);
                   what.generation = leases_.generation(slot);
                   const std::int64_t late_us = time_.monotonic_us() - leases_.deadline_us(slot);
                   what.deadline = instant{time_.now().us - late_us};
                   return command{what};
               });
}

void node::submit_reaps(const std::vector<std::uint32_t>& slots) {
    submit_own(slots, "Expired for as long as expired instances are kept.",
               [](std::uint32_t, const instance_ref& one, kept_texts& texts) {
                   registry::reap_instance what;
                   what.service = texts.keep(one.service);
                   what.instance = texts.keep(one.instance);
                   what.expired_version = one.generation;
                   return command{what};
               });
}

//! Requests of the node itself, some hundred instances each. What the queue does not take now is
//! looked at again a little later.
template <class Make>
void node::submit_own(const std::vector<std::uint32_t>& slots, std::string_view reason,
                      const Make& make) {
    for (std::size_t first = 0; first < slots.size(); first += own_commands_per_request) {
        const std::size_t last = std::min(slots.size(), first + own_commands_per_request);
        auto request = std::make_unique<command_request>();
        request->caller = lease_principal_;
        request->reason = reason;
        request->items.reserve(last - first);
        for (std::size_t i = first; i < last; ++i) {
            if (views_->registry().holds(slots[i])) {
                const instance_ref one = views_->registry().at(slots[i]);
                request->items.push_back(
                    {.what = make(slots[i], one, request->texts), .cause = one.changed});
            }
        }
        if (request->items.empty() || submit(request)) {
            continue;
        }
        for (std::size_t i = first; i < last; ++i) {
            expiry_void(slots[i]);
        }
    }
}

void node::submit_guard(command what, std::string_view reason) {
    auto request = std::make_unique<command_request>();
    request->caller = lease_principal_;
    request->reason = reason;
    request->items.push_back({.what = std::move(what)});
    request->done = [this](command_answer&) { guard_asked_ = false; };
    guard_asked_ = true;
    if (!submit(request)) {
        guard_asked_ = false;
    }
}

//! An expiry was not decided: the lease is looked at again, or held while a guard is up.
void node::expiry_void(std::uint32_t slot) {
    if (guards() && leases_.expiring(slot)) {
        leases_.hold_back(slot);
    } else {
        leases_.expiry_void(slot, time_.monotonic_us());
    }
}

void node::instance_granted(std::uint32_t slot, std::uint32_t lease_ms, std::uint64_t generation) {
    if (lease_ms == 0) {
        leases_.remove(slot);
        ++age_of(slot); // requests under way noted the lease that is gone, not the next one
        return;
    }
    const std::uint64_t name = checkpoint_key(views_->registry().at(slot), generation, scratch_);
    leases_.grant(slot, {lease_ms, generation, name}, time_.monotonic_us());
}

void node::instance_expired(std::uint32_t slot, instant, std::uint64_t) {
    const std::int64_t now = time_.monotonic_us();
    leases_.mark_expired(slot, now + options_.reap_ms * 1000, now);
}

void node::instance_removed(std::uint32_t slot) {
    leases_.remove(slot);
    ++age_of(slot);
}

void node::guard_raised(instant until) {
    // The wall clock is asked once, and not believed beyond what a guard may hold.
    const std::int64_t hold_us = std::int64_t{guard_.options().hold_ms} * 1000;
    guard_end_us_ = time_.monotonic_us() +
                    std::clamp<std::int64_t>(until.us - time_.now().us, 0, hold_us);
    guard_until_ = until;
    guard_wanted_.reset();
    guard_.reset();
}

//! Held leases expire with the next tick.
void node::guard_lifted() {
    guard_until_.reset();
    guard_.reset();
}

} // namespace fasti

// SPDX-License-Identifier: Apache-2.0
#include "adapters/node/lease_guard.hpp"

#include <algorithm>

namespace fasti {
namespace {

//! When a guard that could not be raised is asked for again.
constexpr std::int64_t again_after_us = 1'000'000;

} // namespace

void lease_guard::on_lapsed(std::size_t lapsed, std::size_t left, std::int64_t heard_us) {
    const auto evidence = policy_.on_lapsed(lapsed, left, heard_us);
    if (evidence.raise && !holds()) {
        wanted_ = evidence;
        again_us_ = heard_us;
    }
}

std::optional<lease_guard::request> lease_guard::next_request(std::int64_t heard_us, clock& time) {
    if (asked_) {
        return std::nullopt;
    }
    if (wanted_.has_value() && heard_us >= again_us_) {
        asked_ = true;
        return raising(time);
    }
    if (until_.has_value() && heard_us >= end_us_) {
        asked_ = true;
        return ending(time);
    }
    return std::nullopt;
}

//! What cannot be written now is asked for again: mass expiry waits for the guard, not for luck.
lease_guard::request lease_guard::raising(clock& time) {
    const expiry_guard_options& how = policy_.options();
    again_us_ = time.monotonic_us() + again_after_us;
    return {registry::raise_expiry_guard{wanted_->lapsed, wanted_->leases, how.window_ms,
                                         time.now().plus_ms(how.hold_ms)},
            "Too many leases lapsed at once to believe that all those instances died."};
}

//! The time is over by the monotonic clock. Where the wall clock was set back meanwhile the guard's
//! own end lies far ahead: then it is lifted, so that no step of a clock keeps the dead.
lease_guard::request lease_guard::ending(clock& time) const {
    if (time.now() >= *until_) {
        return {registry::end_expiry_guard{*until_}, "The time of the guard is over."};
    }
    return {registry::lift_expiry_guard{},
            "The time of the guard is over; the wall clock was set back meanwhile."};
}

void lease_guard::raised(instant until, clock& time) {
    // The wall clock is asked once, and not believed beyond what a guard may hold.
    const std::int64_t hold_us = std::int64_t{policy_.options().hold_ms} * 1000;
    end_us_ = time.monotonic_us() + std::clamp<std::int64_t>(until.us - time.now().us, 0, hold_us);
    until_ = until;
    wanted_.reset();
    policy_.reset();
}

void lease_guard::lifted() {
    until_.reset();
    policy_.reset();
}

} // namespace fasti

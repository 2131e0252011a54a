// SPDX-License-Identifier: Apache-2.0
//! What is decided when leases lapse: expiry, reaping, and the guard against mass expiry.
#include "tests/support/registry_samples.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace fasti::registry {
namespace {

const expiry_guard_raised guard{.lapsed = 30, .leases = 60, .window_ms = 10'000, .until = later};

expire_instance expire_web_1(std::uint64_t generation) {
    return {
        .service = "web", .instance = "web-1", .generation = generation, .deadline = scenario_now};
}

TEST(expire_instance, records_that_the_lease_lapsed) {
    given({web_1()}).when(expire_web_1(1)).then({web_1_expired()});
}

TEST(expire_instance, is_dropped_when_the_lease_was_granted_anew) {
    given({web_1(), web_1_updated()}).when(expire_web_1(1)).then_nothing();
    given({web_1(), web_1_updated()}).when(expire_web_1(2)).then({web_1_expired()});
    given({web_1(), web_1_expired(), web_1()}).when(expire_web_1(1)).then_nothing();
    given({web_1(), web_1_expired(), web_1()}).when(expire_web_1(3)).then({web_1_expired()});
}

TEST(expire_instance, is_not_held_up_by_events_that_grant_no_lease) {
    given({web_1(), web_1_draining, web_1_maintained}).when(expire_web_1(1)).then({web_1_expired()});
}

TEST(expire_instance, is_dropped_where_there_is_no_lease_to_lapse) {
    given({}).when(expire_web_1(1)).then_nothing();
    given({web_1(), web_1_expired()}).when(expire_web_1(2)).then_nothing();
    given({without_lease(web_1())}).when(expire_web_1(1)).then_nothing();
}

TEST(expire_instance, waits_while_the_guard_is_raised) {
    given({web_1(), guard}).when(expire_web_1(1)).then_nothing();
    given({web_1(), guard}).when(expire_web_1(1), at(later)).then({web_1_expired()});
    given({web_1(), guard, expiry_guard_lifted{.until = later}})
        .when(expire_web_1(1))
        .then({web_1_expired()});
}

TEST(reap_instance, forgets_an_expired_one) {
    const reap_instance command{.service = "web", .instance = "web-1", .expired_version = 2};
    const instance_reaped fact{.service = "web", .instance = "web-1"};
    given({web_1(), web_1_expired()}).when(command).then({fact});
    given({web_1(), web_1_expired(), web_1_maintained}).when(command).then({fact});
}

TEST(reap_instance, is_dropped_when_the_instance_lived_again) {
    const reap_instance command{.service = "web", .instance = "web-1", .expired_version = 2};
    given({}).when(command).then_nothing();
    given({web_1()}).when(command).then_nothing();
    given({web_1(), web_1_expired(), web_1()}).when(command).then_nothing();
    given({web_1(), web_1_expired(), web_1(), web_1_expired()}).when(command).then_nothing();
}

TEST(raise_expiry_guard, raises_one_at_a_time) {
    const raise_expiry_guard command{
        .lapsed = 30, .leases = 60, .window_ms = 10'000, .until = later};
    given({}).when(command).then({guard});
    given({guard}).when(command).then_nothing();
    given({guard, expiry_guard_lifted{.until = later}}).when(command).then({guard});
}

TEST(lift_expiry_guard, ends_it_now) {
    given({guard}).when(lift_expiry_guard{}).then({expiry_guard_lifted{.until = later}});
    given({}).when(lift_expiry_guard{}).then_refused(error_code::expiry_guard_not_raised);
}

TEST(end_expiry_guard, ends_the_one_meant_when_its_time_is_over) {
    const end_expiry_guard command{.until = later};
    given({guard}).when(command, at(later)).then({expiry_guard_lifted{.until = later}});
    given({guard}).when(command, at({later.us - 1})).then_nothing();
    given({guard}).when(end_expiry_guard{.until = scenario_now}, at(later)).then_nothing();
    given({}).when(command, at(later)).then_nothing();
}

} // namespace
} // namespace fasti::registry

// SPDX-License-Identifier: Apache-2.0
#include "domain/registry/registry.gen.hpp"
#include "domain/registry/state.hpp"
#include "tests/support/given.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace fasti::registry {
namespace {

using events = std::vector<event>;
using test::scenario_now;

test::scenario<state, event> given(events history) {
    return test::scenario<state, event>(std::move(history));
}

decision_context at(instant now) { return {.now = now}; }

constexpr instant later = scenario_now.plus_ms(60'000);

service_registered web_service() {
    return {.service = "web",
            .description = "Pages.",
            .owner = "team-a",
            .tags = {"a", "b"},
            .metadata = {{"tier", "front"}}};
}

instance_registered web_1() {
    return {.service = "web",
            .instance = "web-1",
            .address = "10.0.0.1",
            .port = 80,
            .protocol = "http",
            .version = "1.0",
            .weight = 100,
            .zone = "eu",
            .tags = {"a", "b"},
            .metadata = {{"k", "v"}},
            .lease_ms = 5000};
}

register_instance register_web_1() {
    return {.service = "web",
            .instance = "web-1",
            .address = "10.0.0.1",
            .port = 80,
            .protocol = "http",
            .version = "1.0",
            .weight = 100,
            .zone = "eu",
            .tags = {"a", "b"},
            .metadata = {{"k", "v"}},
            .lease_ms = 5000};
}

instance_updated web_1_updated() {
    return {.service = "web",
            .instance = "web-1",
            .address = "10.0.0.1",
            .port = 80,
            .protocol = "http",
            .version = "1.0",
            .weight = 100,
            .zone = "eu",
            .tags = {"a", "b"},
            .metadata = {{"k", "v"}},
            .lease_ms = 5000};
}

instance_registered without_lease(instance_registered fact) {
    fact.lease_ms.reset();
    return fact;
}

instance_expired web_1_expired() {
    return {.service = "web", .instance = "web-1", .lease_ms = 5000, .deadline = scenario_now};
}

const instance_drain_started web_1_draining{.service = "web", .instance = "web-1"};
const instance_maintenance_started web_1_maintained{.service = "web", .instance = "web-1"};
const expiry_guard_raised guard{.lapsed = 30, .leases = 60, .window_ms = 10'000, .until = later};

// ---------------------------------------------------------------- services

TEST(register_service, makes_a_service_known) {
    given({})
        .when(register_service{.service = "web",
                               .description = "Pages.",
                               .owner = "team-a",
                               .tags = {"b", "a", "b"},
                               .metadata = {{"tier", "front"}}})
        .then({web_service()});
}

TEST(register_service, registers_what_only_its_instances_made_known) {
    given({web_1()})
        .when(register_service{.service = "web"})
        .then({service_registered{.service = "web"}});
}

TEST(register_service, says_nothing_when_the_fields_are_the_same) {
    given({web_service()})
        .when(register_service{.service = "web",
                               .description = "Pages.",
                               .owner = "team-a",
                               .tags = {"b", "a"},
                               .metadata = {{"tier", "front"}}})
        .then_nothing();
}

TEST(register_service, updates_when_a_field_differs) {
    for (const register_service& other : {register_service{.service = "web",
                                         .owner = "team-a",
                                         .tags = {"a", "b"},
                                         .metadata = {{"tier", "front"}}},
                                          register_service{.service = "web",
                                          .description = "Pages.",
                                          .tags = {"a", "b"},
                                          .metadata = {{"tier", "front"}}},
                                          register_service{.service = "web",
                                          .description = "Pages.",
                                          .owner = "team-a",
                                          .tags = {"a"},
                                          .metadata = {{"tier", "front"}}},
                                          register_service{.service = "web",
                                          .description = "Pages.",
                                          .owner = "team-a",
                                          .tags = {"a", "b"},
                                          .metadata = {{"tier", "back"}}}}) {
        given({web_service()})
            .when(other)
            .then({service_updated{.service = other.service,
                                   .description = other.description,
                                   .owner = other.owner,
                                   .tags = other.tags,
                                   .metadata = other.metadata}});
    }
}

TEST(register_service, sorts_tags_and_metadata) {
    const register_service command{
        .service = "web", .tags = {"b", "a", "b"}, .metadata = {{"z", "1"}, {"a", "2"}}};
    given({}).when(command).then({service_registered{
        .service = "web", .tags = {"a", "b"}, .metadata = {{"a", "2"}, {"z", "1"}}}});
}

TEST(deregister_service, forgets_a_service_without_instances) {
    given({web_service()})
        .when(deregister_service{.service = "web"})
        .then({service_deregistered{.service = "web"}});
    given({web_service(), web_1(), instance_deregistered{.service = "web", .instance = "web-1"}})
        .when(deregister_service{.service = "web"})
        .then({service_deregistered{.service = "web"}});
}

TEST(deregister_service, is_refused_for_an_unknown_one) {
    given({}).when(deregister_service{.service = "web"}).then_refused(error_code::service_unknown);
    given({web_service(), service_deregistered{.service = "web"}})
        .when(deregister_service{.service = "web"})
        .then_refused(error_code::service_unknown);
    given({web_1(), web_1_expired(), instance_reaped{.service = "web", .instance = "web-1"}})
        .when(deregister_service{.service = "web"})
        .then_refused(error_code::service_unknown);
}

TEST(deregister_service, is_refused_while_it_has_instances) {
    given({web_service(), web_1()})
        .when(deregister_service{.service = "web"})
        .then_refused(error_code::service_has_instances);
    given({web_1(), web_1_expired()})
        .when(deregister_service{.service = "web"})
        .then_refused(error_code::service_has_instances);
}

// ---------------------------------------------------------------- registering instances

TEST(register_instance, makes_an_instance_known) {
    given({}).when(register_web_1()).then({web_1()});
}

TEST(register_instance, sorts_tags_and_metadata) {
    register_instance command = register_web_1();
    command.tags = {"b", "a", "b"};
    command.metadata = {{"z", "1"}, {"a", "2"}};
    instance_registered fact = web_1();
    fact.metadata = {{"a", "2"}, {"z", "1"}};
    given({}).when(command).then({fact});
}

TEST(register_instance, says_nothing_when_the_fields_are_the_same) {
    given({web_1()}).when(register_web_1()).then_nothing();
    given({web_1(), web_1_draining, web_1_maintained}).when(register_web_1()).then_nothing();
}

TEST(register_instance, updates_when_any_field_differs) {
    const auto changes = std::vector<void (*)(register_instance&, instance_updated&)>{
        [](register_instance& c, instance_updated& e) { c.address = e.address = "10.0.0.2"; },
        [](register_instance& c, instance_updated& e) { c.port = e.port = 81; },
        [](register_instance& c, instance_updated& e) { c.protocol = e.protocol = "grpc"; },
        [](register_instance& c, instance_updated& e) { c.version = e.version = "1.1"; },
        [](register_instance& c, instance_updated& e) { c.weight = e.weight = 7; },
        [](register_instance& c, instance_updated& e) { c.zone = e.zone = "us"; },
        [](register_instance& c, instance_updated& e) {
            c.tags = e.tags = {"a", "c"};
        },
        [](register_instance& c, instance_updated& e) {
            c.tags = e.tags = {"a", "b", "c"};
        },
        [](register_instance& c, instance_updated& e) { c.metadata = e.metadata = {}; },
        [](register_instance& c, instance_updated& e) {
            c.metadata = e.metadata = {{"k", "w"}};
        },
        [](register_instance& c, instance_updated& e) { c.lease_ms = e.lease_ms = 100; },
        [](register_instance& c, instance_updated& e) { c.lease_ms = e.lease_ms = std::nullopt; }};
    for (const auto change : changes) {
        register_instance command = register_web_1();
        instance_updated fact = web_1_updated();
        change(command, fact);
        given({web_1()}).when(command).then({fact});
    }
}

TEST(register_instance, brings_an_expired_one_back) {
    given({web_1(), web_1_expired()}).when(register_web_1()).then({web_1()});
}

TEST(register_instance, coming_back_ends_a_drain_but_no_maintenance) {
    given({web_1(), web_1_draining, web_1_maintained, web_1_expired(), web_1()})
        .when(resume_instance{.service = "web", .instance = "web-1"})
        .then_nothing();
    given({web_1(), web_1_draining, web_1_maintained, web_1_expired(), web_1()})
        .when(end_maintenance{.service = "web", .instance = "web-1"})
        .then({instance_maintenance_ended{.service = "web", .instance = "web-1"}});
}

TEST(register_instance, an_update_leaves_drain_and_maintenance) {
    const events history{web_1(), web_1_draining, web_1_maintained, web_1_updated()};
    given(history).when(drain_instance{.service = "web", .instance = "web-1"}).then_nothing();
    given(history).when(start_maintenance{.service = "web", .instance = "web-1"}).then_nothing();
}

TEST(update_instance, changes_the_fields_that_are_there) {
    instance_updated fact = web_1_updated();
    fact.weight = 0;
    given({web_1()})
        .when(update_instance{.service = "web", .instance = "web-1", .weight = 0})
        .then({fact});
    fact = web_1_updated();
    fact.address = "h";
    fact.port = 1;
    fact.protocol = "p";
    fact.version = "v";
    fact.zone = "z";
    fact.tags = {"x", "y"};
    fact.metadata = {{"a", "1"}, {"b", "2"}};
    fact.lease_ms = 900;
    given({web_1()})
        .when(update_instance{.service = "web",
                              .instance = "web-1",
                              .address = "h",
                              .port = 1,
                              .protocol = "p",
                              .version = "v",
                              .zone = "z",
                              .tags = std::vector<std::string_view>{"y", "x"},
                              .metadata = std::vector<label>{{"b", "2"}, {"a", "1"}},
                              .lease_ms = 900})
        .then({fact});
}

TEST(update_instance, says_nothing_when_all_is_so_already) {
    given({web_1()}).when(update_instance{.service = "web", .instance = "web-1"}).then_nothing();
    given({web_1()})
        .when(update_instance{.service = "web",
                              .instance = "web-1",
                              .address = "10.0.0.1",
                              .tags = std::vector<std::string_view>{"b", "a"},
                              .lease_ms = 5000})
        .then_nothing();
}

TEST(update_instance, is_refused_for_unknown_and_expired_ones) {
    const update_instance command{.service = "web", .instance = "web-1", .port = 81};
    given({}).when(command).then_refused(error_code::instance_unknown);
    given({web_1(), web_1_expired()}).when(command).then_refused(error_code::instance_expired);
}

TEST(renew_lease, is_no_fact) {
    given({web_1()}).when(renew_lease{.service = "web", .instance = "web-1"}).then_nothing();
}

TEST(renew_lease, is_refused_by_what_is_true) {
    const renew_lease command{.service = "web", .instance = "web-1"};
    given({}).when(command).then_refused(error_code::instance_unknown);
    given({web_1(), web_1_expired()}).when(command).then_refused(error_code::instance_expired);
    given({without_lease(web_1())}).when(command).then_refused(error_code::lease_absent);
}

TEST(renew_leases, is_no_fact_and_is_never_refused_as_a_whole) {
    given({web_1()})
        .when(renew_leases{.leases = {{"web", "web-1"}, {"web", "none"}}})
        .then_nothing();
    given({}).when(renew_leases{.leases = {{"web", "none"}}}).then_nothing();
}

TEST(deregister_instance, forgets_it_expired_or_not) {
    const deregister_instance command{.service = "web", .instance = "web-1"};
    const instance_deregistered fact{.service = "web", .instance = "web-1"};
    given({web_1()}).when(command).then({fact});
    given({web_1(), web_1_expired()}).when(command).then({fact});
    given({}).when(command).then_refused(error_code::instance_unknown);
    given({web_1(), fact}).when(command).then_refused(error_code::instance_unknown);
}

// ---------------------------------------------------------------- drain and maintenance

TEST(drain_instance, takes_it_out_once) {
    const drain_instance command{.service = "web", .instance = "web-1"};
    given({web_1()}).when(command).then({web_1_draining});
    given({web_1(), web_1_draining}).when(command).then_nothing();
    given({}).when(command).then_refused(error_code::instance_unknown);
    given({web_1(), web_1_expired()}).when(command).then_refused(error_code::instance_expired);
}

TEST(resume_instance, ends_a_drain) {
    const resume_instance command{.service = "web", .instance = "web-1"};
    given({web_1(), web_1_draining})
        .when(command)
        .then({instance_drain_ended{.service = "web", .instance = "web-1"}});
    given({web_1()}).when(command).then_nothing();
    given({}).when(command).then_refused(error_code::instance_unknown);
    given({web_1(), web_1_draining, web_1_expired()})
        .when(command)
        .then_refused(error_code::instance_expired);
}

TEST(start_maintenance, hides_it_expired_or_not) {
    const start_maintenance command{.service = "web", .instance = "web-1"};
    given({web_1()}).when(command).then({web_1_maintained});
    given({web_1(), web_1_expired()}).when(command).then({web_1_maintained});
    given({web_1(), web_1_maintained}).when(command).then_nothing();
    given({}).when(command).then_refused(error_code::instance_unknown);
}

TEST(end_maintenance, shows_it_again) {
    const end_maintenance command{.service = "web", .instance = "web-1"};
    given({web_1(), web_1_maintained})
        .when(command)
        .then({instance_maintenance_ended{.service = "web", .instance = "web-1"}});
    given({web_1()}).when(command).then_nothing();
    given({}).when(command).then_refused(error_code::instance_unknown);
    given({web_1(), web_1_maintained, instance_deregistered{.service = "web", .instance = "web-1"},
           web_1()})
        .when(command)
        .then_nothing();
}

// ---------------------------------------------------------------- expiry

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

// ---------------------------------------------------------------- state

TEST(registry_state, counts_instances_of_a_service) {
    state now;
    test::folder fold(now);
    fold(web_1());
    EXPECT_TRUE(now.has_service("web"));
    EXPECT_FALSE(now.find_service("web")->registered);
    fold(web_service());
    EXPECT_EQ(now.find_service("web")->instances, 1U);
    fold(instance_deregistered{.service = "web", .instance = "web-1"});
    EXPECT_EQ(now.find_service("web")->instances, 0U);
    fold(service_deregistered{.service = "web"});
    EXPECT_FALSE(now.has_service("web"));
    now.drop();
    EXPECT_EQ(now.service_count() + now.instance_count(), 0U);
}

TEST(registry_state, stays_with_its_instances_when_an_old_log_deregistered_it) {
    state now;
    test::folder fold(now);
    fold(web_service());
    fold(web_1());
    now.keep();
    fold(service_deregistered{.service = "web"});
    fold(instance_deregistered{.service = "web", .instance = "web-1"});
    EXPECT_FALSE(now.has_service("web"));
    now.drop();
    EXPECT_TRUE(now.find_service("web")->registered);
    EXPECT_EQ(now.find_service("web")->instances, 1U);
}

TEST(registry_state, keeps_which_event_granted_or_ended_a_lease) {
    state now;
    test::folder fold(now);
    fold(web_1());
    fold(web_1_draining);
    now.keep();
    int seen = 0;
    const auto see = [&](std::uint64_t generation, bool expired) {
        now.for_each_instance([&](const instance_record& record) {
            ++seen;
            EXPECT_EQ(record.service(), "web");
            EXPECT_EQ(record.instance(), "web-1");
            EXPECT_EQ(record.lease(), 5000U);
            EXPECT_EQ(record.generation, generation);
            EXPECT_EQ(instant{record.since_us}, scenario_now);
            EXPECT_EQ(record.is(instance_record::expired), expired);
        });
    };
    see(1, false);
    fold(web_1_expired());
    see(3, true);
    EXPECT_EQ(seen, 2);
}

TEST(registry_state, keeps_texts_apart_that_look_alike) {
    state now;
    test::folder fold(now);
    for (const auto& [service, instance] : std::vector<std::pair<const char*, const char*>>{
             {"a", "b"}, {"b", "a"}, {"ab", "c"}, {"a", "bc"}}) {
        instance_registered fact = web_1();
        fact.service = service;
        fact.instance = instance;
        fold(fact);
    }
    EXPECT_EQ(now.instance_count(), 4U);
    EXPECT_FALSE(now.has_instance("ab", "bc"));
}

} // namespace
} // namespace fasti::registry

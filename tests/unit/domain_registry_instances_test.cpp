// SPDX-License-Identifier: Apache-2.0
//! What is decided of instances: registering, changing, draining, hiding and forgetting them.
#include "tests/support/registry_samples.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace fasti::registry {
namespace {

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

} // namespace
} // namespace fasti::registry

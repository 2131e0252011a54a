// SPDX-License-Identifier: Apache-2.0
//! What is decided of services.
#include "tests/support/registry_samples.hpp"

#include <gtest/gtest.h>

namespace fasti::registry {
namespace {

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

} // namespace
} // namespace fasti::registry

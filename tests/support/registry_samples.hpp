// SPDX-License-Identifier: Apache-2.0
//! A service, an instance and what happens to it, for the tests of the registry's decide and evolve.
#pragma once

#include "domain/registry/registry.gen.hpp"
#include "domain/registry/state.hpp"
#include "tests/support/given.hpp"

#include <utility>
#include <vector>

namespace fasti::registry {

using events = std::vector<event>;
using test::scenario_now;

inline test::scenario<state, event> given(events history) {
    return test::scenario<state, event>(std::move(history));
}

inline decision_context at(instant now) { return {.now = now}; }

inline constexpr instant later = scenario_now.plus_ms(60'000);

inline service_registered web_service() {
    return {.service = "web",
            .description = "Pages.",
            .owner = "team-a",
            .tags = {"a", "b"},
            .metadata = {{"tier", "front"}}};
}

//! web-1 of web, registered, updated, or asked to be.
template <class Wanted>
Wanted web_1_as() {
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
inline instance_registered web_1() { return web_1_as<instance_registered>(); }
inline instance_updated web_1_updated() { return web_1_as<instance_updated>(); }
inline register_instance register_web_1() { return web_1_as<register_instance>(); }

inline instance_registered without_lease(instance_registered fact) {
    fact.lease_ms.reset();
    return fact;
}

inline instance_expired web_1_expired() {
    return {.service = "web", .instance = "web-1", .lease_ms = 5000, .deadline = scenario_now};
}

inline const instance_drain_started web_1_draining{.service = "web", .instance = "web-1"};
inline const instance_maintenance_started web_1_maintained{.service = "web", .instance = "web-1"};

} // namespace fasti::registry

// SPDX-License-Identifier: Apache-2.0
//! A node, its log in memory, and short words for what tests ask of them.
#pragma once

#include "eventstore/memory/memory_ledger.hpp"
#include "tests/sim/hand_driven_node.hpp"
#include "tests/support/faulty_ledger.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace fasti {

struct node_world {
    fake_clock time;
    fake_ids ids;
    memory_ledger facts{id128{}, 7};
    faulty_ledger full{facts};
    node_options options = {.reap_ms = 60'000, .guard = {.ratio_percent = 50, .lapsed_min = 5}};
    std::shared_ptr<const principal> caller = std::make_shared<principal>(
        principal{"token/aa", "", {"registry:write"}});
    hand_driven_node node{full, time, ids, options};

    item_outcome join(std::string_view name, std::uint32_t lease_ms, std::uint16_t port = 80) {
        registry::register_instance what;
        what.service = "web";
        what.instance = name;
        what.address = "10.0.0.1";
        what.port = port;
        what.lease_ms = lease_ms;
        return node.run(what, caller);
    }

    std::vector<std::string> types() {
        std::vector<std::string> seen;
        (void)facts.read(1, facts.head().last, {}, [&](const recorded_event& event) {
            seen.emplace_back(event.fact.type);
            return read_more::go_on;
        });
        return seen;
    }

    registry::instance_status status(std::string_view name) {
        const auto slot = node->views().registry().slot_of("web", name);
        check(slot.has_value(), "the instance is known");
        return node->views().registry().at(*slot).status;
    }
};

} // namespace fasti

// SPDX-License-Identifier: Apache-2.0
//! The guard against mass expiry through a whole node in one thread.
#include "tests/sim/node_world.hpp"

#include <gtest/gtest.h>

#include <string>

namespace fasti {
namespace {

TEST(node_guard, holds_mass_expiry_back_until_the_guard_is_lifted) {
    node_world w;
    for (const char* name : {"a", "b", "c", "d", "e", "f"}) {
        (void)w.join(name, 1000);
    }
    w.node.pass_ms(1'200);
    EXPECT_EQ(w.types().back(), "expiry_guard_raised");
    EXPECT_EQ(w.status("a"), registry::instance_status::up);
    ASSERT_TRUE(w.node->renew("web", "f").has_value()) << "the living renew under the guard";
    EXPECT_EQ(w.node.run(registry::lift_expiry_guard{}, w.caller).kind, outcome_kind::appended);
    w.node.pass_ms(20);
    EXPECT_EQ(w.status("a"), registry::instance_status::expired);
    EXPECT_EQ(w.status("f"), registry::instance_status::up);
}

TEST(node_guard, leaves_a_held_lease_alone_that_was_granted_anew_when_the_guard_went_down) {
    node_world w;
    for (const char* name : {"a", "b", "c", "d", "e", "f"}) {
        (void)w.join(name, 1000);
    }
    w.node.pass_ms(1'200);
    ASSERT_EQ(w.types().back(), "expiry_guard_raised");
    // Both before the next tick, which expires what was held.
    (void)w.node.run(registry::lift_expiry_guard{}, w.caller);
    EXPECT_EQ(w.join("a", 1000, 81).kind, outcome_kind::appended);
    w.node.pass_ms(20);
    EXPECT_EQ(w.status("a"), registry::instance_status::up);
    EXPECT_EQ(w.status("b"), registry::instance_status::expired);
}

TEST(node_guard, expires_no_held_lease_whose_registration_is_under_way) {
    for (const bool before_the_lift : {true, false}) {
        node_world w;
        for (const char* name : {"a", "b", "c", "d", "e", "f"}) {
            (void)w.join(name, 1000);
        }
        w.node.pass_ms(1'200);
        ASSERT_EQ(w.types().back(), "expiry_guard_raised");
        const auto send_registration = [&] {
            auto request = std::make_unique<command_request>();
            request->caller = w.caller;
            registry::register_instance what;
            what.service = "web";
            what.instance = "a";
            what.address = "10.0.0.1";
            what.port = 80;
            what.lease_ms = 1000;
            request->items.push_back({.what = what});
            ASSERT_TRUE(w.node->submit(request));
        };
        const auto lift = [&] {
            auto request = std::make_unique<command_request>();
            request->caller = w.caller;
            request->items.push_back({.what = registry::lift_expiry_guard{}});
            ASSERT_TRUE(w.node->submit(request));
        };
        if (before_the_lift) {
            // Told of the lift while the registration, sent before it, is still to be decided.
            lift();
            send_registration();
            ASSERT_TRUE(w.node.pump(1));
        } else {
            lift();
            ASSERT_TRUE(w.node.pump());
            send_registration();
        }
        w.node.tick();
        ASSERT_TRUE(w.node.pump());
        w.node.pass_ms(500);
        EXPECT_EQ(w.status("a"), registry::instance_status::up) << before_the_lift;
        EXPECT_EQ(w.status("b"), registry::instance_status::expired);
        w.node.pass_ms(600);
        EXPECT_EQ(w.status("a"), registry::instance_status::expired) << before_the_lift;
    }
}

TEST(node_guard, lets_a_held_lease_expire_when_what_was_pending_did_not_renew_it) {
    node_world w;
    for (const char* name : {"a", "b", "c", "d", "e", "f"}) {
        (void)w.join(name, 1000);
    }
    w.node.pass_ms(1'200);
    auto request = std::make_unique<command_request>();
    request->caller = w.caller;
    registry::update_instance what{.service = "web", .instance = "a"};
    what.port = 81;
    request->items.push_back({.what = what, .expected_version = 99});
    (void)w.node.run(registry::lift_expiry_guard{}, w.caller);
    ASSERT_TRUE(w.node->submit(request));
    w.node.tick();
    ASSERT_TRUE(w.node.pump());
    EXPECT_EQ(w.status("a"), registry::instance_status::up);
    w.node.pass_ms(15);
    EXPECT_EQ(w.status("a"), registry::instance_status::expired);
}

TEST(node_guard, waits_for_the_guard_when_it_cannot_be_written_now) {
    node_world w;
    for (const char* name : {"a", "b", "c", "d", "e", "f"}) {
        (void)w.join(name, 1000);
    }
    w.full.room = error{error_code::store_full, "No room."};
    w.node.pass_ms(4'000);
    w.full.room.reset();
    w.node.pass_ms(1'100);
    EXPECT_EQ(w.types().back(), "expiry_guard_raised");
    EXPECT_EQ(w.status("a"), registry::instance_status::up);
    // The same with a queue that takes nothing.
    node_world v;
    for (const char* name : {"a", "b", "c", "d", "e", "f"}) {
        (void)v.join(name, 1000);
    }
    v.node.queue_max = 0;
    v.node.pass_ms(1'500);
    v.node.queue_max = 10;
    v.node.pass_ms(1'100);
    EXPECT_EQ(v.types().back(), "expiry_guard_raised");
    EXPECT_EQ(v.status("a"), registry::instance_status::up);
}

TEST(node_guard, ends_the_guard_by_itself) {
    node_world w;
    for (const char* name : {"a", "b", "c", "d", "e", "f"}) {
        (void)w.join(name, 1000);
    }
    w.node.pass_ms(1'200);
    w.time.pass_ms(300'000);
    w.node.pass_ms(50);
    EXPECT_EQ(w.status("a"), registry::instance_status::expired);
}

TEST(node_guard, ends_the_guard_in_time_when_the_wall_clock_steps) {
    for (const std::int64_t step_ms : {-86'400'000, 86'400'000}) {
        node_world w;
        for (const char* name : {"a", "b", "c", "d", "e", "f"}) {
            (void)w.join(name, 1000);
        }
        w.node.pass_ms(1'200);
        ASSERT_EQ(w.types().back(), "expiry_guard_raised");
        w.time.wall = w.time.wall.plus_ms(step_ms);
        w.time.pass_ms(298'000);
        w.node.pass_ms(50);
        EXPECT_EQ(w.status("a"), registry::instance_status::up) << "too early, step " << step_ms;
        w.time.pass_ms(2'000);
        w.node.pass_ms(50);
        EXPECT_EQ(w.status("a"), registry::instance_status::expired)
            << "too late, step " << step_ms;
    }
}

TEST(node_guard, ends_the_guard_of_an_earlier_run_in_time_when_the_wall_clock_was_set_back) {
    node_world w;
    for (const char* name : {"a", "b", "c", "d", "e", "f"}) {
        (void)w.join(name, 1000);
    }
    w.node.pass_ms(1'200);
    std::string checkpoint;
    w.node->write_lease_checkpoint(1'000, checkpoint);
    w.time.wall = w.time.wall.plus_ms(-86'400'000);
    hand_driven_node again(w.facts, w.time, w.ids, w.options);
    (void)again->start_leases(checkpoint);
    w.time.pass_ms(298'000);
    again.pass_ms(50);
    EXPECT_EQ(w.types().back(), "expiry_guard_raised");
    w.time.pass_ms(2'000);
    again.pass_ms(50);
    EXPECT_EQ(w.types().back(), "instance_expired");
}

TEST(node_guard, raises_no_guard_for_one_instance_that_comes_and_goes) {
    node_world w;
    (void)w.join("steady", 3'600'000);
    for (int i = 0; i < 12; ++i) {
        (void)w.join("a", 100);
        w.node.pass_ms(150);
        ASSERT_EQ(w.types().back(), "instance_expired") << "round " << i;
    }
}

} // namespace
} // namespace fasti

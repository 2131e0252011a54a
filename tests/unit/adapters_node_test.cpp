// SPDX-License-Identifier: Apache-2.0
//! Leases from grant to reaping through a whole node in one thread.
#include "tests/sim/node_world.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <future>
#include <string>
#include <utility>
#include <vector>

namespace fasti {
namespace {

TEST(node, expires_an_instance_that_does_not_renew) {
    node_world w;
    (void)w.join("a", 1000);
    w.node.pass_ms(900);
    EXPECT_EQ(w.status("a"), registry::instance_status::up);
    w.node.pass_ms(200);
    EXPECT_EQ(w.status("a"), registry::instance_status::expired);
    EXPECT_EQ(w.types(), (std::vector<std::string>{"instance_registered", "instance_expired"}));
}

TEST(node, keeps_an_instance_that_renews) {
    node_world w;
    (void)w.join("a", 1000);
    for (int i = 0; i < 10; ++i) {
        w.node.pass_ms(900);
        const auto renewed = w.node->renew("web", "a");
        ASSERT_TRUE(renewed.has_value());
        EXPECT_EQ(renewed->lease_ms, 1000);
        EXPECT_EQ(renewed->deadline, w.time.wall.plus_ms(1000));
    }
    EXPECT_EQ(w.facts.head().last, 1U) << "a renewal is no fact";
}

TEST(node, lets_a_lease_lapse_by_what_was_heard_and_not_by_the_clock) {
    node_world w;
    (void)w.join("a", 1000);
    (void)w.join("b", 1000);
    const std::int64_t heard = w.time.monotonic;
    w.time.pass_ms(60'000); // nobody ran; renewals wait in sockets
    w.node->tick(heard);
    EXPECT_EQ(w.node.waiting(), 0U) << "what was sent meanwhile is not known yet";
    ASSERT_TRUE(w.node->renew("web", "a").has_value());
    w.node.tick();
    ASSERT_TRUE(w.node.pump());
    EXPECT_EQ(w.status("a"), registry::instance_status::up);
    EXPECT_EQ(w.status("b"), registry::instance_status::expired);
}

TEST(node, names_the_event_that_an_expiry_and_a_reaping_follow_from) {
    node_world w;
    (void)w.join("other", 3'600'000);
    (void)w.join("a", 500);
    (void)w.join("a", 500, 81); // an update
    w.node.pass_ms(600);
    w.node.pass_ms(61'000);
    std::vector<std::string> causes;
    (void)w.facts.read(1, w.facts.head().last, {}, [&](const recorded_event& event) {
        causes.emplace_back(event.fact.cause);
        return read_more::go_on;
    });
    ASSERT_EQ(w.types().back(), "instance_reaped");
    EXPECT_EQ(causes, (std::vector<std::string>{"", "", "", "3", "4"}));
}

TEST(node, counts_nothing_as_done_of_a_batch_that_failed) {
    node_world w;
    (void)w.join("a", 1000);
    const node_counters before = w.node->counters();
    auto request = std::make_unique<command_request>();
    request->caller = w.caller;
    request->mode = batch_mode::all;
    registry::update_instance changes{.service = "web", .instance = "a"};
    changes.port = 81;
    request->items.push_back({.what = changes});
    request->items.push_back({.what = registry::drain_instance{"web", "none"}});
    ASSERT_TRUE(w.node->submit(request));
    ASSERT_TRUE(w.node.pump());
    EXPECT_EQ(w.node->counters().commands_appended, before.commands_appended);
    EXPECT_EQ(w.node->counters().commands_failed, before.commands_failed + 1)
        << "the one that was refused";
}

TEST(node, takes_registering_the_same_again_for_a_renewal) {
    node_world w;
    (void)w.join("a", 1000);
    w.node.pass_ms(900);
    EXPECT_EQ(w.join("a", 1000).kind, outcome_kind::unchanged);
    w.node.pass_ms(900);
    EXPECT_EQ(w.status("a"), registry::instance_status::up);
}

TEST(node, sends_a_renewal_behind_the_expiry_that_is_under_way) {
    node_world w;
    (void)w.join("a", 1000);
    w.time.pass_ms(1010);
    w.node.tick(); // the expiry waits in the queue
    EXPECT_EQ(w.node.waiting(), 1U);
    EXPECT_FALSE(w.node->renew("web", "a").has_value());
    registry::renew_lease what;
    what.service = "web";
    what.instance = "a";
    const item_outcome outcome = w.node.run(what, w.caller);
    ASSERT_TRUE(outcome.failure.has_value());
    EXPECT_EQ(outcome.failure->code, error_code::instance_expired);
}

TEST(node, does_not_let_a_lease_lapse_while_its_registration_is_under_way) {
    node_world w;
    (void)w.join("a", 1000);
    w.time.pass_ms(990);
    registry::register_instance what;
    what.service = "web";
    what.instance = "a";
    what.address = "10.0.0.1";
    what.port = 80;
    what.lease_ms = 1000;
    auto request = std::make_unique<command_request>();
    request->caller = w.caller;
    request->items.push_back({.what = what});
    item_outcome outcome;
    request->done = [&](command_answer& answer) { outcome = answer.outcomes.at(0); };
    ASSERT_TRUE(w.node->submit(request));
    w.time.pass_ms(500);
    w.node.tick();
    EXPECT_EQ(w.node.waiting(), 1U) << "no expiry beside the registration";
    ASSERT_TRUE(w.node.pump());
    EXPECT_EQ(outcome.kind, outcome_kind::unchanged);
    w.node.pass_ms(900);
    EXPECT_EQ(w.status("a"), registry::instance_status::up);
    w.node.pass_ms(200);
    EXPECT_EQ(w.status("a"), registry::instance_status::expired);
}

TEST(node, does_not_take_the_end_of_an_older_request_for_that_of_a_newer_one) {
    node_world w;
    (void)w.join("a", 1000);
    const auto send = [&](std::optional<std::uint32_t> lease_ms) {
        auto request = std::make_unique<command_request>();
        request->caller = w.caller;
        registry::register_instance what;
        what.service = "web";
        what.instance = "a";
        what.address = "10.0.0.1";
        what.port = 80;
        what.lease_ms = lease_ms;
        request->items.push_back({.what = what});
        ASSERT_TRUE(w.node->submit(request));
    };
    // The lease goes and comes back while a third request, noted under the first lease, waits.
    send(std::nullopt);
    send(1000);
    send(1000);
    ASSERT_TRUE(w.node.pump(2));
    w.time.pass_ms(990);
    send(1000);
    ASSERT_TRUE(w.node.pump(1)); // unchanged: the lease is renewed
    w.time.pass_ms(1'010);
    w.node.tick();
    EXPECT_EQ(w.node.waiting(), 1U) << "no expiry beside the last registration";
}

TEST(node, drops_an_expiry_that_a_change_overtook) {
    node_world w;
    (void)w.join("a", 1000);
    w.time.pass_ms(1010);
    // The change is queued first, so the expiry names a generation of the past.
    registry::update_instance what;
    what.service = "web";
    what.instance = "a";
    what.port = 81;
    auto request = std::make_unique<command_request>();
    request->caller = w.caller;
    request->items.push_back({.what = what});
    auto expiry = std::make_unique<command_request>();
    expiry->caller = w.caller;
    expiry->items.push_back({.what = registry::expire_instance{"web", "a", 1, w.time.wall}});
    ASSERT_TRUE(w.node->submit(request));
    ASSERT_TRUE(w.node->submit(expiry));
    ASSERT_TRUE(w.node.pump());
    EXPECT_EQ(w.status("a"), registry::instance_status::up);
    w.node.pass_ms(1100);
    EXPECT_EQ(w.status("a"), registry::instance_status::expired);
}

TEST(node, brings_an_expired_instance_back_when_it_registers) {
    node_world w;
    (void)w.join("a", 500);
    w.node.pass_ms(600);
    const item_outcome outcome = w.join("a", 500);
    EXPECT_EQ(outcome.kind, outcome_kind::appended);
    EXPECT_FALSE(outcome.created);
    EXPECT_EQ(w.status("a"), registry::instance_status::up);
}

TEST(node, reaps_an_expired_instance_after_its_time) {
    node_world w;
    (void)w.join("a", 500);
    w.node.pass_ms(600);
    w.node.pass_ms(59'000);
    EXPECT_EQ(w.status("a"), registry::instance_status::expired);
    w.node.pass_ms(2'000);
    EXPECT_FALSE(w.node->views().registry().slot_of("web", "a").has_value());
    EXPECT_EQ(w.types().back(), "instance_reaped");
}

TEST(node, expires_later_what_could_not_be_written_now) {
    node_world w;
    (void)w.join("a", 1000);
    w.full.room = error{error_code::store_full, "No room."};
    w.node.pass_ms(1'100);
    EXPECT_EQ(w.status("a"), registry::instance_status::up);
    w.full.room.reset();
    w.node.pass_ms(1'100);
    EXPECT_EQ(w.status("a"), registry::instance_status::expired);
}

TEST(node, gives_what_remained_and_a_grace_after_a_restart) {
    node_world w;
    (void)w.join("a", 20'000);
    w.node.pass_ms(18'000);
    std::string checkpoint;
    w.node->write_lease_checkpoint(1'000, checkpoint);
    hand_driven_node again(w.facts, w.time, w.ids, w.options);
    EXPECT_FALSE(again->start_leases(checkpoint).has_value());
    again.pass_ms(5'900); // 1 s remained by the checkpoint, 5 s of grace
    EXPECT_EQ(w.types().back(), "instance_registered");
    again.pass_ms(300);
    EXPECT_EQ(w.types().back(), "instance_expired");
}

TEST(node, gives_a_whole_lease_to_what_was_granted_after_the_checkpoint) {
    node_world w;
    (void)w.join("a", 1'000);
    std::string checkpoint;
    w.node->write_lease_checkpoint(1'000, checkpoint);
    (void)w.join("a", 20'000); // durable; the process ends before the next checkpoint
    hand_driven_node again(w.facts, w.time, w.ids, w.options);
    EXPECT_FALSE(again->start_leases(checkpoint).has_value());
    again.pass_ms(19'900);
    EXPECT_EQ(w.types().back(), "instance_updated");
    again.pass_ms(300);
    EXPECT_EQ(w.types().back(), "instance_expired");
}

TEST(node, says_so_when_the_checkpoint_cannot_be_read) {
    node_world w;
    (void)w.join("a", 1'000);
    hand_driven_node again(w.facts, w.time, w.ids, w.options);
    EXPECT_TRUE(again->start_leases("rubbish").has_value());
    again.pass_ms(900);
    EXPECT_EQ(w.types().back(), "instance_registered");
    again.pass_ms(300);
    EXPECT_EQ(w.types().back(), "instance_expired");
}

TEST(node, keeps_every_lease_when_rebuilt_views_take_over) {
    node_world w;
    (void)w.join("gone", 1'000);
    (void)w.join("b", 20'000);
    (void)w.join("a", 1'000);
    registry::deregister_instance leave;
    leave.service = "web";
    leave.instance = "gone"; // its slot is free, so slots of a fresh fold differ
    (void)w.node.run(leave, w.caller);
    (void)w.join("c", 500);
    w.node.pass_ms(800);
    auto fresh = std::make_unique<view_set>();
    (void)w.facts.read(1, w.facts.head().last, {}, [&](const recorded_event& event) {
        fresh->apply(event);
        return read_more::go_on;
    });
    w.node->adopt(std::move(fresh));
    EXPECT_EQ(w.node->leases(), 2U);
    EXPECT_EQ(w.status("c"), registry::instance_status::expired);
    EXPECT_EQ(w.status("a"), registry::instance_status::up);
    w.node.pass_ms(250);
    EXPECT_EQ(w.status("a"), registry::instance_status::expired) << "at its own deadline";
    ASSERT_TRUE(w.node->renew("web", "b").has_value());
    w.node.pass_ms(19'000);
    EXPECT_EQ(w.status("b"), registry::instance_status::up);
    w.node.pass_ms(45'000);
    EXPECT_FALSE(w.node->views().registry().slot_of("web", "c").has_value()) << "reaped in time";
}

TEST(node, counts_nothing_of_a_batch_of_which_nothing_was_done) {
    node_world w;
    (void)w.join("a", 10'000);
    const auto ask = [&](std::vector<command_item> items) {
        auto request = std::make_unique<command_request>();
        request->caller = w.caller;
        request->mode = batch_mode::all;
        request->items = std::move(items);
        EXPECT_TRUE(w.node->submit(request));
        (void)w.node.pump();
    };
    registry::register_instance fresh;
    fresh.service = "web";
    fresh.instance = "b";
    fresh.address = "10.0.0.2";
    fresh.port = 80;
    registry::register_instance same = fresh; // what "a" is already: it would renew its lease
    same.instance = "a";
    same.address = "10.0.0.1";
    same.lease_ms = 10'000;
    registry::drain_instance unknown;
    unknown.service = "web";
    unknown.instance = "nobody";
    const node_counters before = w.node->counters();
    ask({{.what = fresh}, {.what = same}, {.what = unknown}});
    EXPECT_EQ(w.node->counters().commands_appended, before.commands_appended);
    EXPECT_EQ(w.node->counters().commands_unchanged, before.commands_unchanged);
    EXPECT_EQ(w.node->counters().renewals, before.renewals) << "no lease was renewed by it";
    EXPECT_EQ(w.node->counters().commands_failed, before.commands_failed + 1);
    w.full.room = error{error_code::store_full, "No room."};
    ask({{.what = fresh}, {.what = same}});
    EXPECT_EQ(w.node->counters().commands_failed, before.commands_failed + 1)
        << "none of its commands failed";
}

//! A pipeline whose thread is held between two commits until it is let go.
struct held_pipeline {
    node_world w;
    write_model model;
    sequencer decides{w.full, model, w.time, w.ids};
    std::atomic<std::size_t> answered{0};
    std::atomic<std::size_t> wakes{0};
    std::promise<void> all_told;
    std::size_t awaited = 0;

    pipeline_thread::hooks hooks() {
        pipeline_thread::hooks told;
        told.deliver = [this](commit_notice&& notice) {
            if (answered.fetch_add(notice.answers.size()) + notice.answers.size() == awaited) {
                all_told.set_value();
            }
        };
        told.fail = [](const error&) { std::abort(); };
        told.idle = [] {};
        return told;
    }

    std::unique_ptr<command_request> request(const std::string& name, std::size_t bytes) {
        auto made = std::make_unique<command_request>();
        made->caller = w.caller;
        made->borrowed_bytes = bytes;
        registry::register_instance what;
        what.service = "web";
        what.instance = made->texts.keep(name);
        what.address = "10.0.0.1";
        what.port = 80;
        made->items.push_back({.what = what});
        return made;
    }
};

TEST(pipeline_thread, bounds_what_waits_by_commands_and_by_bytes) {
    held_pipeline held;
    pipeline_thread pipeline(held.decides, {.commands_max = 3, .bytes_max = 100'000}, held.hooks());
    std::promise<void> entered;
    std::promise<void> let_go;
    pipeline.between_commits([&] {
        entered.set_value();
        let_go.get_future().wait();
    });
    entered.get_future().wait();
    const auto offer = [&](const std::string& name, std::size_t bytes) {
        auto request = held.request(name, bytes);
        const bool taken = pipeline.offer(request);
        EXPECT_EQ(taken, request == nullptr) << "what is not taken stays with its owner";
        return taken;
    };
    EXPECT_TRUE(offer("a", 500'000)) << "alone it may be larger than the queue";
    EXPECT_FALSE(offer("b", 10)) << "no bytes are left";
    let_go.set_value();
    pipeline.stop();
    EXPECT_EQ(held.answered.load(), 1U);
    EXPECT_FALSE(offer("c", 10)) << "closed";
}

TEST(pipeline_thread, bounds_what_waits_by_commands) {
    held_pipeline held;
    pipeline_thread pipeline(held.decides, {.commands_max = 2, .bytes_max = 100'000}, held.hooks());
    std::promise<void> entered;
    std::promise<void> let_go;
    pipeline.between_commits([&] {
        entered.set_value();
        let_go.get_future().wait();
    });
    entered.get_future().wait();
    for (const bool taken : {true, true, false}) {
        auto request = held.request("a", 10);
        EXPECT_EQ(pipeline.offer(request), taken);
    }
    EXPECT_EQ(pipeline.waiting(), 2U);
    let_go.set_value();
    pipeline.stop();
    EXPECT_EQ(held.answered.load(), 2U);
}

TEST(pipeline_thread, is_woken_once_for_all_that_is_offered_meanwhile) {
    held_pipeline held;
    held.awaited = 3;
    std::promise<void> asleep;
    std::atomic<bool> told{false};
    pipeline_thread::hooks hooks = held.hooks();
    hooks.idle = [&] {
        if (!told.exchange(true)) {
            asleep.set_value();
        }
    };
    hooks.wake_soon = [&] { ++held.wakes; };
    pipeline_thread pipeline(held.decides, {.commands_max = 10, .bytes_max = 100'000}, hooks);
    asleep.get_future().wait();
    for (const char* const name : {"a", "b", "c"}) {
        auto request = held.request(name, 10);
        ASSERT_TRUE(pipeline.offer(request));
    }
    EXPECT_EQ(held.wakes.load(), 1U);
    pipeline.wake();
    held.all_told.get_future().wait();
    pipeline.stop();
}

TEST(pipeline_thread, begins_without_being_woken_when_enough_waits) {
    constexpr std::size_t enough = 32;
    held_pipeline held;
    held.awaited = 1;
    std::promise<void> asleep;
    std::atomic<bool> told{false};
    pipeline_thread::hooks hooks = held.hooks();
    hooks.idle = [&] {
        if (!told.exchange(true)) {
            asleep.set_value();
        }
    };
    hooks.wake_soon = [&] { ++held.wakes; };
    pipeline_thread pipeline(held.decides, {.commands_max = 100, .bytes_max = 100'000}, hooks);
    asleep.get_future().wait();
    auto request = held.request("a", 10);
    request->items.resize(enough, request->items.front());
    ASSERT_TRUE(pipeline.offer(request));
    EXPECT_EQ(held.all_told.get_future().wait_for(std::chrono::seconds(30)),
              std::future_status::ready);
    EXPECT_EQ(held.wakes.load(), 0U);
    pipeline.stop();
}

TEST(node, leaves_a_request_with_its_owner_when_the_queue_is_full) {
    node_world w;
    w.node.queue_max = 0;
    auto request = std::make_unique<command_request>();
    request->caller = w.caller;
    EXPECT_FALSE(w.node->submit(request));
    EXPECT_NE(request, nullptr);
}

} // namespace
} // namespace fasti

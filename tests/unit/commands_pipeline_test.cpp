// SPDX-License-Identifier: Apache-2.0
//! The sequencer over the memory ledger: outcomes, keys, conditions, batches, dry runs.
#include "commands/pipeline/sequencer.hpp"
#include "eventstore/memory/memory_ledger.hpp"
#include "tests/support/fake_time.hpp"
#include "tests/support/faulty_ledger.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace fasti {
namespace {

registry::register_instance an_instance(std::string_view name, std::uint16_t port = 80) {
    registry::register_instance what;
    what.service = "web";
    what.instance = name;
    what.address = "10.0.0.1";
    what.port = port;
    return what;
}

struct bench {
    fake_clock time;
    fake_ids ids;
    memory_ledger memory{id128{}, 7};
    faulty_ledger facts{memory};
    write_model model;
    sequencer decides{facts, model, time, ids};
    std::shared_ptr<const principal> caller = std::make_shared<principal>(
        principal{"token/00000000000000aa", "", {"registry:write"}});

    std::unique_ptr<command_request> request(std::vector<command_item> items) {
        auto made = std::make_unique<command_request>();
        made->caller = caller;
        made->items = std::move(items);
        made->reason = "a test";
        return made;
    }

    commit_notice commit() {
        auto notice = decides.commit();
        EXPECT_TRUE(notice.ok());
        return std::move(notice).value();
    }

    std::vector<item_outcome> run(std::unique_ptr<command_request> asked) {
        decides.stage(std::move(asked));
        commit_notice notice = commit();
        EXPECT_EQ(notice.answers.size(), 1U);
        return std::move(notice.answers.at(0).outcomes);
    }

    item_outcome run_one(command_item item) { return run(request({std::move(item)})).at(0); }
};

TEST(sequencer, appends_and_says_where) {
    bench b;
    const item_outcome outcome = b.run_one({.what = an_instance("a")});
    EXPECT_EQ(outcome.kind, outcome_kind::appended);
    EXPECT_EQ(outcome.first, 1U);
    EXPECT_EQ(outcome.count, 1U);
    EXPECT_EQ(outcome.stream_version, 1U);
    EXPECT_TRUE(outcome.created);
    EXPECT_EQ(b.facts.head().last, 1U);
}

TEST(sequencer, records_who_why_and_when) {
    bench b;
    (void)b.run_one({.what = an_instance("a")});
    (void)b.facts.read(1, 1, {}, [&](const recorded_event& event) {
        EXPECT_EQ(event.fact.stream, "instance/web/a");
        EXPECT_EQ(event.fact.type, "instance_registered");
        EXPECT_EQ(event.fact.actor, "token/00000000000000aa");
        EXPECT_EQ(event.fact.reason, "a test");
        EXPECT_EQ(event.fact.recorded, b.time.wall);
        return read_more::go_on;
    });
}

TEST(sequencer, appends_nothing_for_what_is_already_so) {
    bench b;
    (void)b.run_one({.what = an_instance("a")});
    const item_outcome outcome = b.run_one({.what = an_instance("a")});
    EXPECT_EQ(outcome.kind, outcome_kind::unchanged);
    EXPECT_EQ(outcome.stream_version, 1U);
    EXPECT_EQ(b.facts.head().last, 1U);
}

TEST(sequencer, never_records_a_time_before_the_last_one) {
    bench b;
    (void)b.run_one({.what = an_instance("a")});
    const instant first = b.facts.head().last_recorded;
    b.time.wall = b.time.wall.plus_ms(-3'600'000);
    (void)b.run_one({.what = an_instance("b")});
    EXPECT_EQ(b.facts.head().last_recorded, first);
}

TEST(sequencer, commits_what_was_staged_together_in_one_batch) {
    bench b;
    b.decides.stage(b.request({{.what = an_instance("a")}}));
    b.decides.stage(b.request({{.what = an_instance("a", 81)}}));
    const commit_notice notice = b.commit();
    ASSERT_NE(notice.batch, nullptr);
    EXPECT_EQ(notice.batch->first, 1U);
    EXPECT_EQ(notice.batch->last(), 2U);
    EXPECT_EQ(notice.answers.at(1).outcomes.at(0).stream_version, 2U);
    EXPECT_FALSE(notice.answers.at(1).outcomes.at(0).created);
}

TEST(sequencer, gives_no_answer_before_the_commit_that_it_rests_on) {
    bench b;
    b.decides.stage(b.request({{.what = an_instance("a")}}));
    b.decides.stage(b.request({{.what = an_instance("a")}})); // unchanged, resting on the first
    EXPECT_FALSE(b.decides.idle());
    const commit_notice notice = b.commit();
    EXPECT_EQ(notice.answers.at(1).outcomes.at(0).kind, outcome_kind::unchanged);
    EXPECT_EQ(notice.batch->last(), 1U);
    EXPECT_TRUE(b.decides.idle());
}

TEST(sequencer, finds_a_key_again_in_the_same_batch_and_later) {
    bench b;
    b.decides.stage(b.request({{.what = an_instance("a"), .idempotency_key = "k1"}}));
    b.decides.stage(b.request({{.what = an_instance("a"), .idempotency_key = "k1"}}));
    const commit_notice notice = b.commit();
    EXPECT_EQ(notice.answers.at(1).outcomes.at(0).kind, outcome_kind::already);
    EXPECT_EQ(notice.answers.at(1).outcomes.at(0).first, 1U);
    EXPECT_TRUE(notice.answers.at(1).outcomes.at(0).created);
    const item_outcome later = b.run_one({.what = an_instance("a"), .idempotency_key = "k1"});
    EXPECT_EQ(later.kind, outcome_kind::already);
    EXPECT_EQ(later.first, 1U);
    EXPECT_TRUE(later.created);
}

TEST(sequencer, refuses_a_key_used_for_another_command) {
    bench b;
    (void)b.run_one({.what = an_instance("a"), .idempotency_key = "k1"});
    const item_outcome outcome = b.run_one({.what = an_instance("b"), .idempotency_key = "k1"});
    ASSERT_TRUE(outcome.failure.has_value());
    EXPECT_EQ(outcome.failure->code, error_code::key_reused);
    EXPECT_EQ(b.facts.head().last, 1U);
}

TEST(sequencer, keeps_the_keys_of_two_callers_apart) {
    bench b;
    (void)b.run_one({.what = an_instance("a"), .idempotency_key = "k1"});
    b.caller = std::make_shared<principal>(principal{"token/00000000000000bb", "", {}});
    const item_outcome outcome = b.run_one({.what = an_instance("b"), .idempotency_key = "k1"});
    EXPECT_EQ(outcome.kind, outcome_kind::appended);
}

TEST(sequencer, does_not_remember_keys_of_outcomes_without_events) {
    bench b;
    registry::drain_instance drain;
    drain.service = "web";
    drain.instance = "a";
    const item_outcome refused = b.run_one({.what = drain, .idempotency_key = "k1"});
    EXPECT_EQ(refused.failure->code, error_code::instance_unknown);
    (void)b.run_one({.what = an_instance("a")});
    const item_outcome outcome = b.run_one({.what = drain, .idempotency_key = "k1"});
    EXPECT_EQ(outcome.kind, outcome_kind::appended);
}

TEST(sequencer, refuses_a_stale_version_and_says_the_actual_one) {
    bench b;
    (void)b.run_one({.what = an_instance("a")});
    (void)b.run_one({.what = an_instance("a", 81)});
    const item_outcome outcome = b.run_one({.what = an_instance("a", 82), .expected_version = 1});
    ASSERT_TRUE(outcome.failure.has_value());
    EXPECT_EQ(outcome.failure->code, error_code::version_conflict);
    EXPECT_EQ(outcome.failure->actual_version, 2U);
    EXPECT_EQ(b.run_one({.what = an_instance("a", 82), .expected_version = 2}).kind,
              outcome_kind::appended);
}

TEST(sequencer, creates_only_when_asked_to_create_only) {
    bench b;
    EXPECT_EQ(b.run_one({.what = an_instance("a"), .must_not_exist = true}).kind,
              outcome_kind::appended);
    const item_outcome again = b.run_one({.what = an_instance("a", 81), .must_not_exist = true});
    ASSERT_TRUE(again.failure.has_value());
    EXPECT_EQ(again.failure->code, error_code::precondition_failed);
    const item_outcome absent = b.run_one({.what = an_instance("b"), .must_exist = true});
    ASSERT_TRUE(absent.failure.has_value());
    EXPECT_EQ(absent.failure->code, error_code::precondition_failed);
}

TEST(sequencer, counts_the_versions_of_a_stream_on_after_its_end) {
    bench b;
    (void)b.run_one({.what = an_instance("a")});
    registry::deregister_instance gone;
    gone.service = "web";
    gone.instance = "a";
    (void)b.run_one({.what = gone});
    const item_outcome outcome = b.run_one({.what = an_instance("a")});
    EXPECT_EQ(outcome.stream_version, 3U);
    EXPECT_TRUE(outcome.created);
}

TEST(sequencer, does_all_of_a_batch_or_nothing) {
    bench b;
    registry::drain_instance unknown;
    unknown.service = "web";
    unknown.instance = "nobody";
    auto asked = b.request(
        {{.what = an_instance("a")}, {.what = an_instance("b")}, {.what = unknown}});
    asked->mode = batch_mode::all;
    const auto outcomes = b.run(std::move(asked));
    ASSERT_TRUE(outcomes.back().failure.has_value());
    EXPECT_EQ(outcomes.back().failure->code, error_code::instance_unknown);
    EXPECT_EQ(b.facts.head().last, 0U);
    // Nothing of it is left in the model either.
    EXPECT_TRUE(b.run_one({.what = an_instance("a")}).created);
    EXPECT_EQ(b.facts.head().last, 1U);
}

TEST(sequencer, tells_what_failed_as_a_whole_from_what_one_command_failed) {
    bench b;
    const auto all_of = [&](std::vector<command_item> items, std::string key) {
        auto asked = b.request(std::move(items));
        asked->mode = batch_mode::all;
        asked->batch_key = std::move(key);
        b.decides.stage(std::move(asked));
        return std::move(b.commit().answers.at(0));
    };
    registry::drain_instance unknown;
    unknown.service = "web";
    unknown.instance = "nobody";
    const auto one = all_of({{.what = an_instance("a")}, {.what = unknown}}, "");
    EXPECT_FALSE(one.failed_whole);
    EXPECT_EQ(one.outcomes.size(), 2U);

    b.facts.room = error{error_code::store_full, "No room."};
    const auto full = all_of({{.what = an_instance("a")}, {.what = an_instance("b")}}, "");
    EXPECT_TRUE(full.failed_whole);
    ASSERT_EQ(full.outcomes.size(), 1U);
    EXPECT_EQ(full.outcomes.at(0).failure->code, error_code::store_full);
    b.facts.room.reset();

    EXPECT_FALSE(all_of({{.what = an_instance("a")}}, "k").failed_whole);
    const auto reused = all_of({{.what = an_instance("b")}, {.what = an_instance("c")}}, "k");
    EXPECT_TRUE(reused.failed_whole);
    ASSERT_EQ(reused.outcomes.size(), 1U);
    EXPECT_EQ(reused.outcomes.at(0).failure->code, error_code::key_reused);
}

TEST(sequencer, keeps_callers_apart_that_share_a_batch) {
    bench b;
    const auto other = std::make_shared<principal>(
        principal{"token/00000000000000bb", "north", {"registry:write"}});
    for (const auto& who : {b.caller, std::shared_ptr<const principal>(other), b.caller}) {
        auto asked = b.request(
            {{.what = an_instance(who == other ? "b" : "a", b.decides.idle() ? 80 : 81)}});
        asked->caller = who;
        b.decides.stage(std::move(asked));
    }
    (void)b.commit();
    std::vector<std::string> actors;
    (void)b.facts.read(1, 3, {}, [&](const recorded_event& event) {
        actors.push_back(std::string(event.fact.tenant) + "|" + std::string(event.fact.actor));
        return read_more::go_on;
    });
    EXPECT_EQ(actors,
              (std::vector<std::string>{"|token/00000000000000aa", "north|token/00000000000000bb",
                                        "|token/00000000000000aa"}));
}

TEST(kept_texts, stay_where_they_are) {
    kept_texts texts;
    std::vector<std::pair<std::string, std::string_view>> all;
    for (const std::size_t size : {0U, 5U, 150U, 20U, 4'000U, 200U, 9'000U, 1U}) {
        const std::string text(size, static_cast<char>('a' + all.size()));
        all.emplace_back(text, texts.keep(text));
    }
    for (const auto& [text, kept] : all) {
        EXPECT_EQ(kept, text);
    }
    EXPECT_EQ(texts.bytes(), 13'376U);
}

TEST(sequencer, lets_the_commands_of_one_batch_see_each_other) {
    bench b;
    registry::drain_instance drain;
    drain.service = "web";
    drain.instance = "a";
    auto asked = b.request({{.what = an_instance("a")}, {.what = drain}});
    asked->mode = batch_mode::all;
    const auto outcomes = b.run(std::move(asked));
    EXPECT_EQ(outcomes.at(1).kind, outcome_kind::appended);
    EXPECT_EQ(outcomes.at(1).first, 2U);
    EXPECT_EQ(outcomes.at(1).stream_version, 2U);
}

TEST(sequencer, remembers_one_key_for_a_whole_batch) {
    bench b;
    const auto ask = [&] {
        auto asked = b.request({{.what = an_instance("a")}, {.what = an_instance("b")}});
        asked->mode = batch_mode::all;
        asked->batch_key = "whole";
        return b.run(std::move(asked));
    };
    EXPECT_EQ(ask().at(1).kind, outcome_kind::appended);
    const auto again = ask();
    ASSERT_EQ(again.size(), 1U);
    EXPECT_EQ(again.at(0).kind, outcome_kind::already);
    EXPECT_EQ(again.at(0).first, 1U);
    EXPECT_EQ(again.at(0).count, 2U);
    EXPECT_EQ(b.facts.head().last, 2U);
}

TEST(sequencer, goes_on_after_a_failure_in_mode_each) {
    bench b;
    registry::drain_instance unknown;
    unknown.service = "web";
    unknown.instance = "nobody";
    const auto outcomes = b.run(b.request({{.what = unknown}, {.what = an_instance("a")}}));
    EXPECT_EQ(outcomes.at(0).kind, outcome_kind::failed);
    EXPECT_EQ(outcomes.at(1).kind, outcome_kind::appended);
}

TEST(sequencer, refuses_a_command_that_has_the_key_of_its_whole_batch) {
    bench b;
    auto asked = b.request({{.what = an_instance("a"), .idempotency_key = "k"}});
    asked->mode = batch_mode::all;
    asked->batch_key = "k";
    const auto outcomes = b.run(std::move(asked)); // two receipts of one key would end the process
    EXPECT_EQ(outcomes.at(0).failure->code, error_code::key_reused);
    EXPECT_EQ(b.facts.head().last, 0U);
}

TEST(sequencer, refuses_a_key_longer_than_a_receipt_can_hold) {
    bench b;
    const std::string key(receipt_key_bytes_max + 1, 'k');
    const item_outcome outcome = b.run_one({.what = an_instance("a"), .idempotency_key = key});
    ASSERT_TRUE(outcome.failure.has_value());
    EXPECT_EQ(outcome.failure->code, error_code::fields_invalid);
}

TEST(sequencer, refuses_the_commands_that_one_append_cannot_hold) {
    bench b;
    const std::string large(8'000, 'x');
    std::vector<std::string> names;
    std::vector<command_item> items;
    for (std::size_t i = 0; i < 2'500; ++i) { // 20 MB of events
        names.push_back("i" + std::to_string(i));
    }
    for (const std::string& name : names) {
        auto what = an_instance(name);
        what.metadata.push_back({"note", large});
        items.push_back({.what = what});
    }
    const auto outcomes = b.run(b.request(std::move(items)));
    EXPECT_EQ(outcomes.front().kind, outcome_kind::appended);
    ASSERT_TRUE(outcomes.back().failure.has_value());
    EXPECT_EQ(outcomes.back().failure->code, error_code::body_too_large);
    EXPECT_EQ(b.run_one({.what = an_instance("next")}).kind, outcome_kind::appended);
}

TEST(sequencer, says_when_a_request_does_not_fit_beside_what_is_staged) {
    bench b;
    const auto many = [&](const std::string& reason) {
        auto asked = b.request(std::vector<command_item>(10'000, {.what = an_instance("a")}));
        asked->reason = reason;
        return asked;
    };
    const auto large = many(std::string(600, 'r'));
    EXPECT_TRUE(b.decides.fits(*large));
    auto before = b.request({});
    before->reason = std::string(1'000, 'r');
    for (std::size_t i = 0; i < 1'000; ++i) {
        auto what = an_instance("a", static_cast<std::uint16_t>(i + 1));
        before->items.push_back({.what = what});
    }
    b.decides.stage(std::move(before));
    EXPECT_FALSE(b.decides.fits(*large));
    (void)b.commit();
    EXPECT_TRUE(b.decides.fits(*large));
}

TEST(sequencer, plans_a_dry_run_and_leaves_no_trace) {
    bench b;
    auto asked = b.request({{.what = an_instance("a"), .idempotency_key = "k1"}});
    asked->dry_run = true;
    const auto outcomes = b.run(std::move(asked));
    ASSERT_EQ(outcomes.at(0).kind, outcome_kind::dry_run);
    ASSERT_EQ(outcomes.at(0).planned.size(), 1U);
    EXPECT_EQ(outcomes.at(0).planned[0].type, "instance_registered");
    EXPECT_EQ(outcomes.at(0).planned[0].stream_version, 1U);
    EXPECT_EQ(b.facts.head().last, 0U);
    const item_outcome real = b.run_one({.what = an_instance("a", 81), .idempotency_key = "k1"});
    EXPECT_EQ(real.kind, outcome_kind::appended);
    EXPECT_EQ(real.first, 1U);
    EXPECT_TRUE(real.created);
}

TEST(sequencer, refuses_before_deciding_when_the_disk_is_full) {
    bench b;
    b.facts.room = error{error_code::store_full, "No room."};
    const item_outcome refused = b.run_one({.what = an_instance("a")});
    ASSERT_TRUE(refused.failure.has_value());
    EXPECT_EQ(refused.failure->code, error_code::store_full);
    b.facts.room.reset();
    EXPECT_TRUE(b.run_one({.what = an_instance("a")}).created);
}

TEST(sequencer, says_so_when_a_batch_cannot_become_durable) {
    bench b;
    b.facts.reply_lost = error{error_code::store_unavailable, "The disk went away."};
    b.decides.stage(b.request({{.what = an_instance("a")}}));
    const auto notice = b.decides.commit();
    ASSERT_FALSE(notice.ok());
    EXPECT_EQ(notice.error().code, error_code::store_unavailable);
}

TEST(sequencer, decides_the_same_after_its_model_was_folded_from_the_log) {
    bench b;
    (void)b.run_one({.what = an_instance("a")});
    (void)b.run_one({.what = an_instance("b")});
    write_model folded;
    (void)b.facts.read(1, 2, {}, [&](const recorded_event& event) {
        EXPECT_TRUE(folded.fold(event).ok());
        return read_more::go_on;
    });
    std::string live;
    std::string again;
    b.model.write_snapshot(live);
    folded.write_snapshot(again);
    EXPECT_EQ(live, again);
    write_model read;
    ASSERT_TRUE(read.read_snapshot(live));
    again.clear();
    read.write_snapshot(again);
    EXPECT_EQ(live, again);
}

} // namespace
} // namespace fasti

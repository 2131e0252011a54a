// SPDX-License-Identifier: Apache-2.0
#include "eventstore/memory/memory_ledger.hpp"
#include "projections/engine/fold.hpp"
#include "projections/engine/past.hpp"
#include "projections/engine/snapshot_format.hpp"
#include "projections/engine/snapshots.hpp"
#include "projections/engine/view_set.hpp"
#include "tests/support/memory_snapshot_store.hpp"
#include "tests/support/registry_history.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <set>
#include <type_traits>

namespace fasti {
namespace {

constexpr position everything = std::numeric_limits<position>::max();

std::unique_ptr<memory_ledger> new_ledger(std::uint64_t epoch = 7) {
    id128 id;
    id.bytes.fill(3);
    return std::make_unique<memory_ledger>(id, epoch);
}

//! Appends events of a history from a place on, a few at a time.
std::vector<std::shared_ptr<const committed_batch>> append(
    ledger& facts, const std::vector<test::owned_event>& events, std::size_t from, std::size_t to) {
    std::vector<std::shared_ptr<const committed_batch>> out;
    for (std::size_t at = from; at < to;) {
        std::vector<event_draft> drafts;
        for (; at < to && drafts.size() < 37; ++at) {
            drafts.push_back(events[at].draft());
        }
        auto batch = facts.append({drafts, {}, {}});
        EXPECT_TRUE(batch.ok());
        out.push_back(*batch);
    }
    return out;
}

std::string all_bytes(const view_set& views) {
    std::string out = std::to_string(views.at()) + "@" + std::to_string(views.recorded().us);
    views.each_view([&](const auto& view) { view.write_snapshot(out); });
    views.write_parked(out);
    return out;
}

//! The streams seen, as a stand-in for another fold.
struct stream_set final : extra_fold {
    std::set<std::string> streams;
    std::uint64_t revision = 1;
    bool fails = false;

    std::string_view name() const override { return "streams"; }
    std::uint64_t fingerprint() const override { return revision; }
    result<void> fold(const recorded_event& event) override {
        if (fails) {
            return error{error_code::store_damaged, "No."};
        }
        streams.emplace(event.fact.stream);
        return {};
    }
    void write_snapshot(std::string& out) const override {
        for (const std::string& one : streams) {
            out.append(one).push_back('\n');
        }
    }
    bool read_snapshot(std::string_view bytes) override {
        streams.clear();
        while (!bytes.empty()) {
            const std::size_t end = bytes.find('\n');
            streams.emplace(bytes.substr(0, end));
            bytes.remove_prefix(end + 1);
        }
        return true;
    }
    void clear() override { streams.clear(); }
};

TEST(view_set, is_the_same_live_and_rebuilt) {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        test::random_history history(seed, 8, 20);
        const auto facts = new_ledger();
        view_set live;
        for (const auto& batch : append(*facts, history.make(1500), 0, 1500)) {
            live.apply(*batch);
        }
        const auto rebuilt = rebuild(*facts, everything, {});
        ASSERT_TRUE(rebuilt.ok());
        EXPECT_EQ(all_bytes(**rebuilt), all_bytes(live)) << "seed " << seed;
        for (const view_comparison& one : compare(live, **rebuilt)) {
            EXPECT_TRUE(one.equal) << one.view;
        }
        EXPECT_EQ(live.at(), 1500U);
    }
}

TEST(view_set, skips_what_it_already_holds) {
    test::random_history history(4, 3, 3);
    const auto facts = new_ledger();
    const auto batches = append(*facts, history.make(100), 0, 100);
    view_set views;
    views.apply(*batches[0]);
    const std::string before = all_bytes(views);
    views.apply(*batches[0]);
    EXPECT_EQ(all_bytes(views), before);
    views.apply(*batches[1]);
    EXPECT_EQ(views.at(), batches[1]->last());
}

TEST(view_set_death, never_steps_over_a_hole) {
    test::random_history history(4, 3, 3);
    const auto facts = new_ledger();
    const auto batches = append(*facts, history.make(100), 0, 100);
    view_set views;
    EXPECT_DEATH(views.apply(*batches[1]), "without a hole");
}

TEST(view_set, parks_a_stream_whose_event_cannot_be_read) {
    test::history_writer history;
    history.add(registry::instance_registered{"web", "a", "10.0.0.1", 80});
    history.add(registry::instance_registered{"web", "b", "10.0.0.2", 80});
    test::owned_event poison = history.events[0];
    poison.type = "instance_teleported";
    history.add_raw(poison);
    history.add(registry::instance_deregistered{"web", "a"});
    history.add(registry::instance_deregistered{"web", "b"});
    poison = history.events[1];
    poison.stream = "token/00000000000000aa";
    poison.type = "token_created";
    poison.revision = identity::token_created::revision_now;
    poison.data = "\xff\xff";
    history.add_raw(poison);
    const auto facts = new_ledger();
    append(*facts, history.events, 0, history.events.size());
    const auto views = rebuild(*facts, everything, {});
    ASSERT_TRUE(views.ok());

    EXPECT_TRUE((*views)->registry().slot_of("web", "a")) << "stands still as it was";
    EXPECT_FALSE((*views)->registry().slot_of("web", "b"));
    const parked_key* parked = (*views)->find_parked("instance/web/a");
    ASSERT_NE(parked, nullptr);
    EXPECT_EQ(parked->at, 3U);
    EXPECT_EQ(parked->type, "instance_teleported");
    EXPECT_EQ(parked->reason, "unknown_type");
    EXPECT_EQ(parked->held_back, 2U);
    EXPECT_EQ((*views)->find_parked("instance/web/b"), nullptr);
    EXPECT_EQ((*views)->find_parked("token/00000000000000aa")->reason, "malformed");
    for (const view_lag& one : (*views)->lag(facts->head())) {
        EXPECT_EQ(one.parked, 1U) << one.view;
        EXPECT_EQ(one.events, 0U);
    }
}

TEST(view_set, knows_its_lag_in_events_and_time) {
    test::random_history history(4, 3, 3);
    const auto facts = new_ledger();
    append(*facts, history.make(50), 0, 50);
    const auto views = rebuild(*facts, 20, {});
    const auto lag = (*views)->lag(facts->head());
    std::vector<std::string_view> names{registry_view::name};
    names.insert(names.end(), own_view_names.begin(), own_view_names.end());
    names.push_back(registry_metrics_view::name);
    ASSERT_EQ(lag.size(), names.size());
    for (std::size_t i = 0; i < names.size(); ++i) {
        EXPECT_EQ(lag[i].view, names[i]);
        EXPECT_EQ(lag[i].events, 30U) << names[i];
    }
    EXPECT_EQ(lag[0].us,
              history.writer.events[49].recorded.us - history.writer.events[19].recorded.us);
}

TEST(own_views, come_back_from_a_snapshot_and_refuse_each_that_is_cut) {
    test::random_history history(9, 4, 5);
    const auto facts = new_ledger();
    append(*facts, history.make(200), 0, 200);
    const auto views = rebuild(*facts, everything, {});
    ASSERT_TRUE(views.ok());
    (*views)->each_own_view([](const auto& view) {
        using view_type = std::decay_t<decltype(view)>;
        std::string whole;
        view.write_snapshot(whole);
        std::string fresh;
        view_type{}.write_snapshot(fresh);
        EXPECT_NE(whole, fresh) << view.name << " folds something of this history";
        view_type again;
        for (std::size_t kept = 0; kept <= whole.size(); ++kept) {
            const bool read = again.read_snapshot(std::string_view(whole).substr(0, kept));
            ASSERT_EQ(read, kept == whole.size()) << view.name << " cut behind " << kept;
            std::string written;
            again.write_snapshot(written);
            ASSERT_EQ(written, read ? whole : fresh) << view.name << " cut behind " << kept;
        }
        EXPECT_FALSE(again.read_snapshot(whole + '\0')) << view.name << " with a byte too many";
    });
}

TEST(rebuild, tells_its_progress_and_can_be_stopped) {
    test::random_history history(4, 3, 3);
    const auto facts = new_ledger();
    append(*facts, history.make(300), 0, 300);
    std::vector<std::uint64_t> told;
    ASSERT_TRUE(rebuild(*facts, everything, [&](std::uint64_t done, std::uint64_t total) {
                    EXPECT_EQ(total, 300U);
                    told.push_back(done);
                    return true;
                }).ok());
    EXPECT_EQ(told, std::vector<std::uint64_t>{300});
    const auto stopped = rebuild(*facts, everything,
                                 [](std::uint64_t, std::uint64_t) { return false; });
    ASSERT_FALSE(stopped.ok());
    EXPECT_EQ(stopped.error().code, error_code::not_ready);
}

TEST(recover, gives_the_same_views_from_a_snapshot_anywhere) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        test::random_history history(seed, 6, 10);
        const auto& events = history.make(600);
        const std::size_t cut = 1 + seed * 7919 % 599;
        const auto facts = new_ledger();
        test::memory_snapshot_store store;
        append(*facts, events, 0, cut);
        stream_set streams;
        extra_fold* extras[] = {&streams};
        auto first = recover(*facts, store, everything, extras, {});
        ASSERT_TRUE(first.ok());
        ASSERT_TRUE(keep_snapshot({*first->views, extras}, *facts, store, {}).ok());
        append(*facts, events, cut, events.size());

        stream_set again;
        extra_fold* extras_again[] = {&again};
        const auto second = recover(*facts, store, everything, extras_again, {});
        ASSERT_TRUE(second.ok());
        EXPECT_EQ(second->from_snapshot, cut);
        EXPECT_EQ(second->events_folded, 600 - cut);
        EXPECT_TRUE(second->ignored.empty());
        const auto whole = rebuild(*facts, everything, {});
        EXPECT_EQ(all_bytes(*second->views), all_bytes(**whole)) << "seed " << seed;
        std::set<std::string> wanted;
        for (const auto& one : events) {
            wanted.insert(one.stream);
        }
        EXPECT_EQ(again.streams, wanted);
    }
}

//! Far enough to go that the views are folded on a thread of their own.
constexpr std::size_t long_way = 70'000;

//! Notes what it was told and where, and refuses one event.
struct picky_fold final : extra_fold {
    std::vector<position> folded;
    position refused = 0;

    std::string_view name() const override { return "picky"; }
    std::uint64_t fingerprint() const override { return 1; }
    result<void> fold(const recorded_event& event) override {
        if (event.at == refused) {
            return error{error_code::store_damaged, "Not this one."};
        }
        folded.push_back(event.at);
        return {};
    }
    void look_ahead(std::span<const recorded_event> run, std::size_t at) override {
        EXPECT_EQ(run[at].at, folded.size() + 1);
    }
    void write_snapshot(std::string&) const override {}
    bool read_snapshot(std::string_view) override { return true; }
    void clear() override { folded.clear(); }
};

TEST(catch_up, over_a_long_way_with_another_fold_gives_what_one_thread_gives) {
    test::random_history history(11, 6, 10);
    const auto facts = new_ledger();
    append(*facts, history.make(long_way), 0, long_way);
    picky_fold other;
    extra_fold* extras[] = {&other};
    view_set views;
    ASSERT_TRUE(catch_up({views, extras}, *facts, everything, {}).ok());
    EXPECT_EQ(other.folded.size(), long_way);
    EXPECT_TRUE(all_bytes(views) == all_bytes(**rebuild(*facts, everything, {})));
}

TEST(catch_up, over_a_long_way_stands_before_the_event_that_another_fold_refuses) {
    test::random_history history(12, 6, 10);
    const auto facts = new_ledger();
    append(*facts, history.make(long_way), 0, long_way);
    picky_fold other;
    other.refused = long_way - 1000;
    extra_fold* extras[] = {&other};
    view_set views;
    EXPECT_FALSE(catch_up({views, extras}, *facts, everything, {}).ok());
    EXPECT_EQ(other.folded.size(), other.refused - 1);
    EXPECT_EQ(views.at(), other.refused - 1);
    EXPECT_TRUE(all_bytes(views) == all_bytes(**rebuild(*facts, other.refused - 1, {})));
}

TEST(catch_up, over_a_long_way_stops_when_told_with_every_fold_at_one_event) {
    test::random_history history(13, 6, 10);
    const auto facts = new_ledger();
    append(*facts, history.make(long_way), 0, long_way);
    picky_fold other;
    extra_fold* extras[] = {&other};
    view_set views;
    const auto stop = [](std::uint64_t, std::uint64_t) { return false; };
    const auto done = catch_up({views, extras}, *facts, everything, stop);
    ASSERT_FALSE(done.ok());
    EXPECT_EQ(done.error().code, error_code::not_ready);
    EXPECT_GT(views.at(), 0U);
    EXPECT_EQ(views.at(), other.folded.size());
}

//! A ledger of 300 events and a snapshot at 200.
struct with_snapshot {
    test::random_history history{9, 5, 8};
    std::unique_ptr<memory_ledger> facts = new_ledger();
    test::memory_snapshot_store store;
    stream_set streams;
    extra_fold* extras[1] = {&streams};

    with_snapshot() {
        append(*facts, history.make(300), 0, 300);
        auto at_200 = recover(*facts, store, 200, extras, {});
        EXPECT_TRUE(keep_snapshot({*at_200->views, extras}, *facts, store, {}).ok());
    }
    void expect_ignored(const std::string& why) {
        const auto found = recover(*facts, store, everything, extras, {});
        ASSERT_TRUE(found.ok());
        EXPECT_EQ(found->from_snapshot, 0U);
        ASSERT_EQ(found->ignored.size(), 1U);
        EXPECT_NE(found->ignored[0].find(why), std::string::npos) << found->ignored[0];
        EXPECT_EQ(all_bytes(*found->views), all_bytes(**rebuild(*facts, everything, {})));
    }
};

TEST(recover, ignores_a_snapshot_of_another_epoch_or_history_or_log) {
    with_snapshot at;
    const auto other_epoch = new_ledger(8);
    append(*other_epoch, at.history.writer.events, 0, 300);
    at.facts = std::unique_ptr<memory_ledger>{new_ledger(8)};
    append(*at.facts, at.history.writer.events, 0, 300);
    at.expect_ignored("another epoch");

    at.facts = new_ledger(7);
    auto events = at.history.writer.events;
    events[100].actor = "somebody else";
    append(*at.facts, events, 0, 300);
    at.expect_ignored("another history at position 200");

    id128 id;
    id.bytes.fill(4);
    at.facts = std::make_unique<memory_ledger>(id, 7);
    append(*at.facts, at.history.writer.events, 0, 300);
    at.expect_ignored("another log");
}

TEST(recover, ignores_a_snapshot_of_other_code) {
    with_snapshot at;
    at.streams.revision = 2;
    at.expect_ignored("section streams was written by other code");
}

TEST(recover, ignores_a_damaged_snapshot_wherever_the_damage_is) {
    with_snapshot at;
    std::string& bytes = at.store.files.begin()->second;
    const std::string good = bytes;
    std::mt19937_64 random(5);
    for (int round = 0; round < 300; ++round) {
        bytes = good;
        char& hit = bytes[random() % bytes.size()];
        hit = static_cast<char>(hit ^ static_cast<char>(1U << (random() % 8)));
        EXPECT_FALSE(read_snapshot_bytes(bytes).ok());
    }
    at.expect_ignored("");
    for (std::size_t cut = 0; cut < good.size(); cut += 1 + cut / 50) {
        EXPECT_FALSE(read_snapshot_bytes(std::string_view{good}.substr(0, cut)).ok()) << cut;
    }
    bytes = good + "x";
    at.expect_ignored("behind its end");
}

TEST(recover, stops_with_the_error_of_another_fold) {
    with_snapshot at;
    at.streams.fails = true;
    const auto failed = recover(*at.facts, at.store, everything, at.extras, {});
    ASSERT_FALSE(failed.ok());
    EXPECT_EQ(failed.error().message, "No.");
}

TEST(recover, folds_anew_when_a_parked_stream_can_be_read_now) {
    test::history_writer history;
    history.add(registry::instance_registered{"web", "a", "10.0.0.1", 80});
    const auto facts = new_ledger();
    append(*facts, history.events, 0, 1);
    test::memory_snapshot_store store;
    auto views = recover(*facts, store, everything, {}, {});
    std::string parked; // as older code would have left it
    parked.append("\x01\x0einstance/web/a\x01\x04type\x0cunknown_type\x01");
    ASSERT_TRUE(views->views->read_parked(parked));
    ASSERT_TRUE(keep_snapshot({*views->views}, *facts, store, {}).ok());
    const auto again = recover(*facts, store, everything, {}, {});
    EXPECT_EQ(again->from_snapshot, 0U);
    ASSERT_EQ(again->ignored.size(), 1U);
    EXPECT_NE(again->ignored[0].find("can be read now"), std::string::npos);
    EXPECT_TRUE(again->views->parked().empty());
}

TEST(keep_snapshot_beside, folds_on_from_the_newest_one) {
    with_snapshot at;
    const auto kept = keep_snapshot_beside(at.extras, *at.facts, at.store, {}, {});
    ASSERT_TRUE(kept.ok());
    EXPECT_EQ(kept->at, 300U);
    EXPECT_EQ(at.store.files.size(), 2U);
    const auto found = recover(*at.facts, at.store, everything, at.extras, {});
    EXPECT_EQ(found->from_snapshot, 300U);
    EXPECT_EQ(all_bytes(*found->views), all_bytes(**rebuild(*at.facts, everything, {})));
}

TEST(ladder, keeps_few_snapshots_wider_apart_with_age) {
    std::vector<stored_snapshot> kept;
    for (position at = 1000; at <= 1'000'000; at += 1000) {
        kept.push_back({snapshot_name(at, 1), 10});
        for (const stored_snapshot& gone : superfluous(kept, {16, 1'000'000})) {
            std::erase_if(kept, [&](const auto& one) { return one.name == gone.name; });
        }
    }
    ASSERT_EQ(kept.size(), 16U);
    EXPECT_EQ(snapshot_position(kept.back().name), 1'000'000U);
    // Half as old, about half as far to the next: no gap is larger than its age allows.
    for (std::size_t i = 1; i < kept.size(); ++i) {
        const position newer = *snapshot_position(kept[i].name);
        const position older = *snapshot_position(kept[i - 1].name);
        EXPECT_LE(newer - older, (1'000'000 - older) * 3 / 4 + 1000) << older;
    }
    EXPECT_LE(*snapshot_position(kept.front().name), 500'000U);
}

TEST(ladder, stays_within_its_bytes_but_keeps_the_newest) {
    std::vector<stored_snapshot> kept;
    for (position at = 1; at <= 10; ++at) {
        kept.push_back({snapshot_name(at * 100, 1), 30});
    }
    EXPECT_EQ(superfluous(kept, {16, 100}).size(), 7U);
    const auto gone = superfluous(kept, {16, 1});
    EXPECT_EQ(gone.size(), 9U);
    for (const auto& one : gone) {
        EXPECT_NE(one.name, snapshot_name(1000, 1));
    }
}

TEST(snapshot_name, is_read_back_and_nothing_else_is) {
    EXPECT_EQ(snapshot_name(42, 0xabc), "00000000000000000042-0000000000000abc");
    EXPECT_EQ(snapshot_position("00000000000000000042-0000000000000abc"), 42U);
    EXPECT_FALSE(snapshot_position("00000000000000000042-0000000000000abc.tmp"));
    EXPECT_FALSE(snapshot_position("0000000000000000004x-0000000000000abc"));
    EXPECT_FALSE(snapshot_position("99999999999999999999-0000000000000abc"));
    EXPECT_FALSE(snapshot_position(""));
}

TEST(past, shows_one_stream_as_it_was) {
    test::random_history history(12, 4, 6);
    const auto facts = new_ledger();
    const auto& events = history.make(500);
    append(*facts, events, 0, 500);
    view_set walked;
    for (const auto& one : events) {
        walked.apply(one.recorded_form());
        if (one.at % 41 != 0) {
            continue;
        }
        for (const char* named : {"instance-1", "instance-3"}) {
            const auto past = stream_as_of(*facts, "instance/service-2/" + std::string{named},
                                           one.at, {});
            ASSERT_TRUE(past.ok());
            EXPECT_EQ((*past)->at(), one.at);
            const auto then = (*past)->registry().slot_of("service-2", named);
            const auto wanted = walked.registry().slot_of("service-2", named);
            ASSERT_EQ(then.has_value(), wanted.has_value());
            if (then) {
                registry::instance_row row;
                registry::instance_row wanted_row;
                (*past)->registry().fill(*then, row);
                walked.registry().fill(*wanted, wanted_row);
                EXPECT_EQ(row, wanted_row);
            }
        }
    }
}

TEST(past, shows_everything_as_it_was_from_the_nearest_rung) {
    with_snapshot at;
    past_views past(*at.facts, at.store, std::size_t{1} << 30U);
    for (const position when :
         {position{0}, position{1}, position{199}, position{200}, position{250}, position{300}}) {
        const auto then = past.as_of(when, {});
        ASSERT_TRUE(then.ok());
        EXPECT_EQ(all_bytes(**then), all_bytes(**rebuild(*at.facts, when, {}))) << when;
    }
    const int reads = at.store.reads;
    EXPECT_EQ((*past.as_of(300, {}))->at(), 300U);
    EXPECT_EQ((*past.as_of(250, {}))->at(), 250U);
    EXPECT_EQ(at.store.reads, reads) << "answers are remembered";
    EXPECT_EQ(past.as_of(301, {}).error().code, error_code::position_unknown);
}

TEST(past, is_remembered_within_its_bytes_the_last_used_longest) {
    with_snapshot at;
    past_views every(*at.facts, at.store, std::size_t{1} << 30U);
    const std::size_t one = (*every.as_of(300, {}))->memory_bytes();
    EXPECT_GT(one, 10'000U);
    past_views two(*at.facts, at.store, 2 * one + one / 2);
    for (const position when : {position{300}, position{299}, position{300}, position{298}}) {
        ASSERT_TRUE(two.as_of(when, {}).ok());
        EXPECT_LE(two.remembered_bytes(), 2 * one + one / 2);
    }
    const int reads = at.store.reads;
    ASSERT_TRUE(two.as_of(300, {}).ok());
    EXPECT_EQ(at.store.reads, reads) << "it was used after 299, so that went";
    ASSERT_TRUE(two.as_of(299, {}).ok());
    EXPECT_GT(at.store.reads, reads);
    past_views none(*at.facts, at.store, one / 2);
    EXPECT_EQ((*none.as_of(300, {}))->at(), 300U) << "a larger one is answered and not remembered";
    EXPECT_EQ(none.remembered_bytes(), 0U);
}

TEST(past, stops_when_its_progress_says_so) {
    with_snapshot at;
    past_views past(*at.facts, at.store, std::size_t{1} << 30U);
    const auto no = [](std::uint64_t, std::uint64_t) { return false; };
    const int reads = at.store.reads;
    EXPECT_EQ(past.as_of(250, no).error().code, error_code::not_ready);
    EXPECT_EQ(at.store.reads, reads) << "no snapshot is loaded for nobody";
    EXPECT_EQ(past.as_of(150, no).error().code, error_code::not_ready) << "below all snapshots";
    EXPECT_EQ((*past.as_of(250, {}))->at(), 250U) << "and the next question is answered";
}

} // namespace
} // namespace fasti

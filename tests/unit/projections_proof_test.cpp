// SPDX-License-Identifier: Apache-2.0
//! Planted faults are found and named; a sound log, sound snapshots and sound views give no finding.
#include "eventstore/memory/memory_ledger.hpp"
#include "projections/engine/snapshot_format.hpp"
#include "projections/engine/snapshots.hpp"
#include "projections/proof/proof.hpp"
#include "projections/proof/row_differences.hpp"
#include "tests/support/memory_snapshot_store.hpp"
#include "tests/support/registry_history.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

namespace fasti {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

//! How many events there were, as a stand-in for a fold that is no view.
struct event_count final : extra_fold {
    std::uint64_t count = 0;

    std::string_view name() const override { return "count"; }
    std::uint64_t fingerprint() const override { return 1; }
    result<void> fold(const recorded_event&) override {
        ++count;
        return {};
    }
    void write_snapshot(std::string& out) const override { out += std::to_string(count); }
    bool read_snapshot(std::string_view bytes) override {
        count = std::stoull(std::string(bytes));
        return true;
    }
    void clear() override { count = 0; }
};

//! A ledger whose walk finds what a test planted.
struct told_ledger final : ledger {
    explicit told_ledger(const ledger& of) : real(of) {}
    const ledger& real;
    std::vector<finding> faults;
    position unreadable_from = 0;

    id128 log_id() const noexcept override { return real.log_id(); }
    result<std::shared_ptr<const committed_batch>> append(const append_batch&) override {
        return error{error_code::store_unavailable, "Read only."};
    }
    ledger_head head() const override { return real.head(); }
    result<std::uint64_t> stream_version(std::string_view stream) const override {
        return real.stream_version(stream);
    }
    result<std::optional<receipt>> find_receipt(std::string_view scope,
                                                std::string_view key) const override {
        return real.find_receipt(scope, key);
    }
    result<std::optional<std::string>> claim_holder(std::string_view name) const override {
        return real.claim_holder(name);
    }
    result<position> read(position from, position to, const event_filter& filter,
                          const event_visitor& visit) const override {
        if (unreadable_from != 0 && to >= unreadable_from) {
            (void)real.read(from, unreadable_from - 1, filter, visit);
            return error{error_code::store_damaged,
                         "Position " + std::to_string(unreadable_from) + " is damaged."};
        }
        return real.read(from, to, filter, visit);
    }
    result<void> read_stream(std::string_view stream, std::uint64_t from,
                             const event_visitor& visit) const override {
        return real.read_stream(stream, from, visit);
    }
    result<hash256> hash_at(position at) const override { return real.hash_at(at); }
    result<position> position_at(instant when) const override { return real.position_at(when); }
    result<std::uint64_t> verify(const std::function<void(const finding&)>& report,
                                 const progress_sink& progress) const override {
        if (progress && !progress(head().last, head().last)) {
            return std::uint64_t{0};
        }
        for (const finding& one : faults) {
            report(one);
        }
        return faults.size();
    }
};

//! Views served beside the proof; a test may spoil bytes or let events come in between.
struct served_views final : served_parts {
    explicit served_views(const ledger& from) : facts(from) { follow(facts.head().last); }

    const ledger& facts;
    std::unique_ptr<view_set> views = std::make_unique<view_set>();
    std::unique_ptr<event_count> extra = std::make_unique<event_count>();
    std::function<void(const std::string& name)> before_read = [](const std::string&) {};
    std::function<void(const std::string& name, std::string& bytes)> spoil = [](const std::string&,
                                                                                std::string&) {};

    void follow(position to) {
        extra_fold* const extras[] = {extra.get()};
        check(catch_up({*views, extras}, facts, to, {}).ok(), "a test's log can be folded");
    }
    result<position> at() override { return views->at(); }
    std::vector<std::string> names() const override {
        std::vector<std::string> out{"registry"};
        out.insert(out.end(), own_view_names.begin(), own_view_names.end());
        out.insert(out.end(), {"registry_metrics", "parked", "count"});
        return out;
    }
    result<served_part> read(std::string_view name) override {
        before_read(std::string(name));
        served_part out;
        out.at = views->at();
        if (name == "parked") {
            views->write_parked(out.bytes);
        } else if (name == "count") {
            extra->write_snapshot(out.bytes);
        } else {
            out.bytes = bytes_of(*views, name);
        }
        spoil(std::string(name), out.bytes);
        return out;
    }
};

struct listener final : proof_listener {
    std::vector<std::string> findings; //!< "what | where | first-last"
    std::vector<std::string> notes;
    std::vector<std::string> steps; //!< each once
    std::uint64_t stop_after = UINT64_MAX;
    std::uint64_t told = 0;

    bool progress(std::string_view step, std::uint64_t done, std::uint64_t total) override {
        EXPECT_LE(done, total) << step;
        if (steps.empty() || steps.back() != step) {
            steps.emplace_back(step);
        }
        return ++told <= stop_after;
    }
    void found(const finding& one) override {
        findings.push_back(one.what + " | " + one.where + " | " + std::to_string(one.first) + "-" +
                           std::to_string(one.last));
    }
    void note(std::string_view sentence) override { notes.emplace_back(sentence); }
};

struct world {
    memory_ledger memory{id128{}, 7};
    told_ledger facts{memory};
    test::memory_snapshot_store snapshots;
    test::random_history history{3, 4, 6};
    listener told;
    event_count extra;

    explicit world(std::size_t events = 400) { append(history.make(events)); }

    void append(const std::vector<test::owned_event>& events) {
        for (; appended < events.size(); ++appended) {
            const event_draft draft = events[appended].draft();
            check(memory.append({{&draft, 1}, {}, {}}).ok(), "a test's events are appended");
        }
    }
    std::string snapshot(position at) {
        event_count own;
        extra_fold* const extras[] = {&own};
        view_set views;
        check(catch_up({views, extras}, memory, at, {}).ok(), "a test's log can be folded");
        auto kept = keep_snapshot({views, extras}, memory, snapshots, {});
        check(kept.ok(), "a snapshot in memory can be kept");
        return kept->name;
    }
    result<proof_report> everything(served_parts& served) {
        extra.clear();
        extra_fold* const extras[] = {&extra};
        return prove_everything({facts, served, extras, told}, snapshots);
    }
    result<proof_report> only_views(served_parts& served, std::string_view view = {}) {
        extra.clear();
        extra_fold* const extras[] = {&extra};
        return prove_views({facts, served, extras, told}, view);
    }

    std::size_t appended = 0;
};

//! The bytes of a registry in which one instance has another port.
std::string registry_with_wrong_port(const ledger& facts) {
    auto wrong = std::make_unique<view_set>();
    std::string first;
    (void)facts.read(1, facts.head().last, {}, [&](const recorded_event& event) {
        wrong->apply(event);
        return read_more::go_on;
    });
    test::history_writer writer;
    writer.add(registry::instance_registered{"planted", "here", "10.9.9.9", 4711});
    recorded_event planted = writer.events.back().recorded_form();
    planted.at = wrong->at() + 1;
    wrong->apply(planted);
    return bytes_of(*wrong, "registry");
}

std::vector<std::string> names_of(const proof_report& report) {
    std::vector<std::string> out;
    for (const compared_part& part : report.parts) {
        out.push_back(part.name);
    }
    return out;
}

TEST(proof, finds_nothing_where_nothing_is_wrong) {
    world w;
    (void)w.snapshot(120);
    (void)w.snapshot(300);
    served_views served(w.facts);
    const auto report = w.everything(served);
    ASSERT_TRUE(report.ok()) << report.error().message;
    EXPECT_THAT(w.told.findings, IsEmpty());
    EXPECT_THAT(w.told.notes, IsEmpty());
    EXPECT_THAT(w.told.steps, ElementsAre("log", "fold", "views"));
    EXPECT_EQ(report->head, 400U);
    EXPECT_EQ(report->snapshots, 2U);
    EXPECT_EQ(names_of(*report), served.names());
    for (const compared_part& part : report->parts) {
        EXPECT_TRUE(part.equal) << part.name;
        EXPECT_EQ(part.at, 400U);
    }
    EXPECT_GT(report->parts[0].bytes, 100U);
}

TEST(proof, compares_each_part_at_the_position_it_is_served_at) {
    world w;
    served_views served(w.facts);
    served.before_read = [&](const std::string&) {
        w.append(w.history.make(w.appended + 7)); // commits go on meanwhile
        served.follow(w.memory.head().last);
    };
    const auto report = w.only_views(served);
    ASSERT_TRUE(report.ok());
    EXPECT_THAT(w.told.findings, IsEmpty());
    ASSERT_EQ(report->parts.size(), served.names().size());
    EXPECT_EQ(report->parts.front().at, 407U);
    EXPECT_EQ(report->parts.back().at, 400 + 7 * report->parts.size());
    EXPECT_EQ(report->head, report->parts.back().at);
}

TEST(proof, names_the_row_of_a_wrong_view) {
    world w;
    served_views served(w.facts);
    served.spoil = [&](const std::string& name, std::string& bytes) {
        if (name == "registry") {
            bytes = registry_with_wrong_port(w.facts);
        }
    };
    const auto report = w.only_views(served);
    ASSERT_TRUE(report.ok());
    EXPECT_FALSE(report->parts[0].equal);
    EXPECT_TRUE(report->parts[1].equal);
    EXPECT_EQ(report->findings, w.told.findings.size());
    EXPECT_THAT(w.told.findings,
                Contains("instances planted/here: is there, a fold gives no such row | as served | "
                         "400-400"));
    EXPECT_THAT(w.told.findings, Contains(HasSubstr("registry as served differs")));
}

TEST(proof, finds_a_wrong_part_that_has_no_rows) {
    world w;
    served_views served(w.facts);
    served.spoil = [](const std::string& name, std::string& bytes) {
        if (name == "count") {
            bytes = "399";
        }
    };
    const auto report = w.only_views(served);
    ASSERT_TRUE(report.ok());
    EXPECT_THAT(w.told.findings, ElementsAre(HasSubstr("count as served differs")));
}

TEST(proof, compares_one_view_alone) {
    world w;
    served_views served(w.facts);
    const auto report = w.only_views(served, "instances");
    ASSERT_TRUE(report.ok());
    ASSERT_EQ(report->parts.size(), 1U);
    EXPECT_EQ(report->parts[0].name, "registry");
    EXPECT_EQ(w.only_views(served, "instnces").error().code, error_code::malformed);
}

TEST(proof, tells_the_findings_of_the_log) {
    world w;
    w.facts.faults = {{"chain broken", "0001.segment at byte 4096", 17, 23}};
    served_views served(w.facts);
    const auto report = w.everything(served);
    ASSERT_TRUE(report.ok());
    EXPECT_THAT(w.told.findings, ElementsAre("chain broken | 0001.segment at byte 4096 | 17-23"));
    EXPECT_EQ(report->findings, 1U);
}

TEST(proof, makes_findings_of_damage_and_ends_the_fold_there) {
    world w;
    served_views served(w.facts);
    w.facts.unreadable_from = 200;
    const auto report = w.everything(served);
    ASSERT_TRUE(report.ok());
    EXPECT_THAT(w.told.findings,
                ElementsAre(HasSubstr("Position 200 is damaged. | the log | 200-400")));
    EXPECT_THAT(w.told.notes, ElementsAre(HasSubstr("behind position 199 were not compared")));
    EXPECT_THAT(report->parts, IsEmpty());
}

TEST(proof, finds_each_flipped_byte_of_a_snapshot) {
    for (std::size_t place = 0; place < 2'000; place += 97) {
        world w(150);
        const std::string name = w.snapshot(100);
        std::string& bytes = w.snapshots.files[name];
        ASSERT_GT(bytes.size(), place);
        bytes[place] = static_cast<char>(bytes[place] ^ 0x20);
        served_views served(w.facts);
        const auto report = w.everything(served);
        ASSERT_TRUE(report.ok());
        ASSERT_EQ(w.told.findings.size(), 1U) << "byte " << place;
        EXPECT_THAT(w.told.findings[0], HasSubstr("snapshot " + name)) << "byte " << place;
    }
}

TEST(proof, names_the_row_of_a_snapshot_that_is_whole_but_wrong) {
    world w;
    const std::string name = w.snapshot(400);
    const std::string wrong = registry_with_wrong_port(w.facts);
    const auto content = read_snapshot_bytes(w.snapshots.files[name]);
    ASSERT_TRUE(content.ok());
    snapshot_content changed = *content;
    for (snapshot_section& section : changed.sections) {
        if (section.name == "registry") {
            section.bytes = wrong;
        }
    }
    w.snapshots.files[name] = write_snapshot_bytes(changed);
    served_views served(w.facts);
    ASSERT_TRUE(w.everything(served).ok());
    EXPECT_THAT(w.told.findings,
                Contains("registry differs from a fold from the first event | snapshot " + name +
                         " | 400-400"));
    EXPECT_THAT(w.told.findings, Contains(HasSubstr("instances planted/here: is there")));
}

TEST(proof, notes_snapshots_it_does_not_use) {
    world w;
    const std::string name = w.snapshot(100);
    const auto content = read_snapshot_bytes(w.snapshots.files[name]);
    snapshot_content other_code = *content;
    other_code.sections[1].fingerprint ^= 1;
    snapshot_content other_log = *content;
    other_log.epoch = 8;
    const std::string changed = write_snapshot_bytes(other_code);
    w.snapshots.files[snapshot_name(100, 8)] = write_snapshot_bytes(other_log);
    w.snapshots.files[name] = changed;
    w.snapshots.files[snapshot_name(401, 7)] = "later";
    served_views served(w.facts);
    ASSERT_TRUE(w.everything(served).ok());
    EXPECT_THAT(w.told.findings, IsEmpty());
    EXPECT_THAT(w.told.notes,
                testing::UnorderedElementsAre(HasSubstr("tokens was written by another version"),
                                              HasSubstr("is of another history"),
                                              HasSubstr("is newer than this proof")));
}

TEST(proof, tells_events_that_cannot_be_read) {
    world w(50);
    std::vector<test::owned_event> more = w.history.make(50);
    test::owned_event odd = more.front();
    odd.stream = "instance/odd/one";
    odd.stream_version = 1;
    odd.type = "instance_teleported";
    odd.recorded = more.back().recorded;
    const event_draft draft = odd.draft();
    ASSERT_TRUE(w.memory.append({{&draft, 1}, {}, {}}).ok());
    served_views served(w.facts);
    ASSERT_TRUE(w.everything(served).ok());
    EXPECT_THAT(w.told.findings,
                ElementsAre("event of type instance_teleported cannot be read by this version: "
                            "unknown_type | stream instance/odd/one | 51-51"));
}

TEST(proof, can_be_stopped_at_every_step) {
    for (std::uint64_t calls = 0; calls < 4; ++calls) {
        world w;
        w.told.stop_after = calls;
        served_views served(w.facts);
        const auto report = w.everything(served);
        ASSERT_FALSE(report.ok()) << calls;
        EXPECT_EQ(report.error().code, error_code::not_ready);
        EXPECT_THAT(w.told.findings, IsEmpty());
    }
}

TEST(row_differences, tell_the_members_that_differ) {
    EXPECT_EQ(tell_members(R"({"a":1,"b":"x,\"}","c":[1,2],"e":{"k":"v"}})",
                           R"({"a":1,"b":"y","d":true,"e":{"k":"v"}})"),
              R"(b is "x,\"}", a fold gives "y"; c is [1,2], a fold gives absent; )"
              "d is absent, a fold gives true");
    EXPECT_EQ(tell_members("{}", "{}"), "");
}

} // namespace
} // namespace fasti

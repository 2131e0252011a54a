// SPDX-License-Identifier: Apache-2.0
#include "domain/wire/json_writer.hpp"
#include "domain/wire/registry_json.gen.hpp"
#include "projections/queries/preview.hpp"
#include "projections/queries/view_rows.hpp"
#include "tests/support/registry_history.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace fasti {
namespace {

std::map<std::string, std::string> rows_of(const view_set& views, std::string_view view) {
    std::map<std::string, std::string> out;
    EXPECT_TRUE(visit_rows(views, view, [&](std::string_view key, std::string_view json) {
                    out.emplace(key, json);
                    return true;
                }).ok());
    return out;
}

planned_fact planned(const test::owned_event& from) {
    return {from.type, from.revision, from.stream, from.stream_version, from.data};
}

//! What a preview should say, found by really applying the events to a second set.
std::string expected(const view_set& before, const view_set& after) {
    std::string out = "[";
    for (const char* view : {"services", "instances", "tokens"}) {
        EXPECT_TRUE(visit_differences(before, after, view, [&](const row_difference& one) {
                        if (out.size() > 1) {
                            out += ',';
                        }
                        out += "{\"view\":\"" + std::string{view} + "\",\"key\":\"" +
                               std::string{one.key} + "\",\"before\":";
                        out += one.before.empty() ? "null" : one.before;
                        out += ",\"after\":";
                        out += one.after.empty() ? "null" : one.after;
                        out += '}';
                        return true;
                    }).ok());
    }
    return out + "]";
}

TEST(preview, shows_a_new_instance_and_what_it_does_to_its_service) {
    test::history_writer history;
    view_set live;
    live.apply(history.add(registry::instance_registered{"web", "a"}).recorded_form());
    const planned_fact fact = planned(history.add(registry::instance_registered{"web", "b"}));
    const std::string got = preview(live, {&fact, 1}, {history.events.back().recorded, "token/1"});
    EXPECT_NE(
        got.find(R"({"view":"instances","key":"web/b","before":null,"after":{"service":"web")"),
        std::string::npos)
        << got;
    EXPECT_NE(got.find(R"("instances":1,"healthy":1)"), std::string::npos) << got;
    EXPECT_NE(got.find(R"("instances":2,"healthy":2)"), std::string::npos) << got;
    EXPECT_EQ(live.registry().instance_count(), 1U);
}

TEST(preview, says_what_really_happens) {
    for (std::uint64_t seed = 1; seed <= 12; ++seed) {
        test::random_history history(seed, 3, 4);
        const auto& events = history.make(300);
        std::mt19937_64 random(seed);
        view_set live;
        view_set ahead;
        std::size_t at = 0;
        while (at < events.size()) {
            // One event, or a few that are planned together: positions differ by one then.
            const std::size_t end = std::min<std::size_t>(at + 1 + random() % 2, events.size());
            std::vector<planned_fact> facts;
            for (std::size_t i = at; i < end; ++i) {
                facts.push_back(planned(events[i]));
                ahead.apply(events[i].recorded_form());
            }
            if (end - at == 1) {
                ASSERT_EQ(preview(live, facts, {events[at].recorded, events[at].actor}),
                          expected(live, ahead))
                    << "seed " << seed << " at " << events[at].at << " " << events[at].type;
            }
            for (std::size_t i = at; i < end; ++i) {
                live.apply(events[i].recorded_form());
            }
            at = end;
        }
    }
}

TEST(visit_differences, tells_rows_that_came_went_and_changed) {
    test::history_writer history;
    view_set before;
    before.apply(history.add(registry::instance_registered{"web", "a"}).recorded_form());
    before.apply(history.add(registry::instance_registered{"web", "b"}).recorded_form());
    view_set after;
    for (const auto& one : history.events) {
        after.apply(one.recorded_form());
    }
    after.apply(history.add(registry::instance_drain_started{"web", "a"}).recorded_form());
    after.apply(history.add(registry::instance_deregistered{"web", "b"}).recorded_form());
    after.apply(history.add(registry::instance_registered{"web", "c"}).recorded_form());
    std::vector<std::string> told;
    ASSERT_TRUE(visit_differences(before, after, "instances", [&](const row_difference& one) {
                    told.push_back(std::string{one.key} + (one.before.empty() ? "" : " before") +
                                   (one.after.empty() ? "" : " after"));
                    return true;
                }).ok());
    EXPECT_EQ(told,
              (std::vector<std::string>{"web/a before after", "web/b before", "web/c after"}));
    EXPECT_TRUE(visit_differences(after, after, "registry_metrics", [](const row_difference&) {
                    ADD_FAILURE() << "nothing differs";
                    return true;
                }).ok());
    EXPECT_EQ(rows_of(after, "services").size(), 1U);
    EXPECT_GT(rows_of(after, "registry_metrics").size(), 3U);
    EXPECT_FALSE(
        visit_rows(after, "nothing", [](std::string_view, std::string_view) { return true; }).ok());
}

TEST(visit_rows, tells_a_row_whose_key_is_empty_once) {
    test::history_writer history;
    view_set views;
    for (const char* token : {"b", "", "a"}) {
        views.apply(history.add(identity::token_created{token}).recorded_form());
    }
    const auto keys_after = [&](std::optional<std::string_view> key) {
        std::vector<std::string> out;
        EXPECT_TRUE(
            visit_rows_after(views, "tokens", key, [&](std::string_view one, std::string_view) {
                out.emplace_back(one);
                return true;
            }).ok());
        return out;
    };
    EXPECT_EQ(keys_after(std::nullopt), (std::vector<std::string>{"", "a", "b"}));
    EXPECT_EQ(keys_after(""), (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(keys_after("a"), (std::vector<std::string>{"b"}));
}

} // namespace
} // namespace fasti

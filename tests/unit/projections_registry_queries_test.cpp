// SPDX-License-Identifier: Apache-2.0
#include "domain/wire/json.hpp"
#include "projections/queries/cursor.hpp"
#include "projections/queries/registry_queries.hpp"
#include "tests/support/registry_history.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace fasti {
namespace {

using namespace registry; // NOLINT: the words of the tests
using texts = std::vector<std::string>;

//! Views and the events they were made of, one more at a time.
struct situation {
    test::history_writer history;
    view_set views;
    pick_turns turns;

    template <class Event>
    position given(const Event& what) {
        views.apply(history.add(what).recorded_form());
        return views.at();
    }
    position up(std::string_view service, std::string_view instance, std::string_view zone = "a",
                std::uint32_t weight = 100) {
        instance_registered what;
        what.service = service;
        what.instance = instance;
        what.address = "10.0.0.1";
        what.port = 80;
        what.version = "1.0";
        what.weight = weight;
        what.zone = zone;
        what.tags = {"blue"};
        what.metadata = {{"team", "core"}};
        return given(what);
    }
    query_answer pick(const discover_instance_params& what, std::uint64_t random = 0) {
        return discover_instance(views, what, {}, {random, turns});
    }
};

//! The member `name` of a body, or of each row of the list `list` in it.
texts members(std::string body, std::string_view name, std::string_view list = {}) {
    json_document document;
    EXPECT_TRUE(document.parse(body).ok()) << body;
    texts out;
    if (list.empty()) {
        out.emplace_back(document.root().find(name).text());
        return out;
    }
    for (const json_member& row : document.root().find(list)) {
        out.emplace_back(row.value.find(name).text());
    }
    return out;
}

std::string next_of(std::string body) {
    json_document document;
    EXPECT_TRUE(document.parse(body).ok()) << body;
    return std::string{document.root().find("next").text()};
}

TEST(list_services, pages_by_name_and_goes_on_where_it_was) {
    situation now;
    for (const char* name : {"d", "b", "a", "e", "c"}) {
        now.up(name, "i");
    }
    const auto first = list_services(now.views, {}, {"", 2});
    EXPECT_EQ(members(first.body, "service", "services"), (texts{"a", "b"}));
    const std::string cursor = next_of(first.body);
    now.given(instance_deregistered{"b", "i"}); // the last row of the page goes
    now.up("bb", "i");
    const auto second = list_services(now.views, {}, {cursor, 2});
    EXPECT_EQ(members(second.body, "service", "services"), (texts{"bb", "c"}));
    const auto third = list_services(now.views, {}, {next_of(second.body), 2});
    EXPECT_EQ(members(third.body, "service", "services"), (texts{"d", "e"}));
    EXPECT_EQ(next_of(third.body), "");
}

TEST(list_services, filters_by_prefix_and_tags) {
    situation now;
    now.given(service_registered{"web", "", "", {"blue", "green"}, {}});
    now.given(service_registered{"web-2", "", "", {"blue"}, {}});
    now.given(service_registered{"db", "", "", {"blue", "green"}, {}});
    const auto answer = list_services(now.views, {{"green", "blue"}, "web"}, {});
    EXPECT_EQ(members(answer.body, "service", "services"), texts{"web"});
    EXPECT_EQ(members(list_services(now.views, {{}, "x"}, {}).body, "service", "services"),
              texts{});
}

TEST(list_services, refuses_cursors_it_did_not_give) {
    situation now;
    for (const char* cursor : {"!", "A", "AAA=", "QQ==", "QR"}) {
        const auto answer = list_services(now.views, {}, {cursor, 2});
        ASSERT_TRUE(answer.failure) << cursor;
        EXPECT_EQ(answer.failure->code, error_code::malformed);
    }
}

TEST(cursor, is_read_back) {
    for (const std::string key : {"", "a", "ab", "abc", "web+1~2:3", "\xc3\xa4"}) {
        EXPECT_EQ(*read_cursor(write_cursor(key)), key);
    }
    EXPECT_EQ(*read_cursor(""), std::nullopt) << "no cursor, and not that of the empty key";
}

TEST(get_service, answers_its_row_or_that_it_is_unknown) {
    situation now;
    const position made = now.up("web", "i");
    const auto answer = get_service(now.views, {"web"});
    EXPECT_EQ(members(answer.body, "service"), texts{"web"});
    EXPECT_EQ(answer.changed, made);
    const auto missing = get_service(now.views, {"db"});
    EXPECT_EQ(missing.failure->code, error_code::service_unknown);
    EXPECT_EQ(missing.changed, 0U);
    const position gone = now.given(instance_deregistered{"web", "i"});
    EXPECT_EQ(get_service(now.views, {"web"}).changed, gone);
}

TEST(list_instances, filters) {
    situation now;
    now.up("web", "1", "a");
    now.up("web", "2", "b");
    now.up("web", "3", "a");
    now.given(instance_drain_started{"web", "3"});
    const auto names = [&](const list_instances_params& what) {
        return members(list_instances(now.views, what, {}).body, "instance", "instances");
    };
    EXPECT_EQ(names({.service = "web"}), (texts{"1", "2", "3"}));
    EXPECT_EQ(names({.service = "web", .zone = "a"}), (texts{"1", "3"}));
    EXPECT_EQ(names({.service = "web", .status = instance_status::draining}), texts{"3"});
    EXPECT_EQ(names({.service = "web", .metadata = {"team:core"}}), (texts{"1", "2", "3"}));
    EXPECT_EQ(names({.service = "web", .metadata = {"team:other"}}), texts{});
    const auto bad = list_instances(now.views, {.service = "web", .metadata = {"team"}}, {});
    EXPECT_EQ(bad.failure->code, error_code::fields_invalid);
    EXPECT_EQ(bad.failure->fields[0].pointer, "#/metadata");
    EXPECT_EQ(list_instances(now.views, {.service = "db"}, {}).failure->code,
              error_code::service_unknown);
}

TEST(get_instance, keeps_its_change_position_past_deletion) {
    situation now;
    now.up("web", "a");
    const position kept = now.up("web", "b");
    EXPECT_EQ(get_instance(now.views, {"web", "b"}).changed, kept);
    EXPECT_EQ(get_instance(now.views, {"web", "c"}).changed, 0U);
    const position gone = now.given(instance_deregistered{"web", "a"});
    const auto missing = get_instance(now.views, {"web", "a"});
    EXPECT_EQ(missing.failure->code, error_code::instance_unknown);
    EXPECT_EQ(missing.changed, gone);
    EXPECT_EQ(get_instance(now.views, {"web", "b"}).changed, kept);
    // Every answer about one key is at least as new as the one before.
    const position last = now.given(instance_deregistered{"web", "b"});
    EXPECT_EQ(get_instance(now.views, {"web", "b"}).changed, last);
    now.up("web", "z");
    EXPECT_EQ(get_instance(now.views, {"web", "b"}).changed, last);
}

TEST(change_positions, never_go_back_and_move_with_every_change_of_the_answer) {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        test::random_history history(seed, 3, 4);
        view_set views;
        pick_turns turns;
        std::map<std::string, query_answer> before;
        const auto look = [&](const std::string& key, query_answer now) {
            query_answer& then = before[key];
            ASSERT_GE(now.changed, then.changed) << key;
            ASSERT_LE(now.changed, views.at()) << key;
            const bool same = now.body == then.body &&
                              now.failure.has_value() == then.failure.has_value();
            if (!same && views.at() > 1) {
                ASSERT_EQ(now.changed, views.at()) << key << " " << then.body << " -> " << now.body;
                ASSERT_NE(now.digest, then.digest) << key;
            }
            if (now.changed == then.changed && views.at() > 1) {
                ASSERT_EQ(now.digest, then.digest) << key;
            }
            then = std::move(now);
        };
        for (const auto& one : history.make(800)) {
            views.apply(one.recorded_form());
            look("services", list_services(views, {}, {"", 1000}));
            for (const std::string service : {"service-0", "service-1"}) {
                look(service, get_service(views, {service}));
                look(service + " instances",
                     list_instances(views, {.service = service}, {"", 1000}));
                look(service + " healthy",
                     discover_instance(views, {.service = service}, {"", 1000}, {0, turns}));
                look(service + " instance", get_instance(views, {service, "instance-2"}));
            }
            ASSERT_FALSE(testing::Test::HasFatalFailure()) << "seed " << seed << " at " << one.at;
        }
    }
}

TEST(discover_instance, answers_healthy_ones_only_unless_asked) {
    situation now;
    now.up("web", "1");
    now.up("web", "2");
    now.given(instance_maintenance_started{"web", "1"});
    const auto all = discover_instance(now.views, {.service = "web"}, {}, {0, now.turns});
    EXPECT_EQ(members(all.body, "instance", "instances"), texts{"2"});
    for (std::uint64_t random = 0; random < 10; ++random) {
        EXPECT_EQ(
            members(now.pick({.service = "web", .strategy = pick_strategy::random}, random).body,
                    "instance"),
            texts{"2"});
    }
    const auto any = discover_instance(now.views, {.service = "web", .any_status = true}, {},
                                       {0, now.turns});
    EXPECT_EQ(members(any.body, "instance", "instances"), (texts{"1", "2"}));
    now.given(instance_drain_started{"web", "2"});
    EXPECT_EQ(now.pick({.service = "web", .strategy = pick_strategy::weighted}).failure->code,
              error_code::no_healthy_instance);
    EXPECT_EQ(now.pick({.service = "db"}).failure->code, error_code::service_unknown);
}

TEST(discover_instance, gives_everyone_a_turn) {
    situation now;
    for (const char* name : {"1", "2", "3"}) {
        now.up("web", name);
    }
    now.up("db", "d");
    std::map<std::string, int> seen;
    for (int i = 0; i < 30; ++i) {
        ++seen[members(now.pick({.service = "web", .strategy = pick_strategy::round_robin}).body,
                       "instance")[0]];
        now.pick({.service = "db", .strategy = pick_strategy::round_robin}); // has turns of its own
    }
    EXPECT_EQ(seen, (std::map<std::string, int>{{"1", 10}, {"2", 10}, {"3", 10}}));
}

TEST(discover_instance, picks_by_weight_with_and_without_filters) {
    situation now;
    now.up("web", "light", "a", 1);
    now.up("web", "heavy", "a", 3);
    now.up("web", "elsewhere", "b", 100);
    now.up("web", "nothing", "a", 0);
    const auto count = [&](std::optional<std::string_view> zone, std::uint64_t picks) {
        std::map<std::string, int> seen;
        for (std::uint64_t random = 0; random < picks; ++random) {
            discover_instance_params what;
            what.service = "web";
            what.strategy = pick_strategy::weighted;
            what.zone = zone;
            ++seen[members(now.pick(what, random).body, "instance")[0]];
        }
        return seen;
    };
    EXPECT_EQ(count("a", 400), (std::map<std::string, int>{{"heavy", 300}, {"light", 100}}));
    EXPECT_EQ(count({}, 104),
              (std::map<std::string, int>{{"elsewhere", 100}, {"heavy", 3}, {"light", 1}}));
}

TEST(discover_instance, leaves_a_pick_asleep_while_its_candidates_stay) {
    situation now;
    now.up("web", "1", "a");
    now.up("web", "2", "b");
    discover_instance_params in_a;
    in_a.service = "web";
    in_a.strategy = pick_strategy::random;
    in_a.zone = "a";
    const auto before = now.pick(in_a, 1);
    now.up("db", "d");
    EXPECT_EQ(now.pick(in_a, 2).changed, before.changed) << "another service";
    now.given(instance_drain_started{"web", "2"});
    EXPECT_EQ(now.pick(in_a, 3).digest, before.digest) << "outside the filter";
    now.up("web", "3", "a");
    EXPECT_NE(now.pick(in_a, 4).digest, before.digest);
    EXPECT_GT(now.pick(in_a, 4).changed, before.changed);
}

TEST(discover_instance, wakes_a_pick_without_filters_when_its_candidates_change) {
    situation now;
    now.up("web", "1");
    now.up("web", "2");
    const auto before = now.pick({.service = "web", .strategy = pick_strategy::random}, 1);
    EXPECT_EQ(now.pick({.service = "web", .strategy = pick_strategy::random}, 2).digest,
              before.digest);
    now.given(instance_drain_started{"web", "2"});
    const auto after = now.pick({.service = "web", .strategy = pick_strategy::random}, 3);
    EXPECT_NE(after.digest, before.digest);
    now.given(instance_maintenance_started{"web", "2"}); // no candidate any more
    EXPECT_EQ(now.pick({.service = "web", .strategy = pick_strategy::random}, 4).digest,
              after.digest);
}

TEST(get_instance, says_when_its_row_stands_still) {
    situation now;
    now.up("web", "a");
    test::owned_event poison = now.history.events[0];
    poison.revision = 9;
    now.views.apply(now.history.add_raw(poison).recorded_form());
    EXPECT_NE(get_instance(now.views, {"web", "a"}).parked.find("position 2"), std::string::npos);
    EXPECT_NE(list_instances(now.views, {.service = "web"}, {}).parked, "");
    now.up("db", "d");
    EXPECT_EQ(get_instance(now.views, {"db", "d"}).parked, "");
    EXPECT_EQ(list_instances(now.views, {.service = "db"}, {}).parked, "");
}

TEST(list_registry_metrics, pages_through_all_buckets) {
    situation now;
    now.history.step_us = 45'000'000;
    for (int i = 0; i < 40; ++i) {
        now.up("web", "i" + std::to_string(i % 5));
        now.given(instance_drain_started{"web", "i0"});
    }
    const auto whole = list_registry_metrics(now.views, {}, {"", 1000});
    texts by_page;
    std::string cursor;
    do {
        const auto part = list_registry_metrics(now.views, {}, {cursor, 7});
        for (const auto& one : members(part.body, "bucket", "buckets")) {
            by_page.push_back(one);
        }
        cursor = next_of(part.body);
    } while (!cursor.empty());
    EXPECT_EQ(by_page, members(whole.body, "bucket", "buckets"));
    EXPECT_GT(by_page.size(), 20U);
}

TEST(list_tokens, pages_and_shows_no_secret) {
    situation now;
    const std::string secret(32, 's');
    for (const char* id : {"00000000000000b2", "00000000000000a1", "00000000000000c3"}) {
        now.given(identity::token_created{id, "ci", {"registry:read"}, {}, secret});
    }
    const auto first = list_tokens(now.views, {}, {"", 2});
    EXPECT_EQ(members(first.body, "token", "tokens"),
              (texts{"00000000000000a1", "00000000000000b2"}));
    EXPECT_EQ(first.body.find(secret), std::string::npos);
    EXPECT_EQ(first.body.find("secret"), std::string::npos);
    const auto second = list_tokens(now.views, {}, {next_of(first.body), 2});
    EXPECT_EQ(members(second.body, "token", "tokens"), texts{"00000000000000c3"});
    EXPECT_EQ(first.changed, 3U);
}

TEST(list_tokens, pages_over_a_row_whose_key_is_empty_once) {
    situation now;
    for (const char* id : {"b", "", "a"}) {
        now.given(identity::token_created{id});
    }
    texts by_page;
    std::string cursor;
    for (int page = 0; page == 0 || (!cursor.empty() && page < 9); ++page) {
        const auto part = list_tokens(now.views, {}, {cursor, 1});
        for (const auto& one : members(part.body, "token", "tokens")) {
            by_page.push_back(one);
        }
        cursor = next_of(part.body);
    }
    EXPECT_EQ(by_page, (texts{"", "a", "b"}));
}

} // namespace
} // namespace fasti

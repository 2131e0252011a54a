// SPDX-License-Identifier: Apache-2.0
#include "domain/wire/json.hpp"
#include "eventstore/memory/memory_ledger.hpp"
#include "eventstore/port/token.hpp"
#include "projections/queries/log_queries.hpp"
#include "tests/support/registry_history.hpp"

#include <gtest/gtest.h>

namespace fasti {
namespace {

using texts = std::vector<std::string>;

struct kept_log {
    test::history_writer history;
    std::unique_ptr<memory_ledger> facts;

    kept_log() {
        id128 id;
        id.bytes.fill(3);
        facts = std::make_unique<memory_ledger>(id, 7);
    }

    struct who {
        std::string actor = "token/1";
        std::string reason = {};
        std::string cause = {};
    };

    template <class Event>
    position given(const Event& what, const who& by) {
        history.add(what);
        test::owned_event& made = history.events.back();
        made.actor = by.actor;
        made.reason = by.reason;
        made.cause = by.cause;
        const event_draft draft = made.draft();
        EXPECT_TRUE(facts->append({{&draft, 1}, {}, {}}).ok());
        return made.at;
    }
};

texts list(std::string body, std::string_view rows, std::string_view member) {
    json_document document;
    EXPECT_TRUE(document.parse(body).ok()) << body;
    texts out;
    for (const json_member& row : document.root().find(rows)) {
        const json_value value = row.value.find(member);
        out.push_back(value.is(json_kind::text) ? std::string{value.text()}
                                                : std::to_string(*value.as_unsigned()));
    }
    return out;
}

std::string member(std::string body, std::string_view name) {
    json_document document;
    EXPECT_TRUE(document.parse(body).ok()) << body;
    const json_value value = document.root().find(name);
    return value.is(json_kind::boolean) ? (value.boolean() ? "true" : "false")
                                        : std::string{value.text()};
}

TEST(list_activity, shows_the_newest_first_and_pages_back) {
    kept_log log;
    for (int i = 0; i < 25; ++i) {
        log.given(registry::instance_drain_started{"web", "a"},
                  {.reason = "r" + std::to_string(i)});
    }
    texts positions;
    std::string cursor;
    do {
        const auto part = list_activity(*log.facts, {}, {cursor, 4});
        ASSERT_FALSE(part.failure);
        const texts rows = list(part.body, "activity", "position");
        EXPECT_LE(rows.size(), 4U);
        positions.insert(positions.end(), rows.begin(), rows.end());
        cursor = member(part.body, "next");
        if (positions.size() == 8) { // what comes meanwhile does not shift the pages
            log.given(registry::instance_drain_started{"web", "a"}, {});
        }
    } while (!cursor.empty());
    texts wanted;
    for (int i = 25; i > 0; --i) {
        wanted.push_back(std::to_string(i));
    }
    EXPECT_EQ(positions, wanted);
    EXPECT_EQ(list(list_activity(*log.facts, {}, {"", 2}).body, "activity", "reason"),
              (texts{"", "r24"}));
}

TEST(list_activity, filters_by_stream_service_and_actor) {
    kept_log log;
    log.given(registry::service_registered{"web", "", "", {}, {}}, {});
    log.given(registry::instance_drain_started{"web", "a"}, {.actor = "token/2"});
    log.given(registry::instance_drain_started{"web-2", "a"}, {});
    log.given(registry::instance_drain_ended{"web", "a"}, {});
    const auto positions = [&](const operations::list_activity_params& what) {
        return list(list_activity(*log.facts, what, {}).body, "activity", "position");
    };
    EXPECT_EQ(positions({.service = "web"}), (texts{"4", "2", "1"}));
    EXPECT_EQ(positions({.stream = "instance/"}), (texts{"4", "3", "2"}));
    EXPECT_EQ(positions({.actor = "token/2"}), texts{"2"});
    EXPECT_EQ(positions({.service = "web", .actor = "token/9"}), texts{});
}

TEST(list_activity, finds_rare_events_far_back) {
    kept_log log;
    log.given(registry::instance_drain_started{"rare", "a"}, {});
    for (int i = 0; i < 5000; ++i) {
        log.given(registry::instance_drain_started{"web", "a"}, {});
    }
    const auto answer = list_activity(*log.facts, {.service = "rare"}, {});
    EXPECT_EQ(list(answer.body, "activity", "position"), texts{"1"});
    EXPECT_EQ(member(answer.body, "next"), "");
}

TEST(list_activity, refuses_cursors_of_other_lists) {
    kept_log log;
    const auto answer = list_activity(*log.facts, {}, {"d2Vi", 4}); // "web"
    ASSERT_TRUE(answer.failure);
    EXPECT_EQ(answer.failure->code, error_code::malformed);
}

TEST(get_why, walks_causes_back_to_the_reason) {
    kept_log log;
    log.given(registry::service_registered{"web", "", "", {}, {}}, {.reason = "new shop"});
    log.given(registry::instance_registered{"web", "a"}, {.reason = "rollout 7", .cause = "1"});
    log.given(registry::instance_drain_started{"web", "b"}, {});
    log.given(registry::instance_drain_started{"web", "a"},
              {.actor = "process/rollout", .cause = "2"});
    const auto answer = get_why(*log.facts, {"instance/web/a"});
    ASSERT_FALSE(answer.failure);
    EXPECT_EQ(list(answer.body, "chain", "position"), (texts{"4", "2", "1"}));
    EXPECT_EQ(list(answer.body, "chain", "by"), (texts{"newest", "cause", "cause"}));
    EXPECT_EQ(list(answer.body, "chain", "reason"), (texts{"", "rollout 7", "new shop"}));
    EXPECT_EQ(member(answer.body, "complete"), "true");
}

TEST(get_why, looks_before_what_the_system_did_of_itself) {
    kept_log log;
    log.given(registry::instance_registered{"web", "a"}, {.reason = "rollout 7"});
    log.given(registry::instance_expired{"web", "a", 1000, {}}, {.actor = "system/leases"});
    log.given(registry::instance_reaped{"web", "a"}, {.actor = "system/leases"});
    const auto answer = get_why(*log.facts, {"instance/web/a"});
    EXPECT_EQ(list(answer.body, "chain", "type"),
              (texts{"instance_reaped", "instance_expired", "instance_registered"}));
    EXPECT_EQ(list(answer.body, "chain", "by"), (texts{"newest", "before", "before"}));
    EXPECT_EQ(member(answer.body, "complete"), "true");
}

TEST(get_why, ends_whatever_stands_in_a_cause) {
    kept_log log;
    log.given(registry::instance_registered{"web", "a"}, {.cause = "1"});
    const auto own = get_why(*log.facts, {"instance/web/a"});
    EXPECT_EQ(member(own.body, "complete"), "false");
    EXPECT_EQ(list(own.body, "chain", "position"), texts{"1"}) << "its own cause";
    log.given(registry::instance_registered{"web", "b"}, {.cause = "nothing known"});
    EXPECT_EQ(member(get_why(*log.facts, {"instance/web/b"}).body, "complete"), "false");
    for (position i = 3; i < 200; ++i) {
        log.given(registry::instance_drain_started{"web", "c"}, {.cause = std::to_string(i - 1)});
    }
    const auto answer = get_why(*log.facts, {"instance/web/c"});
    EXPECT_EQ(list(answer.body, "chain", "position").size(), why_links_max);
    EXPECT_EQ(member(answer.body, "complete"), "false");
    EXPECT_EQ(get_why(*log.facts, {"instance/web/x"}).failure->code, error_code::event_unknown);
}

TEST(resolve_at, reads_positions_tokens_instants_and_times_ago) {
    kept_log log;
    const instant begin = log.history.now;
    for (int i = 0; i < 10; ++i) {
        log.given(registry::instance_drain_started{"web", "a"}, {}); // one each second
    }
    const instant now = begin.plus_ms(60'000);
    const auto at = [&](std::string_view text) { return resolve_at(text, *log.facts, now); };
    EXPECT_EQ(*at("4"), 4U);
    EXPECT_EQ(*at(to_rfc3339(begin.plus_ms(2500))), 3U);
    EXPECT_EQ(*at(to_rfc3339(begin.plus_ms(-1))), 0U);
    EXPECT_EQ(*at("-55s"), 6U);
    EXPECT_EQ(*at("-1h"), 0U);
    std::string token;
    write_token(7, 5, log.facts->hash_at(5)->prefix(), token);
    EXPECT_EQ(*at(token), 5U);
    token.clear();
    write_token(7, 5, log.facts->hash_at(5)->prefix() + 1, token);
    EXPECT_EQ(at(token).error().code, error_code::history_forked);
    EXPECT_EQ(at("11").error().code, error_code::position_unknown);
    EXPECT_EQ(at(to_rfc3339(now.plus_ms(1))).error().code, error_code::position_unknown);
    for (const char* text : {"", "-", "-5x", "yesterday", "4.5", "-99999999999999999999s"}) {
        EXPECT_EQ(at(text).error().code, error_code::malformed) << text;
    }
}

} // namespace
} // namespace fasti

// SPDX-License-Identifier: Apache-2.0
//! What the declaration says a query of the log takes has an effect; and `after` has the same one in every
//! query that takes it.
#include "adapters/http/documents.hpp"
#include "adapters/http/routes.gen.hpp"
#include "domain/wire/json.hpp"
#include "tests/api/api_world.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace fasti::api {
namespace {

using texts = std::vector<std::string>;

//! The digits behind each `mark` of an answer.
texts numbers(const std::string& answer, std::string_view mark) {
    texts out;
    for (std::size_t at = answer.find(mark); at != std::string::npos;
         at = answer.find(mark, at + 1)) {
        const std::size_t first = at + mark.size();
        out.push_back(answer.substr(first, answer.find_first_not_of("0123456789", first) - first));
    }
    return out;
}

std::string status_of(const std::string& answer) { return answer.substr(9, 3); }

//! Position 1 makes the token, then come instances: web/a, web/b, db/a.
struct world final : api_world {
    std::string token;

    world() {
        serve();
        token = let_in();
        register_instance("web", "a");
        register_instance("web", "b");
        register_instance("db", "a");
    }

    texts events(const std::string& query) {
        return numbers(ask("/v1/events" + query, token), R"("position":")");
    }
    texts activity(const std::string& query) {
        return numbers(ask("/v1/activity" + query, token), R"("position":)");
    }
    //! The answer of a call that waited, once something happened.
    std::string told(const api_client& waiting) {
        while (waiting.waits() && !testing::Test::HasFatalFailure()) {
            posted.run_one();
        }
        return waiting.take();
    }
};

TEST(list_events, honours_each_of_its_parameters) {
    world w;
    EXPECT_EQ(w.events(""), (texts{"1", "2", "3", "4"}));
    EXPECT_EQ(w.events("?from=3"), (texts{"3", "4"}));
    EXPECT_EQ(w.events("?limit=2"), (texts{"1", "2"}));
    EXPECT_EQ(w.events("?type=token_created"), (texts{"1"}));
    EXPECT_EQ(w.events("?type=token_created&type=instance_registered&from=3"), (texts{"3", "4"}));
    EXPECT_EQ(w.events("?stream=instance/web/"), (texts{"2", "3"}));
    EXPECT_EQ(w.events("?service=db"), (texts{"4"}));
    EXPECT_EQ(w.events("?tenant=north"), (texts{}));
    EXPECT_EQ(w.events("?after=4&from=4"), (texts{"4"}));
}

TEST(get_event, tells_the_event_at_its_position) {
    world w;
    const std::string answer = w.ask("/v1/events/3", w.token);
    EXPECT_EQ(numbers(answer, R"("position":")"), (texts{"3"}));
    const std::size_t at = answer.find("ETag: ") + 6;
    const std::string etag = answer.substr(at, answer.find('\r', at) - at);
    EXPECT_EQ(status_of(w.ask("/v1/events/3", w.token + "If-None-Match: " + etag + "\r\n")), "304");
    EXPECT_EQ(status_of(w.ask("/v1/events/5", w.token)), "404");
}

TEST(list_activity, honours_each_of_its_parameters) {
    world w;
    EXPECT_EQ(w.activity(""), (texts{"4", "3", "2", "1"}));
    EXPECT_EQ(w.activity("?stream=instance/web/"), (texts{"3", "2"}));
    EXPECT_EQ(w.activity("?service=db"), (texts{"4"}));
    EXPECT_EQ(w.activity("?actor=token/nobody"), (texts{}));
    EXPECT_EQ(w.activity("?limit=1"), (texts{"4"}));
    const std::string page = w.ask("/v1/activity?limit=3", w.token);
    const std::size_t at = page.find(R"("next":")") + 8;
    const std::string cursor = page.substr(at, page.find('"', at) - at);
    EXPECT_EQ(w.activity("?cursor=" + cursor), (texts{"1"}));
}

//! The path of a query. Where what is captured must exist or be of a kind, it is of the world above.
std::string path_of(const http::route& query) {
    std::string out(query.pattern);
    for (std::size_t at = out.find('{'); at != std::string::npos; at = out.find('{')) {
        const std::size_t end = out.find('}', at) + 1;
        const std::string_view capture = std::string_view(out).substr(at, end - at);
        const std::string_view value = capture == "{position}"  ? "2"
                                       : capture == "{service}" ? "web"
                                       : capture == "{view}"    ? "services"
                                       : capture == "{stream*}" ? "instance/web/a"
                                                                : "a";
        out.replace(at, end - at, value);
    }
    return out;
}

//! Whether the API's description says that a query takes `after`.
bool said_to_take_after(const json_document& description, const http::route& query) {
    std::string path(query.pattern);
    std::erase(path, '*');
    const json_value parameters = description.root().find("paths").find(path).find("get").find(
        "parameters");
    for (const json_member& one : parameters) {
        if (one.value.find("$ref").text() == "#/components/parameters/after") {
            return true;
        }
    }
    return false;
}

TEST(after, is_waited_for_by_every_query_that_is_said_to_take_it) {
    std::string text(http::openapi_json());
    json_document description;
    ASSERT_TRUE(description.parse(text).ok());
    std::size_t took_it = 0;
    for (const http::route& query : http::all_routes()) {
        if (query.kind != http::route_kind::query || query.verb != http::method::get) {
            continue;
        }
        const std::string path = path_of(query);
        world w;
        const api_client asked = w.send(path + "?after=5", w.token);
        w.slow.stop(); // what was asked of the log was answered
        w.posted.run_all();
        EXPECT_EQ(asked.waits(), said_to_take_after(description, query)) << path;
        if (asked.waits()) {
            ++took_it;
        } else {
            EXPECT_EQ(status_of(asked.take()), "422") << path << " does not take it";
        }
    }
    EXPECT_GT(took_it, 0U);
}

TEST(after, is_answered_from_what_happened_meanwhile) {
    for (const std::string path : {"/v1/events", "/v1/events/5", "/v1/activity"}) {
        world w;
        const api_client asked = w.send(path + "?after=5", w.token);
        w.register_instance("late", "a");
        const std::string answer = w.told(asked);
        EXPECT_EQ(status_of(answer), "200") << path;
        EXPECT_NE(answer.find("instance/late/a"), std::string::npos) << path << answer;
    }
}

TEST(after, is_not_waited_for_longer_than_ten_seconds) {
    for (const std::string path : {"/v1/events", "/v1/events/5", "/v1/activity", "/v1/services"}) {
        world w;
        const api_client asked = w.send(path + "?after=5", w.token);
        w.time.pass_ms(9'999);
        w.api.tick();
        EXPECT_TRUE(asked.waits()) << path;
        w.time.pass_ms(1);
        w.api.tick();
        EXPECT_EQ(status_of(asked.take()), "504") << path;
    }
}

TEST(after, of_another_history_is_refused) {
    for (const std::string path : {"/v1/events", "/v1/events/2", "/v1/activity", "/v1/services"}) {
        world w;
        EXPECT_EQ(status_of(w.ask(path + "?after=000000000000000b.2.00000000", w.token)), "410")
            << path;
        EXPECT_EQ(status_of(w.ask(path + "?after=soon", w.token)), "400") << path;
    }
}

TEST(after, tells_nothing_to_a_token_that_was_revoked_meanwhile) {
    for (const std::string path : {"/v1/events", "/v1/events/5", "/v1/activity", "/v1/services"}) {
        world w;
        const api_client asked = w.send(path + "?after=5", w.token);
        const std::string page = w.ask("/v1/tokens", w.token);
        identity::revoke_token what;
        const std::size_t at = page.find(R"("token":")") + 9;
        what.token = std::string_view(page).substr(at, 16);
        ASSERT_EQ(w.node.run(what, w.caller).kind, outcome_kind::appended);
        EXPECT_EQ(status_of(asked.take()), "401") << path;
    }
}

TEST(after, ends_when_the_server_does) {
    world w;
    const api_client asked = w.send("/v1/events?after=9", w.token);
    w.api.drain();
    EXPECT_EQ(status_of(asked.take()), "504");
}

} // namespace
} // namespace fasti::api

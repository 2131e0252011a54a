// SPDX-License-Identifier: Apache-2.0
//! Blocking queries through the whole API: whom a commit wakes, and how little that costs.
#include "tests/api/api_world.hpp"

#include <charconv>
#include <string>
#include <vector>

namespace fasti::api {
namespace {

struct world final : api_world {
    std::string token;

    world() {
        serve();
        token = let_in();
    }

    //! Waits for a change after the newest position.
    api_client wait(const std::string& path) {
        const char mark = path.find('?') == std::string::npos ? '?' : '&';
        api_client made = send(
            path + mark + "index=" + std::to_string(node->views().at()) + "&wait=30s", token);
        EXPECT_TRUE(made.waits()) << path;
        return made;
    }

    std::uint64_t metric(const std::string& name) {
        const std::string page = ask("/metrics", token);
        const std::size_t at = page.find("\n" + name + " ");
        EXPECT_NE(at, std::string::npos) << name << " is not in " << page;
        std::uint64_t value = 0;
        const char* const digits = page.data() + at + name.size() + 2;
        std::from_chars(digits, page.data() + page.size(), value);
        return value;
    }
    std::uint64_t evaluations() { return metric("fasti_blocking_query_evaluations_total"); }
};

bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

TEST(wait_for_a_list, costs_nothing_while_nothing_in_it_changes) {
    world w;
    w.register_instance("web", "a");
    const auto services = w.wait("/v1/services");
    const auto others = w.wait("/v1/services?prefix=db");
    const auto instances = w.wait("/v1/services/web/instances");
    EXPECT_EQ(w.metric("fasti_blocking_queries"), 3U);
    for (std::uint32_t weight = 2; weight < 12; ++weight) {
        w.register_instance("web", "a", weight); // no row of the list of services shows it
    }
    EXPECT_TRUE(services.waits());
    EXPECT_TRUE(others.waits());
    EXPECT_FALSE(instances.waits());
    EXPECT_EQ(w.evaluations(), 1U) << "only the list of instances had changed";
    EXPECT_EQ(w.metric("fasti_blocking_queries"), 2U);
}

TEST(wait_for_a_list, is_looked_at_when_a_service_that_it_may_show_changes) {
    world w;
    w.register_instance("web", "a");
    const auto all = w.wait("/v1/services");
    const auto some = w.wait("/v1/services?prefix=db");
    w.register_instance("web", "b");
    EXPECT_TRUE(has(all.take(), R"("instances":2)"));
    EXPECT_TRUE(some.waits());
    EXPECT_EQ(w.evaluations(), 1U);
    w.register_instance("db1", "a");
    EXPECT_TRUE(has(some.take(), R"("service":"db1")"));
    EXPECT_EQ(w.evaluations(), 2U);
}

TEST(wait_for_a_list, is_evaluated_once_for_all_who_ask_the_same) {
    world w;
    w.register_instance("web", "a");
    std::vector<api_client> clients;
    for (int i = 0; i < 20; ++i) {
        clients.push_back(w.wait("/v1/services"));
    }
    w.register_instance("web", "b");
    EXPECT_EQ(w.evaluations(), 1U);
    const std::string first = clients[0].take();
    EXPECT_TRUE(has(first, R"("instances":2)"));
    for (std::size_t i = 1; i < clients.size(); ++i) {
        EXPECT_EQ(clients[i].take(), first);
    }
}

TEST(wait_for_a_list, is_evaluated_for_each_who_asks_something_else) {
    world w;
    w.register_instance("app", "a");
    w.register_instance("web", "a");
    const auto all = w.wait("/v1/services");
    const auto some = w.wait("/v1/services?prefix=w");
    w.register_instance("web", "b");
    EXPECT_TRUE(has(all.take(), R"("service":"app")"));
    const std::string told = some.take();
    EXPECT_TRUE(has(told, R"("service":"web")"));
    EXPECT_FALSE(has(told, R"("service":"app")"));
    EXPECT_EQ(w.evaluations(), 2U);
}

TEST(wait_for_a_list, is_not_kept_for_others_when_it_is_very_long) {
    world w;
    const std::string kilobyte(1024, 'x');
    registry::register_instance what;
    what.service = "web";
    what.address = "10.0.0.1";
    what.port = 80;
    for (const char* name : {"a", "b", "c", "d", "e"}) {
        what.metadata.push_back({name, kilobyte});
    }
    for (int i = 0; i < 900; ++i) {
        const std::string name = "i" + std::to_string(i);
        what.instance = name;
        ASSERT_EQ(w.node.run(what, w.caller).kind, outcome_kind::appended);
    }
    std::vector<api_client> clients;
    for (int i = 0; i < 3; ++i) {
        clients.push_back(w.wait("/v1/services/web/instances?limit=1000"));
    }
    w.register_instance("web", "new");
    for (const api_client& one : clients) {
        EXPECT_TRUE(has(one.take(), R"("instance":"new")"));
    }
    EXPECT_EQ(w.evaluations(), 3U);
}

TEST(wait_for_a_list, does_not_begin_when_the_question_is_wrong) {
    world w;
    w.register_instance("web", "a");
    const auto asked = w.send("/v1/services/web/instances?cursor=!&wait=30s&index=" +
                              std::to_string(w.node->views().at()));
    EXPECT_TRUE(asked.take().starts_with("HTTP/1.1 4"));
}

TEST(wait_for_one, picks_for_each_client) {
    world w;
    w.register_instance("web", "a");
    const auto one = w.wait("/v1/discover/web?strategy=round_robin");
    const auto other = w.wait("/v1/discover/web?strategy=round_robin");
    w.register_instance("web", "b");
    EXPECT_EQ(w.evaluations(), 2U);
    const bool first_a = has(one.take(), R"("instance":"a")");
    EXPECT_NE(first_a, has(other.take(), R"("instance":"a")"));
}

TEST(wait_for_one, ends_when_it_comes_and_when_it_goes) {
    world w;
    w.register_instance("web", "a");
    const auto absent = w.wait("/v1/services/web/instances/b");
    const auto pick = w.wait("/v1/discover/web?strategy=random");
    w.register_instance("other", "x");
    EXPECT_EQ(w.evaluations(), 0U);
    w.register_instance("web", "b");
    EXPECT_TRUE(absent.take().starts_with("HTTP/1.1 200 "));
    EXPECT_TRUE(pick.take().starts_with("HTTP/1.1 200 "));
    const auto present = w.wait("/v1/services/web/instances/b");
    registry::deregister_instance gone;
    gone.service = "web";
    gone.instance = "b";
    EXPECT_EQ(w.node.run(gone, w.caller).kind, outcome_kind::appended);
    EXPECT_TRUE(present.take().starts_with("HTTP/1.1 404 "));
}

} // namespace
} // namespace fasti::api

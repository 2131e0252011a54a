// SPDX-License-Identifier: Apache-2.0
//! Views, snapshots, replay and verify over connections without sockets: a node driven by hand, real
//! workers, and what they post run by the test.
#include "adapters/api/past_folds.hpp"
#include "adapters/api/proof_routes.hpp"
#include "adapters/api/queries.gen.hpp"
#include "adapters/api/view_routes.hpp"
#include "tests/api/api_world.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace fasti::api {
namespace {

using testing::HasSubstr;
using testing::Not;

//! The routes of views and proofs alone, asked by one who may do everything.
struct world : api_world {
    past_folds past{context};
    std::unique_ptr<view_routes> views;
    std::unique_ptr<proof_routes> proving;

    world() {
        caller = std::make_shared<principal>(principal{"token/aa", "", {"admin:*"}});
        context.live = &*node;
        context.now = phase::serving;
        context.show_model = [this](auto told) {
            ++models_shown;
            told(node.model(), facts.head().last);
        };
        past.start(*node);
        views = std::make_unique<view_routes>(context, past);
        proving = std::make_unique<proof_routes>(context);
        for (int i = 0; i < 5; ++i) {
            put("web-" + std::to_string(i), 80);
        }
    }
    ~world() {
        past.drain();
        proving->stop();
        proofs.stop();
        folds.stop();
        slow.stop();
    }

    void put(const std::string& name, std::uint16_t port) {
        registry::register_instance what;
        what.service = "web";
        what.instance = name;
        what.address = "10.0.0.1";
        what.port = port;
        check(node.run(what, caller).kind == outcome_kind::appended, "a test can register");
    }

    struct client {
        std::unique_ptr<http::connection> line;
        std::string got;

        void read() {
            got += line->output();
            line->output().clear();
            line->resume();
        }
    };

    client send(const std::string& target, const std::string& method = "GET") {
        client made;
        made.line = std::make_unique<http::connection>(*this, setting, "127.0.0.1");
        const std::string request = method + " " + target + " HTTP/1.0\r\n\r\n";
        const http::connection::span room = made.line->room();
        std::memcpy(room.data, request.data(), request.size());
        made.line->received(request.size());
        made.read();
        return made;
    }

    //! The whole answer, with its head.
    std::string ask(const std::string& target, const std::string& method = "GET") {
        client made = send(target, method);
        while (!made.line->finished() && !testing::Test::HasFatalFailure()) {
            posted.run_one();
            made.read();
        }
        return made.got;
    }

    void handle(http::responder to) override {
        call asked{to, http::match(to.in().verb, to.in().path, path_room), caller};
        check(asked.at.status == http::route_status::found, "a test asks for declared routes");
        api::visit_query(asked.route().what, [&](auto which) {
            if constexpr (requires { views->handle(asked, which); }) {
                views->handle(asked, which);
            } else if constexpr (requires { proving->handle(asked, which); }) {
                proving->handle(asked, which);
            }
        });
    }

    std::atomic<int> models_shown = 0;
    std::string path_room;
};

//! The cursor in a body; empty when there is none.
std::string next_of(const std::string& body) {
    const std::string name = "\"next\":\"";
    const std::size_t at = body.find(name);
    if (at == std::string::npos) {
        return {};
    }
    return body.substr(at + name.size(), body.find('"', at + name.size()) - at - name.size());
}

TEST(proof_routes, tell_a_result_that_equals_when_nothing_is_wrong) {
    world w;
    const std::string got = w.ask("/v1/verify");
    EXPECT_THAT(got, HasSubstr("Content-Type: text/event-stream"));
    EXPECT_THAT(got, HasSubstr("event: progress\ndata: {\"step\":\"fold\""));
    EXPECT_THAT(got, HasSubstr("event: result\ndata: {\"events\":5,"));
    EXPECT_THAT(got, HasSubstr("\"findings\":0"));
    EXPECT_THAT(got, HasSubstr(R"({"part":"write_model","position":5,)"));
    EXPECT_THAT(got, Not(HasSubstr("\"equal\":false")));
}

TEST(proof_routes, name_what_is_wrong_with_a_live_view) {
    world w;
    auto& live = const_cast<view_set&>(w.node->views()); // the planted fault
    live.registry().on(registry::instance_updated{"web", "web-3", "10.0.0.1", 4711},
                       {live.recorded(), 2, 5, "token/aa"});
    const std::string got = w.ask("/v1/replay");
    EXPECT_THAT(got, HasSubstr("event: finding\ndata: {\"what\":\"registry as served differs"));
    EXPECT_THAT(got, HasSubstr("instances web/web-3: port is 4711, a fold gives 80"));
    EXPECT_THAT(got, HasSubstr(R"({"part":"registry","position":5,)"));
    EXPECT_THAT(got, HasSubstr("\"equal\":false"));
    EXPECT_THAT(w.ask("/v1/replay?view=tokens"), HasSubstr("\"findings\":0"));
}

TEST(proof_routes, put_rebuilt_views_in_the_place_of_wrong_ones) {
    world w;
    auto& live = const_cast<view_set&>(w.node->views()); // the planted fault
    live.registry().on(registry::instance_updated{"web", "web-3", "10.0.0.1", 4711},
                       {live.recorded(), 2, 5, "token/aa"});
    EXPECT_THAT(w.ask("/v1/replay"), HasSubstr("\"equal\":false"));
    const std::string got = w.ask("/v1/views/rebuild", "POST");
    EXPECT_THAT(got, HasSubstr("event: progress\ndata: {\"step\":\"rebuild\""));
    EXPECT_THAT(got, HasSubstr("event: result\ndata: {\"events\":5,"));
    EXPECT_THAT(w.ask("/v1/replay"), Not(HasSubstr("\"equal\":false")));
    w.put("web-5", 80); // the new views take part in what happens next
    EXPECT_THAT(w.ask("/v1/replay"), HasSubstr("\"findings\":0"));
}

TEST(proof_routes, find_a_wrong_write_model) {
    world w;
    registry::instance_deregistered lost{"web", "web-1"};
    std::string data;
    encode(lost, data);
    recorded_event event;
    event.at = 6;
    event.fact.stream = "instance/web/web-1";
    event.fact.stream_version = 2;
    event.fact.type = "instance_deregistered";
    event.fact.data = data;
    ASSERT_TRUE(w.node.model().fold(event));
    const std::string got = w.ask("/v1/verify");
    EXPECT_THAT(got, HasSubstr("write_model as served differs"));
    EXPECT_THAT(got, HasSubstr("\"findings\":1,"));
}

TEST(proof_routes, run_one_at_a_time) {
    world w;
    world::client first = w.send("/v1/verify");
    const std::string second = w.ask("/v1/replay");
    EXPECT_THAT(second, HasSubstr("503"));
    EXPECT_THAT(second, HasSubstr("Retry-After"));
    EXPECT_THAT(second, HasSubstr("proof_running"));
    while (!first.line->finished()) {
        w.posted.run_one();
        first.read();
    }
    EXPECT_THAT(first.got, HasSubstr("event: result"));
    EXPECT_THAT(w.ask("/v1/replay"), HasSubstr("event: result"));
}

TEST(proof_routes, end_when_the_client_goes_away) {
    world w;
    { const world::client gone = w.send("/v1/verify"); }
    // It waits for nobody's answer now; another one may follow as soon as it has ended.
    std::string got = w.ask("/v1/verify");
    while (got.find("proof_running") != std::string::npos) {
        w.posted.run_one();
        got = w.ask("/v1/verify");
    }
    EXPECT_THAT(got, HasSubstr("event: result"));
    EXPECT_EQ(w.models_shown, 1) << "the first one ended before it came to the write model";
}

TEST(proof_routes, tell_their_client_when_the_server_stops) {
    world w;
    world::client asked = w.send("/v1/verify");
    w.proving->stop();
    while (!asked.line->finished()) {
        w.posted.run_one();
        asked.read();
    }
    EXPECT_THAT(asked.got,
                HasSubstr("event: failure\ndata: {\"type\":\"/v1/reference#error-not_ready\""));
}

TEST(view_routes, list_views_and_what_stands_still) {
    world w;
    const std::string got = w.ask("/v1/views");
    EXPECT_THAT(got, HasSubstr(R"({"view":"instances","folded_in":"registry","position":5,)"));
    EXPECT_THAT(got, HasSubstr("\"rows\":5"));
    EXPECT_THAT(got, HasSubstr("\"parked\":[]"));
}

TEST(view_routes, show_all_pages_of_one_moment) {
    world w;
    const std::string first = w.ask("/v1/views/instances?limit=2");
    EXPECT_THAT(first, HasSubstr("web-0"));
    EXPECT_THAT(first, HasSubstr("web-1"));
    EXPECT_THAT(first, Not(HasSubstr("web-2")));
    w.put("web-9", 80); // comes between two pages
    std::string rest = w.ask("/v1/views/instances?limit=2&cursor=" + next_of(first));
    EXPECT_THAT(rest, HasSubstr("web-2"));
    rest = w.ask("/v1/views/instances?limit=2&cursor=" + next_of(rest));
    EXPECT_THAT(rest, HasSubstr("web-4"));
    EXPECT_THAT(rest, Not(HasSubstr("web-9")));
    EXPECT_EQ(next_of(rest), "");
}

TEST(view_routes, show_a_view_as_it_was) {
    world w;
    w.put("web-0", 81);
    const std::string was = w.ask("/v1/views/instances?at=2");
    EXPECT_THAT(was, HasSubstr("\"port\":80"));
    EXPECT_THAT(was, HasSubstr("web-1"));
    EXPECT_THAT(was, Not(HasSubstr("web-2")));
    EXPECT_THAT(w.ask("/v1/views/services?at=2"), HasSubstr("\"instances\":2"));
    EXPECT_THAT(w.ask("/v1/views/instances?at=99"), HasSubstr("position_unknown"));
    EXPECT_THAT(w.ask("/v1/views/instances?cursor=bm8"), HasSubstr("The cursor is not one"));
}

TEST(view_routes, show_what_differs_between_two_moments) {
    world w;
    w.put("web-0", 81);
    registry::deregister_instance gone;
    gone.service = "web";
    gone.instance = "web-1";
    ASSERT_EQ(w.node.run(gone, w.caller).kind, outcome_kind::appended);
    w.put("web-7", 80);
    const std::string target = "/v1/views/instances/difference?limit=2&from=5";
    const std::string first = w.ask(target);
    EXPECT_THAT(first, HasSubstr(R"({"key":"web/web-0","change":"changed","before":{)"));
    EXPECT_THAT(first, HasSubstr(R"({"key":"web/web-1","change":"removed","before":{)"));
    const std::string rest = w.ask(target + "&cursor=" + next_of(first));
    EXPECT_THAT(rest, HasSubstr(R"({"key":"web/web-7","change":"added","before":null,"after":{)"));
    EXPECT_EQ(next_of(rest), "");
    EXPECT_THAT(w.ask("/v1/views/tokens/difference?from=1&to=5"), HasSubstr("\"rows\":[]"));
}

TEST(view_routes, show_tokens_only_to_those_who_may_list_them) {
    world w;
    w.caller = std::make_shared<principal>(principal{"token/bb", "", {"events:read"}});
    EXPECT_THAT(w.ask("/v1/views/tokens"), HasSubstr("403"));
    EXPECT_THAT(w.ask("/v1/views/instances"), HasSubstr("200"));
}

TEST(view_routes, take_and_list_snapshots) {
    world w;
    EXPECT_THAT(w.ask("/v1/snapshots", "POST"), HasSubstr("takes no snapshots"));
    w.context.take_snapshot = [&](auto done) {
        done(keep_snapshot_beside({}, w.facts, w.snapshots, {}, {}));
    };
    EXPECT_THAT(w.ask("/v1/snapshots", "POST"), HasSubstr("\"position\":5,"));
    EXPECT_THAT(w.ask("/v1/snapshots"),
                HasSubstr("{\"snapshots\":[{\"name\":\"00000000000000000005-"));
}

//! A store of snapshots that answers when the test lets it: a past fold that takes long.
struct gated_snapshots final : snapshot_store {
    test::memory_snapshot_store inner;
    mutable std::mutex mutex;
    mutable std::condition_variable moved;
    mutable int entered = 0;
    int open = 0;

    void wait_entered(int count) const {
        std::unique_lock lock(mutex);
        ASSERT_TRUE(
            moved.wait_for(lock, std::chrono::seconds(20), [&] { return entered >= count; }));
    }
    void let_pass(int count) {
        const std::lock_guard lock(mutex);
        open += count;
        moved.notify_all();
    }
    result<void> write(std::string_view name, std::span<const std::string_view> pieces) override {
        return inner.write(name, pieces);
    }
    result<std::vector<stored_snapshot>> list() const override {
        std::unique_lock lock(mutex);
        const int own = ++entered;
        moved.notify_all();
        moved.wait(lock, [&] { return open >= own; });
        return inner.list();
    }
    result<std::string> read(std::string_view name) const override { return inner.read(name); }
    result<void> remove(std::string_view name) override { return inner.remove(name); }
};

struct gated_world : world {
    gated_snapshots gate;
    api_context gated{context.time, context.log,   context.metrics, gate,
                      context.slow, context.folds, context.proofs,  context.post};
    past_folds slow_past{gated};

    gated_world() {
        gated.live = &*node;
        gated.now = phase::serving;
        slow_past.start(*node);
        views = std::make_unique<view_routes>(gated, slow_past);
    }
    ~gated_world() {
        slow_past.drain();
        gate.let_pass(1'000);
        folds.stop();
    }
    void finish(client& one) {
        while (!one.line->finished() && !testing::Test::HasFatalFailure()) {
            posted.run_one();
            one.read();
        }
    }
};

TEST(past_folds, tell_their_clients_when_the_server_stops) {
    gated_world w;
    world::client runs = w.send("/v1/views/instances?at=2");
    w.gate.wait_entered(1);
    world::client waits = w.send("/v1/views/instances?at=3");
    w.gated.now = phase::draining;
    w.slow_past.drain();
    w.gate.let_pass(1); // the second one never looks for snapshots
    w.finish(runs);
    w.finish(waits);
    for (const world::client* one : {&runs, &waits}) {
        EXPECT_THAT(one->got, HasSubstr("HTTP/1.1 503"));
        EXPECT_THAT(one->got, HasSubstr("Retry-After: 1"));
        EXPECT_THAT(one->got, HasSubstr("The server is shutting down."));
    }
    EXPECT_THAT(w.ask("/v1/views/instances?at=2"), HasSubstr("The server is shutting down."));
}

TEST(past_folds, end_when_the_client_goes_away) {
    gated_world w;
    world::client leaves = w.send("/v1/views/instances?at=2");
    world::client stays = w.send("/v1/views/instances?at=3");
    w.gate.wait_entered(1);
    leaves.line.reset();
    w.gate.let_pass(2);
    w.finish(stays);
    EXPECT_THAT(stays.got, HasSubstr("HTTP/1.1 200"));
    EXPECT_EQ(w.pool.in_use(), 0U) << "the one who left is let go of too";
    EXPECT_THAT(w.ask("/v1/views/instances?at=3"), HasSubstr("200"));
    EXPECT_EQ(w.gate.entered, 2) << "remembered";
    w.gate.let_pass(1);
    EXPECT_THAT(w.ask("/v1/views/instances?at=2"), HasSubstr("200"));
    EXPECT_EQ(w.gate.entered, 3) << "what nobody waited for was not folded to its end";
}

TEST(past_folds, refuse_at_once_when_too_many_wait) {
    gated_world w;
    world::client runs = w.send("/v1/views/instances?at=2");
    w.gate.wait_entered(1);
    world::client first = w.send("/v1/views/instances?at=3");
    world::client second = w.send("/v1/views/instances?at=3");
    const world::client refused = w.send("/v1/views/instances?at=3");
    EXPECT_THAT(refused.got, HasSubstr("HTTP/1.1 503"));
    EXPECT_THAT(refused.got, HasSubstr("Retry-After: 1"));
    EXPECT_THAT(refused.got, HasSubstr("More questions about the past"));
    w.gate.let_pass(2);
    w.finish(runs);
    w.finish(first);
    w.finish(second);
    EXPECT_THAT(second.got, HasSubstr("HTTP/1.1 200"));
}

TEST(past_folds, keep_no_short_turn_waiting) {
    gated_world w;
    world::client folds = w.send("/v1/views/instances?at=2");
    w.gate.wait_entered(1);
    std::atomic<bool> fed = false;
    ASSERT_TRUE(w.gated.run_slow(slow_lane::followers, [&] {
        fed = true;
        w.posted.post([] {});
    }));
    w.posted.run_one();
    EXPECT_TRUE(fed);
    EXPECT_EQ(folds.got, "");
    w.gate.let_pass(1);
    w.finish(folds);
}

} // namespace
} // namespace fasti::api

// SPDX-License-Identifier: Apache-2.0
//! Followers of the log over connections without sockets, and the bounded reads that feed them.
#include "adapters/api/chained_read.hpp"
#include "adapters/api/followers.hpp"
#include "adapters/http/connection.hpp"
#include "eventstore/memory/memory_ledger.hpp"
#include "eventstore/port/token.hpp"
#include "tests/sim/hand_driven_node.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace fasti::api {
namespace {

//! A node, followers of it, and one connection without socket for each client.
struct world final : http::connection_host {
    fake_clock time;
    fake_ids ids;
    memory_ledger facts{id128{}, 7};
    std::shared_ptr<const principal> caller = std::make_shared<principal>(
        principal{"token/aa", "", {"registry:write"}});
    hand_driven_node node{facts, time, ids, {}};
    std::deque<std::function<void()>> slow_work;
    bool slow_full = false;
    bool valid = true;
    std::vector<std::string> troubles;
    std::unique_ptr<event_followers> followers;

    explicit world(std::size_t bytes_max = 256 * 1024) { begin(bytes_max); }
    ~world() { node->remove_observer(*followers); }

    void begin(std::size_t bytes_max) {
        follower_setting how;
        how.bytes_max = bytes_max;
        how.slow = [this](std::function<void()> work) {
            if (slow_full) {
                return false;
            }
            slow_work.push_back(std::move(work));
            return true;
        };
        how.post = [](const std::function<void()>& work) { work(); };
        how.permitted = [this](std::string_view) { return valid; };
        how.trouble = [this](const error& why) { troubles.push_back(why.message); };
        const ledger_head head = facts.head();
        followers = std::make_unique<event_followers>(
            facts, chain_place{head.last + 1, head.last_hash}, std::move(how));
        node->add_observer(*followers);
    }

    //! One piece of what the worker would do, and its answer.
    bool work_once() {
        if (slow_work.empty()) {
            return false;
        }
        const std::function<void()> work = std::move(slow_work.front());
        slow_work.pop_front();
        work();
        return true;
    }

    void register_instances(int count) {
        for (int i = 0; i < count; ++i) {
            const std::string name = "i" + std::to_string(++registered);
            registry::register_instance what;
            what.service = registered % 2 == 0 ? "even" : "odd";
            what.instance = name;
            what.address = "10.0.0.1";
            what.port = 80;
            check(node.run(what, caller).kind == outcome_kind::appended, "a test can register");
        }
    }

    struct client {
        std::unique_ptr<http::connection> line;
        http::stream body;
        std::string got;
    };

    //! Opens a stream; nothing was read of it yet.
    client connect(const chain_place& from, event_filter filter = {}) {
        client made;
        made.line = std::make_unique<http::connection>(*this, setting, "127.0.0.1");
        const std::string request = "GET / HTTP/1.0\r\n\r\n"; // so that frames come as they are
        const http::connection::span room = made.line->room();
        std::memcpy(room.data, request.data(), request.size());
        made.line->received(request.size());
        made.body = opened;
        followers->add(opened, std::move(filter), from, "token/aa");
        return made;
    }
    client connect(event_filter filter = {}) {
        return connect(followers->head(), std::move(filter));
    }
    client connect_at(position next, event_filter filter = {}) {
        return connect(place_before(facts, next).value(), std::move(filter));
    }

    //! The client takes everything there is. False when there was nothing.
    static bool read(client& from) {
        const bool some = !from.line->output().empty();
        from.got += from.line->output();
        from.line->output().clear();
        from.line->resume();
        return some || !from.line->output().empty();
    }
    //! Until the client is told no more and the worker has nothing to do.
    void settle(client& one) {
        while (work_once() || read(one)) {}
    }

    void handle(http::responder to) override { opened = to.start_stream(); }
    void wake(http::connection&) override {}
    const http::head_parts& heads() const override { return prepared; }
    http::exchange_pool& exchanges() override { return pool; }
    bool draining() const override { return false; }

    int registered = 0;
    http::exchange_pool pool;
    http::head_parts prepared;
    std::shared_ptr<const http::connection_setting> setting =
        std::make_shared<http::connection_setting>();
    http::stream opened;
};

//! The positions of a client's frames, in order of arrival.
std::vector<position> positions(const std::string& got) {
    std::vector<position> out;
    constexpr std::string_view name = "\"position\":\"";
    for (std::size_t at = got.find(name); at != std::string::npos; at = got.find(name, at + 1)) {
        out.push_back(std::stoull(got.substr(at + name.size())));
    }
    return out;
}

std::vector<position> run_of(position first, position last) {
    std::vector<position> out;
    for (position each = first; each <= last; ++each) {
        out.push_back(each);
    }
    return out;
}

std::string last_id(const std::string& got) {
    const std::size_t at = got.rfind("\nid: ");
    return got.substr(at + 5, got.find('\n', at + 1) - at - 5);
}

TEST(followers, are_told_of_each_event_once_and_in_order) {
    world w;
    w.register_instances(2);
    auto client = w.connect();
    w.register_instances(3);
    world::read(client);
    EXPECT_EQ(positions(client.got), run_of(3, 5));
    EXPECT_NE(client.got.find("retry: 1000\nid: "), std::string::npos);
    EXPECT_NE(client.got.find("\nevent: instance_registered\ndata: {"), std::string::npos);
    EXPECT_TRUE(w.slow_work.empty()) << "who stands at the head needs no reading of the log";
}

TEST(followers, are_given_tokens_of_this_history_and_the_whole_chain) {
    world w;
    auto client = w.connect();
    w.register_instances(2);
    world::read(client);
    const auto token = read_token(last_id(client.got));
    ASSERT_TRUE(token.ok());
    EXPECT_EQ(token.value().at, 2U);
    EXPECT_TRUE(verify_token(token.value(), w.facts).ok());
    EXPECT_NE(client.got.find(to_hex(w.facts.hash_at(1).value().as_bytes())), std::string::npos);
    EXPECT_NE(client.got.find(to_hex(w.facts.hash_at(2).value().as_bytes())), std::string::npos);
}

TEST(followers, begin_in_the_past_and_go_over_to_live_without_gap_or_double) {
    world w;
    w.register_instances(20);
    auto client = w.connect_at(5);
    w.register_instances(5); // while the first piece is being read
    (void)w.work_once();
    w.register_instances(5);
    w.settle(client);
    w.register_instances(5);
    world::read(client);
    EXPECT_EQ(positions(client.got), run_of(5, 35));
}

TEST(followers, resume_behind_their_last_event_after_a_restart) {
    world w;
    auto before = w.connect();
    w.register_instances(7);
    world::read(before);
    const auto token = read_token(last_id(before.got));
    w.node->remove_observer(*w.followers);
    w.followers->drain();
    w.register_instances(3);
    w.begin(256 * 1024);
    auto after = w.connect_at(token.value().at + 1);
    w.settle(after);
    w.register_instances(2);
    world::read(after);
    EXPECT_EQ(positions(after.got), run_of(8, 12));
}

TEST(followers, know_where_they_began_before_the_first_event) {
    world w;
    auto empty = w.connect();
    world::read(empty);
    EXPECT_EQ(last_id(empty.got), "0000000000000007.0.00000000");
    w.register_instances(4);
    auto later = w.connect();
    world::read(later);
    EXPECT_EQ(read_token(last_id(later.got)).value().at, 4U);
}

TEST(followers, see_only_what_their_filter_lets_through) {
    world w;
    event_filter even;
    even.streams_under = {"service/even", "instance/even"};
    event_filter none;
    none.types = {"instance_expired"};
    auto all = w.connect();
    auto some = w.connect(even);
    auto nothing = w.connect(none);
    w.register_instances(6);
    world::read(all);
    world::read(some);
    world::read(nothing);
    EXPECT_EQ(positions(all.got), run_of(1, 6));
    EXPECT_EQ(positions(some.got), (std::vector<position>{2, 4, 6}));
    EXPECT_TRUE(positions(nothing.got).empty());
    auto past = w.connect_at(1, even);
    w.settle(past);
    EXPECT_EQ(past.got.substr(past.got.find("retry")), some.got.substr(some.got.find("retry")))
        << "live or from the log, a frame is the same";
}

TEST(followers, of_streams_that_lie_in_each_other_are_told_once) {
    world w;
    event_filter both;
    both.streams_under = {"instance/even", "instance/even/i2", "instance/od"};
    event_filter one;
    one.streams_under = {"instance/even/i4"};
    auto wide = w.connect(both);
    auto narrow = w.connect(one);
    w.register_instances(4);
    world::read(wide);
    world::read(narrow);
    EXPECT_EQ(positions(wide.got), (std::vector<position>{2, 4}));
    EXPECT_EQ(positions(narrow.got), (std::vector<position>{4}));
}

TEST(followers, of_a_stream_leave_those_of_other_filters_alone) {
    world w;
    event_filter even;
    even.streams_under = {"instance/even"};
    event_filter even_too = even;
    even_too.types = {"instance_registered"};
    auto leaving = w.connect(even);
    auto staying = w.connect(even_too);
    w.register_instances(2);
    leaving.line.reset();
    w.register_instances(2);
    world::read(staying);
    EXPECT_EQ(positions(staying.got), (std::vector<position>{2, 4}));
    EXPECT_EQ(w.followers->count(), 1U);
}

TEST(followers, that_read_slowly_fall_back_to_the_log_and_miss_nothing) {
    constexpr std::size_t bytes_max = 20'000;
    world w(bytes_max);
    auto slow = w.connect();
    auto quick = w.connect();
    std::size_t most = 0;
    for (int i = 0; i < 300; ++i) {
        w.register_instances(1);
        world::read(quick);
        most = std::max(most, slow.body.buffered());
    }
    EXPECT_EQ(w.followers->counters().fallbacks, 1U);
    EXPECT_GT(most, bytes_max);
    EXPECT_LT(most, bytes_max + 1'000) << "one piece above the bound at the most";
    EXPECT_TRUE(w.slow_work.empty()) << "it is fed when it has read, not before";
    EXPECT_EQ(positions(quick.got), run_of(1, 300));
    for (int i = 0; i < 50; ++i) {
        world::read(slow);
        (void)w.work_once();
        w.register_instances(1);
        EXPECT_LT(slow.body.buffered(), 128U * 1024U + 20'000U);
    }
    w.settle(slow);
    w.register_instances(2);
    world::read(slow);
    EXPECT_EQ(positions(slow.got), run_of(1, 352));
}

TEST(followers, that_wait_for_the_same_piece_share_one_reading) {
    world w(10'000);
    std::vector<world::client> clients;
    for (int i = 0; i < 10; ++i) {
        clients.push_back(w.connect());
    }
    w.register_instances(100);
    EXPECT_EQ(w.followers->counters().fallbacks, 10U);
    w.slow_full = true; // so that all of them wait
    for (auto& each : clients) {
        world::read(each);
    }
    w.slow_full = false;
    w.followers->tick();
    EXPECT_EQ(w.slow_work.size(), 1U);
    for (auto& each : clients) {
        w.settle(each);
    }
    for (auto& each : clients) {
        w.settle(each);
        EXPECT_EQ(positions(each.got), run_of(1, 100));
    }
}

TEST(followers, get_a_batch_larger_than_their_bound_in_pieces) {
    world w(30'000);
    auto client = w.connect();
    for (int i = 0; i < 500; ++i) {
        auto request = std::make_unique<command_request>();
        request->caller = w.caller;
        registry::register_instance what;
        what.service = "web";
        what.instance = request->texts.keep("n" + std::to_string(i));
        what.address = "10.0.0.1";
        what.port = 80;
        request->items.push_back({.what = what});
        ASSERT_TRUE(w.node->submit(request));
    }
    (void)w.node.pump();
    ASSERT_EQ(w.facts.head().last, 500U);
    EXPECT_LT(client.body.buffered(), 30'000U + 132'000U);
    w.settle(client);
    EXPECT_EQ(positions(client.got), run_of(1, 500));
}

TEST(followers, that_leave_are_forgotten_at_once) {
    world w;
    {
        auto gone = w.connect();
        EXPECT_EQ(w.followers->count(), 1U);
    }
    EXPECT_EQ(w.followers->count(), 0U);
    w.register_instances(1);
    {
        auto reading = w.connect_at(1); // its piece is on the way when it leaves
    }
    EXPECT_TRUE(w.work_once());
    EXPECT_EQ(w.followers->count(), 0U);
}

TEST(followers, hear_something_when_nothing_happens) {
    world w;
    event_filter none;
    none.types = {"instance_expired"};
    auto client = w.connect(none);
    w.register_instances(3);
    for (int i = 0; i < 14; ++i) {
        w.followers->tick();
    }
    world::read(client);
    EXPECT_EQ(client.got.find(": keep-alive"), std::string::npos);
    for (int i = 0; i < 15; ++i) {
        w.followers->tick();
    }
    world::read(client);
    EXPECT_NE(client.got.find(": keep-alive\nid: "), std::string::npos);
    EXPECT_EQ(read_token(last_id(client.got)).value().at, 3U) << "it may resume from here";
}

TEST(followers, end_when_their_token_ends) {
    world w;
    auto client = w.connect();
    w.valid = false;
    w.followers->tick();
    EXPECT_EQ(w.followers->count(), 0U);
    EXPECT_FALSE(client.body.open());
}

TEST(followers, are_told_nothing_that_happened_after_their_token_ended) {
    world w;
    w.register_instances(2);
    auto live = w.connect();
    auto behind = w.connect_at(1); // its piece of the log is being read
    w.valid = false;
    w.register_instances(1);
    w.settle(live);
    w.settle(behind);
    EXPECT_TRUE(positions(live.got).empty());
    EXPECT_TRUE(positions(behind.got).empty());
    EXPECT_EQ(w.followers->count(), 0U);
}

TEST(followers, whose_token_ends_while_the_log_is_read_for_them_get_nothing_of_it) {
    world w;
    w.register_instances(2);
    auto behind = w.connect_at(1);
    w.valid = false;
    w.settle(behind);
    EXPECT_TRUE(positions(behind.got).empty());
    EXPECT_EQ(w.followers->count(), 0U);
}

TEST(followers, end_with_a_last_comment_when_the_server_stops) {
    world w;
    auto client = w.connect();
    w.followers->drain();
    world::read(client);
    EXPECT_NE(client.got.find(": the server stops"), std::string::npos);
    EXPECT_FALSE(client.body.open());
    EXPECT_EQ(w.followers->count(), 0U);
    EXPECT_EQ(w.pool.in_use(), 0U);
}

TEST(chained_read, gives_the_same_chain_wherever_it_begins) {
    world w;
    w.register_instances(10);
    event_filter even;
    even.streams_under = {"instance/even"};
    std::vector<position> seen;
    const auto end = read_chained(w.facts, place_before(w.facts, 3).value(), {.to = 9}, even,
                                  [&](const recorded_event& event, const hash256& chain) {
                                      seen.push_back(event.at);
                                      EXPECT_EQ(chain, w.facts.hash_at(event.at).value());
                                      return read_more::go_on;
                                  });
    ASSERT_TRUE(end.ok());
    EXPECT_EQ(seen, (std::vector<position>{4, 6, 8}));
    EXPECT_EQ(end.value().next, 10U);
    EXPECT_EQ(end.value().before, w.facts.hash_at(9).value());
}

TEST(chained_read, stops_at_its_bounds_and_goes_on_from_there) {
    world w;
    w.register_instances(10);
    event_filter none;
    none.types = {"instance_expired"};
    const auto visit = [](const recorded_event&, const hash256&) { return read_more::go_on; };
    const auto end = read_chained(w.facts, place_before(w.facts, 1).value(),
                                  {.to = 10, .scanned_max = 4}, none, visit);
    EXPECT_EQ(end.value().next, 5U);
    const auto bytes = read_chained(w.facts, place_before(w.facts, 1).value(),
                                    {.to = 10, .scanned_bytes_max = 1}, none, visit);
    EXPECT_EQ(bytes.value().next, 2U);
    const auto over = read_chained(w.facts, place_before(w.facts, 11).value(), {.to = 10}, none,
                                   visit);
    EXPECT_EQ(over.value().next, 11U);
}

} // namespace
} // namespace fasti::api

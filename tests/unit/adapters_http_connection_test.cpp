// SPDX-License-Identifier: Apache-2.0
#include "adapters/http/connection.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <string>
#include <vector>

namespace fasti::http {
namespace {

//! A server without sockets: keeps the responders of paths that begin with /later or /stream, and
//! answers all others at once with their path.
struct table : connection_host {
    explicit table(std::size_t pipelined_max = 64) {
        connection_setting made;
        made.limits.pipelined_max = pipelined_max;
        made.limits.output_bytes_max = 8192;
        made.hosts = {"localhost"};
        setting = std::make_shared<connection_setting>(made);
        client = std::make_unique<connection>(*this, setting, "127.0.0.1");
    }

    void handle(responder to) override {
        const std::string path(to.in().path);
        seen.push_back(path);
        if (path.starts_with("/later")) {
            to.on_cancel([this, path] { cancelled.push_back(path); });
            kept[path] = to;
        } else if (path.starts_with("/stream")) {
            kept[path] = to;
            streams[path] = to.start_stream();
            streams[path].on_close([this, path] { cancelled.push_back(path); });
        } else if (path == "/slow_command") {
            kept[path] = to;
        } else {
            to.out().body = path;
            to.send();
        }
    }
    void wake(connection&) override { ++wakes; }
    const head_parts& heads() const override { return prepared; }
    exchange_pool& exchanges() override { return pool; }
    bool draining() const override { return ending; }

    void send(const std::string& bytes) {
        std::size_t at = 0;
        while (at < bytes.size()) {
            const connection::span room = client->room();
            const std::size_t size = std::min(room.size, bytes.size() - at);
            std::memcpy(room.data, bytes.data() + at, size);
            at += size;
            client->received(size);
        }
    }
    void get(const std::string& path, const std::string& headers = "") {
        send("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n");
    }
    //! What the client got since the last call, bodies only (heads end with an empty line).
    std::string got() { return std::exchange(client->output(), {}); }
    void answer(const std::string& path) {
        kept.at(path).out().body = path;
        kept.at(path).send();
    }

    exchange_pool pool;
    head_parts prepared;
    std::shared_ptr<const connection_setting> setting;
    std::map<std::string, responder> kept;
    std::map<std::string, stream> streams;
    std::vector<std::string> seen;
    std::vector<std::string> cancelled;
    int wakes = 0;
    bool ending = false;
    std::unique_ptr<connection> client;
};

std::size_t count(const std::string& text, std::string_view part) {
    std::size_t found = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
        ++found;
    }
    return found;
}

TEST(connection, answers_pipelined_requests_in_one_piece_and_in_order) {
    table t;
    std::string all;
    for (int i = 0; i < 16; ++i) {
        all += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
    }
    t.send(all);
    const std::string got = t.got();
    EXPECT_EQ(count(got, "HTTP/1.1 200 OK"), 16U);
    EXPECT_LT(got.find("\r\n\r\n/3HTTP"), got.find("\r\n\r\n/11HTTP"));
    EXPECT_EQ(t.wakes, 0) << "what is answered inside received() needs no wake-up";
    EXPECT_EQ(t.pool.in_use(), 0U);
}

TEST(connection, dispatches_later_requests_while_earlier_ones_wait_and_keeps_the_order) {
    table t;
    t.get("/later1");
    t.get("/2");
    t.get("/later3");
    EXPECT_EQ(t.seen.size(), 3U);
    EXPECT_EQ(t.got(), "");
    t.answer("/later3");
    EXPECT_EQ(t.got(), "");
    t.answer("/later1");
    const std::string got = t.got();
    EXPECT_LT(got.find("\r\n\r\n/later1HTTP"), got.find("\r\n\r\n/2HTTP"));
    EXPECT_TRUE(got.ends_with("/later3"));
    EXPECT_GT(t.wakes, 0);
    EXPECT_EQ(t.pool.in_use(), 0U);
}

TEST(connection, stops_reading_requests_when_too_many_wait) {
    table t(2);
    t.get("/later1");
    t.get("/later2");
    t.get("/later3");
    EXPECT_EQ(t.seen.size(), 2U);
    t.answer("/later1");
    t.client->resume();
    EXPECT_EQ(t.seen.size(), 3U);
}

TEST(connection, stops_reading_requests_when_the_client_does_not_read) {
    table t;
    t.get("/" + std::string(10'000, 'x'));
    EXPECT_FALSE(t.client->wants_input());
    t.get("/2");
    EXPECT_EQ(t.seen.size(), 1U);
    t.got();
    t.client->resume();
    EXPECT_EQ(t.seen.size(), 2U);
}

TEST(connection, keeps_a_request_until_its_handler_sends_although_the_client_left) {
    table t;
    t.get("/later1");
    const responder held = t.kept.at("/later1");
    t.client.reset();
    EXPECT_EQ(t.cancelled, std::vector<std::string>{"/later1"});
    EXPECT_TRUE(held.client_gone());
    EXPECT_EQ(held.in().path, "/later1");
    held.send();
    held.send();
    EXPECT_FALSE(held.open());
    EXPECT_EQ(t.pool.in_use(), 0U);
}

TEST(connection, forgets_a_handle_that_was_used) {
    table t;
    t.get("/later1");
    const responder held = t.kept.at("/later1");
    EXPECT_TRUE(held.open());
    t.answer("/later1");
    EXPECT_FALSE(held.open());
    t.get("/later1"); // takes the same memory
    EXPECT_FALSE(held.open());
    held.send();
    EXPECT_TRUE(t.kept.at("/later1").open());
}

TEST(connection, takes_an_end_of_input_as_leaving_only_from_who_waits_long) {
    table t;
    t.get("/slow_command");
    t.client->input_ended();
    EXPECT_FALSE(t.client->finished());
    t.answer("/slow_command");
    EXPECT_TRUE(t.got().ends_with("/slow_command"));
    EXPECT_TRUE(t.client->finished());

    table other;
    other.get("/later1");
    other.client->input_ended();
    EXPECT_EQ(other.cancelled.size(), 1U);
    EXPECT_TRUE(other.client->finished());
}

TEST(connection, closes_after_an_answer_when_asked_to) {
    table t;
    t.get("/1", "Connection: close\r\n");
    t.get("/2");
    const std::string got = t.got();
    EXPECT_EQ(count(got, "HTTP/1.1"), 1U);
    EXPECT_NE(got.find("Connection: close\r\n"), std::string::npos);
    EXPECT_TRUE(t.client->finished());
}

TEST(connection, answers_bad_input_after_what_is_due_and_ends) {
    table t;
    t.get("/later1");
    t.send("nonsense\r\n\r\n");
    EXPECT_EQ(t.got(), "");
    t.answer("/later1");
    const std::string got = t.got();
    EXPECT_LT(got.find("HTTP/1.1 200"), got.find("HTTP/1.1 400 Bad Request"));
    EXPECT_NE(got.find("application/problem+json"), std::string::npos);
    EXPECT_TRUE(t.client->finished());
    EXPECT_TRUE(t.client->lingers());
}

TEST(connection, refuses_foreign_hosts_and_tokens_in_urls_before_the_handler) {
    table t;
    t.send("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n");
    EXPECT_NE(t.got().find("HTTP/1.1 421 Misdirected Request"), std::string::npos);
    t.get("/x?access_token=s3cret");
    const std::string got = t.got();
    EXPECT_NE(got.find("token_in_url"), std::string::npos);
    EXPECT_EQ(got.find("s3cret"), std::string::npos);
    EXPECT_TRUE(t.seen.empty());
    t.send("OPTIONS * HTTP/1.1\r\nHost: LOCALHOST:99\r\n\r\n");
    EXPECT_NE(t.got().find("Allow: GET, HEAD"), std::string::npos);
}

TEST(connection, says_continue_once_and_only_when_its_turn_comes) {
    table t;
    t.get("/later1");
    t.send(
        "POST /2 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    EXPECT_EQ(t.got(), "");
    t.answer("/later1");
    EXPECT_TRUE(t.got().ends_with("/later1HTTP/1.1 100 Continue\r\n\r\n"));
    t.send("ab");
    EXPECT_TRUE(t.got().ends_with("/2"));
}

TEST(connection, sends_a_stream_in_chunks_and_the_next_answer_behind_its_end) {
    table t;
    t.get("/stream");
    t.get("/2");
    t.streams.at("/stream").write("hello");
    std::string got = t.got();
    EXPECT_NE(got.find("Transfer-Encoding: chunked\r\n"), std::string::npos);
    EXPECT_TRUE(got.ends_with("5\r\nhello\r\n"));
    t.streams.at("/stream").finish();
    got = t.got();
    EXPECT_TRUE(got.starts_with("0\r\n\r\nHTTP/1.1 200 OK"));
    EXPECT_TRUE(got.ends_with("/2"));
    EXPECT_FALSE(t.streams.at("/stream").write("more"));
    EXPECT_TRUE(t.cancelled.empty());
}

TEST(connection, holds_back_a_stream_until_earlier_answers_are_sent) {
    table t;
    t.get("/later1");
    t.get("/stream");
    t.streams.at("/stream").write("x");
    EXPECT_EQ(t.got(), "");
    EXPECT_GT(t.streams.at("/stream").buffered(), 0U);
    t.answer("/later1");
    const std::string got = t.got();
    EXPECT_LT(got.find("/later1"), got.find("chunked"));
    EXPECT_TRUE(got.ends_with("1\r\nx\r\n"));
}

TEST(connection, ends_a_stream_for_an_old_client_by_closing) {
    table t;
    t.send("GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    t.streams.at("/stream").write("x");
    t.streams.at("/stream").finish();
    const std::string got = t.got();
    EXPECT_EQ(got.find("chunked"), std::string::npos);
    EXPECT_NE(got.find("Connection: close"), std::string::npos);
    EXPECT_TRUE(got.ends_with("\r\n\r\nx"));
    EXPECT_TRUE(t.client->finished());
}

TEST(connection, tells_a_stream_that_the_client_left_and_when_there_is_room_again) {
    table t;
    t.get("/stream");
    int drained = 0;
    const stream open = t.streams.at("/stream");
    open.write(std::string(1000, 'x'));
    open.on_drain(10, [&] { ++drained; });
    t.client->resume();
    EXPECT_EQ(drained, 0);
    t.got();
    t.client->resume();
    t.client->resume();
    EXPECT_EQ(drained, 1);
    t.client.reset();
    EXPECT_EQ(t.cancelled, std::vector<std::string>{"/stream"});
    EXPECT_FALSE(open.write("x"));
    EXPECT_EQ(t.pool.in_use(), 0U);
}

TEST(connection, lends_a_text_of_many_streams_while_nothing_is_due_before_it) {
    table t;
    t.get("/stream");
    t.got();
    const auto text = std::make_shared<const std::string>(5000, 'x');
    const stream open = t.streams.at("/stream");
    open.share(text);
    EXPECT_EQ(open.buffered(), 5000U);
    EXPECT_GT(t.wakes, 0);
    const connection::loan lent = t.client->take_loan();
    EXPECT_EQ(lent.text, text);
    EXPECT_TRUE(lent.chunked);
    EXPECT_EQ(open.buffered(), 0U);
    EXPECT_EQ(t.got(), "");
    t.client->set_unsent(10); // the rest of it
    open.share(text);
    EXPECT_EQ(t.client->take_loan().text, nullptr);
    EXPECT_EQ(t.got(), "1388\r\n" + *text + "\r\n");
}

TEST(connection, sends_what_was_lent_before_what_was_written_after_it) {
    table t;
    t.get("/stream");
    t.got();
    const auto text = std::make_shared<const std::string>(5000, 'x');
    const stream open = t.streams.at("/stream");
    open.share(text);
    open.share(text);
    open.write("y");
    open.share(text);
    open.finish();
    const std::string once = "1388\r\n" + *text + "\r\n";
    EXPECT_EQ(t.got(), once + once + "1\r\ny\r\n" + once + "0\r\n\r\n");
    EXPECT_EQ(text.use_count(), 1);
}

TEST(connection, answers_head_without_body_and_without_stream) {
    table t;
    t.send(
        "HEAD /abc HTTP/1.1\r\nHost: localhost\r\n\r\nHEAD /stream HTTP/1.1\r\nHost: localhost\r\n\r\n");
    const std::string got = t.got();
    EXPECT_NE(got.find("Content-Length: 4\r\n"), std::string::npos);
    EXPECT_EQ(count(got, "HTTP/1.1 200"), 2U);
    EXPECT_TRUE(got.ends_with("\r\n\r\n"));
    EXPECT_FALSE(t.streams.at("/stream").open());
}

TEST(connection, drains_by_ending_streams_and_closing_after_open_requests) {
    table t;
    t.get("/slow_command");
    t.get("/stream");
    t.ending = true;
    t.client->drain();
    EXPECT_EQ(t.cancelled, std::vector<std::string>{"/stream"});
    EXPECT_FALSE(t.client->finished());
    t.answer("/slow_command");
    EXPECT_NE(t.got().find("Connection: close"), std::string::npos);
    EXPECT_TRUE(t.client->finished());

    table idle;
    idle.client->drain();
    EXPECT_TRUE(idle.client->finished());
}

TEST(connection, shows_what_it_waits_for) {
    table t;
    EXPECT_EQ(t.client->phase(), connection_phase::idle);
    t.send("POST /slow_command HTTP/1.1\r\n");
    EXPECT_EQ(t.client->phase(), connection_phase::reading_head);
    t.send("Host: localhost\r\nContent-Length: 2\r\n\r\n");
    EXPECT_EQ(t.client->phase(), connection_phase::reading_body);
    t.send("ab");
    EXPECT_EQ(t.client->phase(), connection_phase::busy);
    t.answer("/slow_command");
    EXPECT_EQ(t.client->phase(), connection_phase::writing);
    t.got();
    EXPECT_EQ(t.client->phase(), connection_phase::idle);
}

TEST(connection, holds_no_request_while_idle) {
    table t;
    t.send("GET / HTTP/1.1\r\nHo");
    EXPECT_EQ(t.pool.in_use(), 0U);
    t.send("st: localhost\r\n\r\n");
    EXPECT_EQ(t.seen.size(), 1U);
}

TEST(connection, reads_a_long_body_in_a_small_room) {
    table t;
    const std::string body(300'000, 'b');
    t.send("POST /slow_command HTTP/1.1\r\nHost: localhost\r\nContent-Length: 300000\r\n\r\n" +
           body);
    EXPECT_EQ(t.kept.at("/slow_command").in().body, body);
    EXPECT_LE(t.client->room().size, 128U * 1024U);
}

} // namespace
} // namespace fasti::http

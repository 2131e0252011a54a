// SPDX-License-Identifier: Apache-2.0
#include "adapters/http/codec.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace fasti::http {
namespace {

struct transcript {
    codec_state end = codec_state::need_more;
    codec_failure failure;
    std::vector<request> requests;
    std::size_t unread = 0;
    bool asked_for_continue = false;
};

//! Plays bytes in pieces of the given size, as a socket would deliver them.
transcript play(const std::string& bytes, std::size_t piece = 1'000'000,
                const codec_limits& limits = {}) {
    codec under_test(limits);
    transcript all;
    request current;
    std::string input;
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
        input += bytes.substr(at, piece);
        for (;;) {
            const codec::outcome read = under_test.feed(input, current);
            input.erase(0, read.consumed);
            all.asked_for_continue = under_test.take_continue() || all.asked_for_continue;
            all.end = read.state;
            if (read.state != codec_state::request) {
                break;
            }
            request fresh;
            std::swap(fresh, current);
            all.requests.push_back(std::move(fresh));
        }
        if (all.end == codec_state::bad) {
            all.failure = under_test.failure();
            break;
        }
    }
    all.unread = input.size();
    return all;
}

int refused_with(const std::string& bytes, const codec_limits& limits = {}) {
    const transcript whole = play(bytes, 1'000'000, limits);
    const transcript drip = play(bytes, 1, limits);
    EXPECT_EQ(whole.end, codec_state::bad) << bytes;
    EXPECT_EQ(drip.end, codec_state::bad) << bytes;
    EXPECT_EQ(whole.failure.status, drip.failure.status) << bytes;
    return whole.failure.status;
}

const std::string get = "GET /v1/services?tag=a&tag=b%20c&x HTTP/1.1\r\nHost: localhost:1\r\n"
                        "Authorization: Bearer abc\r\nX-Other: 1\r\n\r\n";

TEST(codec, reads_a_request_the_same_in_one_piece_and_byte_by_byte) {
    for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, get.size()}) {
        const transcript read = play(get, piece);
        ASSERT_EQ(read.requests.size(), 1U);
        const request& one = read.requests[0];
        EXPECT_EQ(one.verb, method::get);
        EXPECT_FALSE(one.head_only);
        EXPECT_TRUE(one.keep_alive);
        EXPECT_EQ(one.target, "/v1/services?tag=a&tag=b%20c&x");
        EXPECT_EQ(one.path, "/v1/services");
        ASSERT_EQ(one.query.size(), 3U);
        EXPECT_EQ(one.query[1].value, "b c");
        EXPECT_EQ(one.find_query("x"), "");
        EXPECT_EQ(one.find_query("y"), std::nullopt);
        EXPECT_EQ(one.get(header_id::authorization), "Bearer abc");
        EXPECT_EQ(one.find_header("x-other"), "1");
        EXPECT_EQ(one.host, "localhost");
        EXPECT_FALSE(one.has(header_id::if_match));
        EXPECT_EQ(read.unread, 0U);
    }
}

TEST(codec, reads_pipelined_requests_one_after_the_other) {
    const std::string post = "POST /c HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc";
    for (const std::size_t piece : {std::size_t{1}, std::size_t{5}, std::size_t{10'000}}) {
        const transcript read = play(get + post + post + get, piece);
        ASSERT_EQ(read.requests.size(), 4U);
        EXPECT_EQ(read.requests[1].body, "abc");
        EXPECT_EQ(read.requests[3].path, "/v1/services");
    }
}

TEST(codec, joins_chunks_and_passes_over_extensions_and_trailers) {
    const std::string chunked =
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\n\r\n"
        "3\r\nabc\r\n00a;x=\"y\"\r\n0123456789\r\n0\r\nContent-Length: 9\r\nT: v\r\n\r\n";
    for (const std::size_t piece : {std::size_t{1}, std::size_t{4}, std::size_t{10'000}}) {
        const transcript read = play(chunked + get, piece);
        ASSERT_EQ(read.requests.size(), 2U);
        EXPECT_EQ(read.requests[0].body, "abc0123456789");
        EXPECT_EQ(read.requests[0].find_header("T"), std::nullopt);
    }
}

TEST(codec, refuses_what_lets_two_parsers_disagree_about_the_end) {
    const auto with = [](const std::string& headers, const std::string& body = "") {
        return "POST / HTTP/1.1\r\nHost: h\r\n" + headers + "\r\n" + body;
    };
    EXPECT_EQ(
        refused_with(with("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")),
        400);
    EXPECT_EQ(
        refused_with(with("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", "0\r\n\r\n")),
        400);
    EXPECT_EQ(refused_with(with("Content-Length: 3\r\nContent-Length: 3\r\n", "abc")), 400);
    EXPECT_EQ(refused_with(with("Content-Length: 3\r\nContent-Length: 4\r\n", "abc")), 400);
    EXPECT_EQ(refused_with(with("Content-Length: 3, 3\r\n", "abc")), 400);
    EXPECT_EQ(refused_with(with("Content-Length: +3\r\n", "abc")), 400);
    EXPECT_EQ(refused_with(with("Content-Length: 0x3\r\n", "abc")), 400);
    EXPECT_EQ(refused_with(with("Content-Length:\r\n", "abc")), 400);
    EXPECT_EQ(refused_with(with("Content-Length : 3\r\n", "abc")), 400);
    EXPECT_EQ(refused_with(with("Content-Length: 99999999999999999999\r\n")), 400);
    EXPECT_EQ(refused_with(with("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n")), 501);
    EXPECT_EQ(refused_with(with("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n")), 501);
    EXPECT_EQ(refused_with(with("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n")), 501);
    EXPECT_EQ(refused_with(with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
                                "0\r\n\r\n")),
              400);
    EXPECT_EQ(refused_with(with("X: a\r\n b\r\n")), 400);
    EXPECT_EQ(refused_with(with("X:\r\n\tb\r\n")), 400);
    EXPECT_EQ(refused_with(with("X: a\rb\r\n")), 400);
    EXPECT_EQ(refused_with(with(std::string("X: a\0b\r\n", 8))), 400);
    EXPECT_EQ(refused_with("GET / HTTP/1.1\nHost: h\n\n"), 400);
    EXPECT_EQ(refused_with("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400);
}

TEST(codec, refuses_bad_chunks) {
    const std::string head = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
    EXPECT_EQ(refused_with(head + "x\r\n"), 400);
    EXPECT_EQ(refused_with(head + "\r\n"), 400);
    EXPECT_EQ(refused_with(head + "3 \r\nabc\r\n"), 400);
    EXPECT_EQ(refused_with(head + "3\r\nabcd\r\n"), 400);
    EXPECT_EQ(refused_with(head + "fffffffff\r\n"), 400);
    EXPECT_EQ(refused_with(head + "3;" + std::string(300, 'x')), 400);
    EXPECT_EQ(refused_with(head + "0\r\nbad trailer\r\n\r\n"), 400);
    EXPECT_EQ(refused_with(head + "0\r\nX: a\r\n b\r\n\r\n"), 400);
}

TEST(codec, wants_exactly_one_readable_host) {
    EXPECT_EQ(refused_with("GET / HTTP/1.1\r\n\r\n"), 400);
    EXPECT_EQ(refused_with("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"), 400);
    EXPECT_EQ(refused_with("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"), 400);
    EXPECT_EQ(refused_with("GET / HTTP/1.1\r\nHost: a@b\r\n\r\n"), 400);
    EXPECT_EQ(play("GET / HTTP/1.0\r\n\r\n").requests.size(), 1U);
}

TEST(codec, takes_the_host_of_an_absolute_target) {
    const transcript read = play("GET http://other:80/a?b=c HTTP/1.1\r\nHost: h\r\n\r\n");
    ASSERT_EQ(read.requests.size(), 1U);
    EXPECT_EQ(read.requests[0].host, "other");
    EXPECT_EQ(read.requests[0].path, "/a");
}

TEST(codec, refuses_targets_that_are_no_path) {
    EXPECT_EQ(refused_with("CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
    EXPECT_EQ(refused_with("GET * HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
    EXPECT_EQ(refused_with("GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
    EXPECT_EQ(refused_with("GET /\xC3\xA4 HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
    EXPECT_EQ(refused_with("GET  / HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
    EXPECT_EQ(refused_with("GET /?a=%zz HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
    EXPECT_EQ(refused_with("GET /?a=%ff HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
    EXPECT_EQ(refused_with("GET /?a=%00 HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
}

TEST(codec, speaks_versions_one_only) {
    EXPECT_EQ(refused_with("GET / HTTP/2.0\r\nHost: a\r\n\r\n"), 505);
    EXPECT_EQ(refused_with("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505);
    EXPECT_EQ(refused_with(std::string("\x16\x03\x01\x02", 4)), 400);
}

TEST(codec, holds_its_limits) {
    codec_limits limits;
    limits.head_bytes_max = 256;
    limits.headers_max = 3;
    limits.query_pairs_max = 2;
    limits.body_bytes_max = 8;
    const std::string start = "POST / HTTP/1.1\r\nHost: h\r\n";
    EXPECT_EQ(refused_with(start + "X: " + std::string(300, 'x') + "\r\n\r\n", limits), 431);
    EXPECT_EQ(refused_with(start + "A: 1\r\nB: 1\r\nC: 1\r\n\r\n", limits), 431);
    EXPECT_EQ(refused_with("GET /?a&b&c HTTP/1.1\r\nHost: h\r\n\r\n", limits), 400);
    EXPECT_EQ(refused_with(start + "Content-Length: 9\r\n\r\n", limits), 413);
    EXPECT_EQ(refused_with(
                  start + "Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n4\r\nabcd\r\n0\r\n\r\n",
                  limits),
              413);
    std::string trailers;
    for (int i = 0; i < 40; ++i) {
        trailers += "T: abcdef\r\n";
    }
    EXPECT_EQ(
        refused_with(start + "Transfer-Encoding: chunked\r\n\r\n0\r\n" + trailers + "\r\n", limits),
        431);
    EXPECT_EQ(play(start + "Content-Length: 8\r\n\r\n12345678", 1, limits).requests.size(), 1U);
}

TEST(codec, tells_when_a_client_waits_for_100_continue) {
    const std::string head =
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n";
    EXPECT_TRUE(play(head).asked_for_continue);
    EXPECT_FALSE(play(head + "abc").asked_for_continue);
    EXPECT_EQ(refused_with("POST / HTTP/1.1\r\nHost: h\r\nExpect: magic\r\n\r\n"), 417);
}

TEST(codec, knows_whether_the_connection_stays_open) {
    const auto keep = [](const std::string& version, const std::string& header) {
        return play("GET / HTTP/" + version + "\r\nHost: h\r\n" + header + "\r\n")
            .requests.at(0)
            .keep_alive;
    };
    EXPECT_TRUE(keep("1.1", ""));
    EXPECT_FALSE(keep("1.1", "Connection: close\r\n"));
    EXPECT_FALSE(keep("1.0", ""));
    EXPECT_TRUE(keep("1.0", "Connection: keep-alive\r\n"));
}

TEST(codec, passes_over_empty_lines_between_requests) {
    EXPECT_EQ(play("\r\n" + get + "\r\n" + get, 1).requests.size(), 2U);
}

TEST(codec, does_not_search_the_same_bytes_again) {
    codec_limits limits;
    limits.head_bytes_max = 1024 * 1024;
    std::string bytes = "GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(300'000, 'x') + "\r\n\r\n";
    EXPECT_EQ(play(bytes, 4096, limits).requests.size(), 1U);
}

} // namespace
} // namespace fasti::http

// SPDX-License-Identifier: Apache-2.0
// What the kernel tells of sockets once and not again: nothing of it may be missed, and nobody may be kept
// waiting by somebody else. See docs/decisions/0048_sockets_by_edges.md.
#include "tests/integration/http_running.hpp"

#include <gtest/gtest.h>

#include <linux/sockios.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <array>
#include <deque>
#include <future>
#include <string>
#include <utility>
#include <vector>

namespace fasti::http {
namespace {

class client {
public:
    explicit client(std::uint16_t port)
        : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        const timeval patience{20, 0};
        ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(port);
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        EXPECT_EQ(::connect(socket_, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
    }
    ~client() { ::close(socket_); }
    client(const client&) = delete;
    client& operator=(const client&) = delete;

    void send(const std::string& bytes, int flags = 0) {
        for (std::size_t at = 0; at < bytes.size();) {
            const ssize_t taken = ::send(socket_, bytes.data() + at, bytes.size() - at, flags);
            ASSERT_GT(taken, 0);
            at += static_cast<std::size_t>(taken);
        }
    }
    void get(const std::string& path) {
        send("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
    }
    void post(const std::string& path, std::size_t bytes) {
        send("POST " + path + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " +
             std::to_string(bytes) + "\r\n\r\n" + std::string(bytes, '.'));
    }
    void send_no_more() { ::shutdown(socket_, SHUT_WR); }
    //! Until the other side's kernel has confirmed everything.
    void wait_for_arrival() {
        int unconfirmed = 1;
        while (unconfirmed > 0) {
            ASSERT_EQ(::ioctl(socket_, SIOCOUTQ, &unconfirmed), 0);
        }
    }
    //! Ends with `end`, or is shorter when the connection ended or nothing came for long.
    std::string read_until(const std::string& end) {
        while (got_.find(end) == std::string::npos && read_some() > 0) {}
        const std::size_t found = got_.find(end);
        const std::size_t size = found == std::string::npos ? got_.size() : found + end.size();
        std::string part = got_.substr(0, size);
        got_.erase(0, size);
        return part;
    }
    //! Whether the connection ends and nothing more comes before that.
    bool ends() { return got_.empty() && read_some() == 0; }
    void reset() {
        const linger at_once{1, 0};
        ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        ::close(std::exchange(socket_, -1));
    }
    int number() const { return socket_; }

private:
    ssize_t read_some() {
        std::array<char, 65536> part{};
        const ssize_t size = ::recv(socket_, part.data(), part.size(), 0);
        got_.append(part.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
        return size;
    }
    int socket_;
    std::string got_;
};

//! Keeps the io thread busy, so that what is done meanwhile is found together.
class pause {
public:
    explicit pause(running& of) {
        std::promise<void> begun;
        of.post([this, &begun] {
            begun.set_value();
            goes_on_.get_future().wait();
            ended_.set_value();
        });
        begun.get_future().wait();
    }
    ~pause() {
        goes_on_.set_value();
        ended_.get_future().wait();
    }
    pause(const pause&) = delete;
    pause& operator=(const pause&) = delete;

private:
    std::promise<void> goes_on_;
    std::promise<void> ended_;
};

//! Asks the io thread so often that it will never be so if it was not.
template <class Asked>
bool becomes_true(const Asked& asked) {
    for (int left = 500'000; left > 0; --left) {
        if (asked()) {
            return true;
        }
    }
    return false;
}

TEST(http_sockets, see_the_end_that_came_together_with_a_request) {
    running server;
    client caller(server.port);
    {
        const pause together(server);
        caller.get("/1");
        caller.send_no_more();
        caller.wait_for_arrival();
    }
    EXPECT_TRUE(caller.read_until("\r\n\r\n/1").ends_with("/1"));
    EXPECT_TRUE(caller.ends());
    EXPECT_TRUE(becomes_true([&] { return server.counters().connections_open == 0; }));
}

TEST(http_sockets, are_read_to_the_end_when_a_read_fills_its_room) {
    running server;
    client caller(server.port);
    {
        const pause together(server);
        caller.post("/long", 50'000);
        caller.wait_for_arrival();
    }
    EXPECT_TRUE(caller.read_until("/long" + std::string(50'000, '.')).ends_with("."));
}

TEST(http_sockets, are_read_behind_urgent_data) {
    running server;
    client caller(server.port);
    {
        const pause together(server);
        caller.send("GET /1 HTT");
        caller.send("!", MSG_OOB);
        caller.send("P/1.1\r\nHost: localhost\r\n\r\n");
        caller.wait_for_arrival();
    }
    EXPECT_TRUE(caller.read_until("\r\n\r\n/1").ends_with("/1"));
}

TEST(http_sockets, are_read_again_when_their_input_is_wanted_again) {
    server_options options;
    options.limits.pipelined_max = 1;
    running server(options);
    client caller(server.port);
    caller.get("/later");
    const std::size_t more = 100; // of a thousand bytes each: more than a connection keeps
    for (std::size_t i = 0; i < more; ++i) {
        caller.post("/next", 1'000);
    }
    caller.wait_for_arrival();
    EXPECT_EQ(server.hear_after([] {}), 1U);
    server.release();
    EXPECT_TRUE(becomes_true([&] { return server.counters().requests == more + 1; }));
}

TEST(http_sockets, send_on_when_there_is_room_while_nothing_is_read) {
    server_options options;
    options.limits.output_bytes_max = 64 * 1024;
    running server(options);
    client caller(server.port);
    caller.get("/big");
    ASSERT_TRUE(becomes_true([&] { return server.counters().requests == 1; }));
    caller.post("/after", 50'000); // not read before most of the answer is taken
    caller.wait_for_arrival();
    server.hear_after([] {});
    EXPECT_TRUE(caller.read_until("/after" + std::string(50'000, '.')).ends_with("."));
}

TEST(http_sockets, notice_a_reset_while_they_send) {
    running server;
    client caller(server.port);
    caller.get("/big");
    ASSERT_TRUE(becomes_true([&] { return server.counters().requests == 1; }));
    caller.reset();
    EXPECT_TRUE(becomes_true([&] { return server.counters().connections_open == 0; }));
}

TEST(http_sockets, take_turns_when_one_sends_much) {
    running server;
    client much(server.port);
    client little(server.port);
    {
        const pause together(server);
        much.post("/much", 50'000);
        much.wait_for_arrival();
        little.get("/little");
        little.wait_for_arrival();
    }
    much.read_until("/much" + std::string(50'000, '.'));
    EXPECT_EQ(server.asked(), (std::vector<std::string>{"/little", "/much"}));
}

TEST(http_sockets, are_heard_before_it_is_said_so_however_many_they_are) {
    running server;
    std::deque<client> open; // more than a round tells of
    for (int i = 0; i < 300; ++i) {
        open.emplace_back(server.port);
        open.back().get("/first");
        open.back().read_until("/first");
    }
    std::uint64_t at_first = 0;
    const std::uint64_t heard = server.hear_after([&] {
        for (client& each : open) {
            each.get("/second");
        }
        open.front().post("/long", 50'000);
        for (int i = 0; i < 100; ++i) { // more than are accepted in a turn
            open.emplace_back(server.port);
            open.back().get("/third");
        }
        open.back().post("/long", 50'000);
        for (client& each : open) {
            each.wait_for_arrival();
        }
        at_first = server.serving().counters().requests;
    });
    EXPECT_EQ(at_first, 300U);
    EXPECT_EQ(heard, 300U + 300U + 100U + 2U);
}

TEST(http_sockets, are_heard_to_their_end_before_it_is_said_so) {
    running server;
    client caller(server.port);
    caller.get("/first");
    caller.read_until("/first");
    const std::uint64_t heard = server.hear_after([&] {
        caller.post("/long", 50'000);
        caller.wait_for_arrival();
    });
    EXPECT_EQ(heard, 2U);
}

TEST(http_sockets, are_accepted_later_when_there_was_no_descriptor) {
    running server;
    rlimit usual{};
    ::getrlimit(RLIMIT_NOFILE, &usual);
    std::deque<client> callers;
    {
        const pause together(server);
        callers.emplace_back(server.port); // its number was the lowest free one
        callers.back().get("/1");
        const rlimit none_left{static_cast<rlim_t>(callers.back().number()) + 1, usual.rlim_max};
        ::setrlimit(RLIMIT_NOFILE, &none_left);
    }
    server.hear_after([] {});
    EXPECT_EQ(server.counters().connections_accepted, 0U);
    ::setrlimit(RLIMIT_NOFILE, &usual);
    EXPECT_TRUE(callers.back().read_until("\r\n\r\n/1").ends_with("/1"));
}

} // namespace
} // namespace fasti::http

// SPDX-License-Identifier: Apache-2.0
// The server with real sockets on loopback: what the connection's unit tests cannot show.
#include "adapters/http/io_loop.hpp"
#include "adapters/http/server.hpp"
#include "tests/integration/http_running.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/completion_condition.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <unistd.h>
#include <array>
#include <cstdio>
#include <filesystem>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace fasti::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

class caller {
public:
    explicit caller(std::uint16_t port) : socket_(context_) {
        socket_.connect({asio::ip::address_v4::loopback(), port});
    }
    void send(const std::string& bytes) { asio::write(socket_, asio::buffer(bytes)); }
    void get(const std::string& path) {
        send("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
    }
    std::string read_until(const std::string& end) {
        while (got_.find(end) == std::string::npos) {
            if (!read_some()) {
                return std::exchange(got_, {});
            }
        }
        const std::size_t size = got_.find(end) + end.size();
        std::string part = got_.substr(0, size);
        got_.erase(0, size);
        return part;
    }
    //! Everything up to the end of the connection.
    std::string read_to_end() {
        while (read_some()) {}
        return std::exchange(got_, {});
    }
    tcp::socket& socket() { return socket_; }

private:
    bool read_some() {
        std::array<char, 65536> part{};
        boost::system::error_code failed;
        const std::size_t size = socket_.read_some(asio::buffer(part), failed);
        got_.append(part.data(), size);
        return !failed;
    }
    asio::io_context context_;
    tcp::socket socket_;
    std::string got_;
};

TEST(http_server, answers_pipelined_requests_and_keeps_the_connection) {
    running server;
    caller client(server.port);
    client.send("GET /1 HTTP/1.1\r\nHost: localhost\r\n\r\nPOST /2 HTTP/1.1\r\nHost: localhost\r\n"
                "Content-Length: 3\r\n\r\nabc");
    EXPECT_NE(client.read_until("/2abc").find("\r\n\r\n/1HTTP/1.1 200 OK"), std::string::npos);
    client.get("/3");
    EXPECT_TRUE(client.read_until("/3").ends_with("\r\n\r\n/3"));
    EXPECT_EQ(server.counters().requests, 3U);
}

TEST(http_server, answers_later_from_posted_work) {
    running server;
    caller client(server.port);
    client.get("/later");
    client.get("/2");
    while (server.counters().requests < 2) {}
    server.release();
    EXPECT_NE(client.read_until("/2").find("releasedHTTP/1.1 200"), std::string::npos);
}

TEST(http_server, tells_handlers_when_a_client_leaves) {
    running server;
    {
        caller client(server.port);
        client.get("/later");
        while (server.counters().requests < 1) {}
    }
    server.left.get_future().wait();
    while (server.counters().connections_open > 0) {}
    EXPECT_EQ(server.counters().requests_open, 0U);
}

TEST(http_server, sends_more_than_the_kernel_takes_at_once) {
    running server;
    caller client(server.port);
    client.get("/big");
    client.get("/after");
    const std::string got = client.read_until("/after");
    EXPECT_GT(got.size(), 8U << 20U);
    EXPECT_EQ(got.find_first_not_of('x', got.find("\r\n\r\n") + 4) - (got.find("\r\n\r\n") + 4),
              8U << 20U);
}

TEST(http_server, answers_slow_heads_and_bodies_with_408_and_closes_idle_clients) {
    running server(
        {.limits = {},
         .patience = {.header_ms = 250, .body_ms = 250, .idle_ms = 250, .write_ms = 250}});
    caller slow_head(server.port);
    slow_head.send("GET / HT");
    caller slow_body(server.port);
    slow_body.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nab");
    caller idle(server.port);
    caller unread(server.port);
    unread.get("/big");
    EXPECT_TRUE(slow_head.read_to_end().starts_with("HTTP/1.1 408 Request Timeout\r\n"));
    EXPECT_TRUE(slow_body.read_to_end().starts_with("HTTP/1.1 408 Request Timeout\r\n"));
    EXPECT_EQ(idle.read_to_end(), "");
    while (server.counters().connections_open > 0) {}
    EXPECT_EQ(server.counters().connections_timed_out, 3U);
}

TEST(http_server, answers_503_to_connections_beyond_the_limit) {
    running server({.limits = {}, .patience = {}, .connections_max = 1});
    caller first(server.port);
    first.get("/one");
    first.read_until("/one");
    caller second(server.port);
    const std::string got = second.read_to_end();
    EXPECT_TRUE(got.starts_with("HTTP/1.1 503 Service Unavailable\r\n"));
    EXPECT_NE(got.find("Retry-After: "), std::string::npos);
    first.get("/again");
    EXPECT_TRUE(first.read_until("/again").ends_with("/again"));
}

TEST(http_server, lets_a_client_read_why_its_endless_body_was_refused) {
    running server;
    caller client(server.port);
    client.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999999999\r\n\r\n");
    client.send(std::string(100'000, 'x'));
    EXPECT_TRUE(client.read_to_end().starts_with("HTTP/1.1 413 Content Too Large\r\n"));
}

TEST(http_server, drains_open_requests_and_streams_before_it_ends) {
    running server;
    caller waiting(server.port);
    waiting.get("/later");
    caller follower(server.port);
    follower.get("/stream");
    caller idle(server.port);
    idle.get("/one");
    idle.read_until("/one");
    follower.read_until("data: 1\n\n");
    while (server.counters().requests < 3) {}
    std::future<void> ended = server.drain(60'000);
    EXPECT_TRUE(follower.read_to_end().ends_with("0\r\n\r\n"));
    EXPECT_EQ(idle.read_to_end(), "");
    asio::io_context context;
    tcp::socket late(context);
    boost::system::error_code failed;
    late.connect({asio::ip::address_v4::loopback(), server.port}, failed);
    EXPECT_TRUE(failed);
    server.release();
    const std::string got = waiting.read_to_end();
    EXPECT_NE(got.find("Connection: close\r\n"), std::string::npos);
    EXPECT_TRUE(got.ends_with("released"));
    ended.wait();
}

TEST(http_server, ends_by_the_deadline_whatever_is_open) {
    running server;
    caller waiting(server.port);
    waiting.get("/later");
    while (server.counters().requests < 1) {}
    server.drain(250).wait();
    EXPECT_EQ(waiting.read_to_end(), "");
}

//! A self-signed certificate and its key in files of their own.
tls_files make_certificate(const std::string& folder) {
    std::filesystem::create_directories(folder);
    tls_files files{folder + "/cert.pem", folder + "/key.pem"};
    EVP_PKEY* const key = EVP_EC_gen("P-256");
    X509* const certificate = X509_new();
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_NAME* const name = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("localhost"), -1, -1, 0);
    X509_set_issuer_name(certificate, name);
    X509_sign(certificate, key, EVP_sha256());
    std::FILE* file = std::fopen(files.certificate.c_str(), "w");
    PEM_write_X509(file, certificate);
    std::fclose(file);
    file = std::fopen(files.key.c_str(), "w");
    PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(file);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return files;
}

struct tls_caller {
    explicit tls_caller(std::uint16_t port, int max_version = TLS1_3_VERSION,
                        std::string protocols = "\x08http/1.1") {
        SSL_CTX_set_max_proto_version(rules.native_handle(), max_version);
        secure = std::make_unique<asio::ssl::stream<tcp::socket>>(context, rules);
        SSL_set_alpn_protos(secure->native_handle(),
                            reinterpret_cast<const unsigned char*>(protocols.data()),
                            static_cast<unsigned>(protocols.size()));
        secure->next_layer().connect({asio::ip::address_v4::loopback(), port});
        secure->handshake(asio::ssl::stream_base::client, failed);
    }
    std::string exchange(const std::string& bytes, std::size_t at_least) {
        asio::write(*secure, asio::buffer(bytes));
        std::string got;
        asio::read(*secure, asio::dynamic_buffer(got), asio::transfer_at_least(at_least), failed);
        return got;
    }
    asio::io_context context;
    asio::ssl::context rules{asio::ssl::context::tls_client};
    std::unique_ptr<asio::ssl::stream<tcp::socket>> secure;
    boost::system::error_code failed;
};

TEST(http_server, speaks_tls_from_1_2_with_http_1_1_only) {
    const std::string folder = testing::TempDir() + "fasti_http_tls_" + std::to_string(::getpid());
    listener_options listener;
    listener.tls = make_certificate(folder);
    running server({}, listener);
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        tls_caller client(server.port, version);
        ASSERT_FALSE(client.failed) << client.failed.message();
        const std::string got = client.exchange("GET /1 HTTP/1.1\r\nHost: localhost\r\n\r\n", 300);
        EXPECT_NE(got.find("Strict-Transport-Security"), std::string::npos);
        EXPECT_TRUE(got.ends_with("/1"));
        EXPECT_GE(client.exchange("GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n", 8U << 20U).size(),
                  8U << 20U);
    }
    EXPECT_TRUE(tls_caller(server.port, TLS1_1_VERSION).failed);
    EXPECT_TRUE(tls_caller(server.port, TLS1_3_VERSION, std::string("\x02h2")).failed);
    caller plain(server.port);
    plain.get("/1");
    EXPECT_EQ(plain.read_to_end().find("HTTP/1.1 200"), std::string::npos);

    std::filesystem::resize_file(listener.tls->key, 0);
    bool kept = true;
    server.on_loop([&] { kept = !server.serving().reload_tls().ok(); });
    EXPECT_TRUE(kept);
    EXPECT_FALSE(tls_caller(server.port).failed) << "a broken key leaves the old one in use";
    make_certificate(folder);
    server.on_loop([&] { kept = server.serving().reload_tls().ok(); });
    EXPECT_TRUE(kept);
    EXPECT_FALSE(tls_caller(server.port).failed);
    std::filesystem::remove_all(folder);
}

TEST(io_loop, runs_posted_work_in_order_and_tells_once_a_batch) {
    io_loop loop;
    std::string order;
    int batches = 0;
    loop.after_batches([&] { ++batches; });
    for (const char c : {'a', 'b', 'c'}) {
        loop.post([&order, c] { order.push_back(c); });
    }
    loop.post([&] { loop.stop(); });
    loop.run();
    EXPECT_EQ(order, "abc");
    EXPECT_EQ(batches, 1);
}

TEST(io_loop, repeats_timers_until_they_are_cancelled) {
    io_loop loop;
    int calls = 0;
    io_loop::timer_id timer = 0;
    timer = loop.every_ms(1, [&] {
        if (++calls == 3) {
            loop.cancel(timer);
            loop.once_after_ms(1, [&] { loop.stop(); });
        }
    });
    loop.run();
    EXPECT_EQ(calls, 3);
}

} // namespace
} // namespace fasti::http

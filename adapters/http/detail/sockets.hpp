// SPDX-License-Identifier: Apache-2.0
//! The inside of the server: sockets and who owns them. server.cpp listens, keeps time and ends;
//! pump.cpp moves bytes.
#pragma once

#include "adapters/http/server.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace fasti::http {

namespace asio = boost::asio;
using asio::ip::tcp;

struct listener {
    listener(asio::io_context& context, listener_options wanted)
        : acceptor(context), options(std::move(wanted)) {}
    tcp::acceptor acceptor;
    listener_options options;
    std::shared_ptr<const connection_setting> setting;
    std::shared_ptr<tls_context> tls;
    bool accepting = false;
};

//! A connection with its socket. Lives while an operation on the socket is under way.
struct session final : connection {
    session(connection_host& host, tcp::socket connected, const listener& from, std::string peer)
        : connection(host, from.setting, std::move(peer)),
          socket(std::move(connected)),
          tls(from.tls ? std::make_unique<tls_session>(from.tls) : nullptr) {}

    tcp::socket socket;
    std::unique_ptr<tls_session> tls;
    std::string encrypted; //!< TLS only: what was read
    std::string writing;   //!< what the kernel did not take at once
    std::size_t written = 0;
    std::size_t place = 0; //!< in the server's list
    connection_phase phase_seen = connection_phase::idle;
    std::uint64_t mark_seen = 0;
    std::uint64_t since = 0; //!< tick of the last progress
    bool reading = false;
    bool sending = false;
    bool input_over = false;
    bool lingering = false;
    bool closed = false;
    bool dirty = false;
};

struct server::parts final : connection_host {
    parts(io_loop& runs, server_options chosen, std::function<void(responder)> told)
        : loop(runs), options(chosen), handler(std::move(told)) {}
    ~parts();

    void handle(responder to) override;
    void wake(connection& from) override;
    const head_parts& heads() const override { return prepared; }
    exchange_pool& exchanges() override { return pool; }
    bool draining() const override { return ending; }
    void answered(const request& in, const response& out) override {
        if (watcher) {
            watcher(in, out);
        }
    }

    void accept(listener& on);
    void accepted(listener& on, tcp::socket socket);
    void read(session& from);
    void on_read(session& from, boost::system::error_code failed, std::size_t bytes);
    void decrypt(session& from, std::size_t bytes);
    void service(session& of);
    void flush(session& to);
    void flush_lent(session& to, const connection::loan& lent);
    void send_rest(session& to);
    void finish(session& done);
    void close(session& done);
    void end_turn(session& of);
    void destroy(session& gone);
    void flush_dirty();
    void tick();
    void check_time(session& of);
    void tell_if_ended();
    void read_round();

    io_loop& loop;
    server_options options;
    std::function<void(responder)> handler;
    std::function<void(const request&, const response&)> watcher;
    head_parts prepared;
    exchange_pool pool;
    std::vector<std::unique_ptr<listener>> listeners;
    std::vector<session*> sessions;
    std::vector<session*> dirty;
    bool flush_posted = false;
    io_loop::timer_id clockwork = 0;
    std::uint64_t now = 0; //!< ticks
    bool ending = false;
    std::uint64_t end_at = 0;
    std::function<void()> ended;
    std::function<void()> all_read; //!< told at the end of the rounds under way
    std::chrono::steady_clock::time_point reading_since;
    std::chrono::steady_clock::time_point reading_until;
    server_counters counted;
};

} // namespace fasti::http

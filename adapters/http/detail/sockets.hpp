// SPDX-License-Identifier: Apache-2.0
//! The inside of the server: sockets and who owns them. server.cpp listens, keeps time and ends;
//! pump.cpp moves bytes.
#pragma once

#include "adapters/http/poller.hpp"
#include "adapters/http/server.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace fasti::http {

struct server::parts final : connection_host {
    struct listener;
    struct session;

    parts(io_loop& runs, server_options chosen, std::function<void(responder)> told);
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
    void accepted(listener& on, int descriptor, std::string peer);
    void on_ready(session& of, std::uint32_t events);
    void read(session& from);
    void read_soon(session& from);
    void on_read(session& from, std::size_t bytes);
    void on_end(session& from);
    void decrypt(session& from, std::size_t bytes);
    void service(session& of);
    void flush(session& to);
    void flush_lent(session& to, const connection::loan& lent);
    void send_rest(session& to);
    void finish(session& done);
    void end_turn(session& of);
    void destroy(session& gone);
    void flush_dirty();
    void go_on_soon();
    void go_on();
    bool more_to_read() const noexcept;
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
    std::vector<session*> unread; //!< readable and wanted: each is read once a turn
    bool flush_posted = false;
    bool going_on = false; //!< go_on() is posted
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

struct server::parts::listener final : watched {
    listener(parts& owner, int descriptor, listener_options wanted);

    parts& of;
    listener_options options;
    std::shared_ptr<const connection_setting> setting;
    std::shared_ptr<tls_context> tls;
    bool acceptable = false; //!< told of callers, and not yet that there are no more
    bool starved = false;    //!< nothing to accept them with; the next tick tries again

private:
    void on_ready(std::uint32_t events) override;
};

//! A connection with its socket.
struct server::parts::session final : connection, watched {
    session(parts& owner, int descriptor, const listener& from, std::string peer);

    //! Told of input, and the connection takes it.
    bool to_be_read() const noexcept;

    parts& of;
    std::unique_ptr<tls_session> tls;
    std::string encrypted; //!< TLS only: what was read
    std::string writing;   //!< what the kernel did not take at once
    std::size_t written = 0;
    std::size_t place = 0; //!< in the server's list
    connection_phase phase_seen = connection_phase::idle;
    std::uint64_t mark_seen = 0;
    std::uint64_t since = 0;      //!< tick of the last progress
    bool readable = false;        //!< told of input that was not all read
    bool more_than_bytes = false; //!< told of an end, an error or urgent data behind the bytes
    bool in_unread = false;
    bool sending = false; //!< waits for room
    bool input_over = false;
    bool lingering = false;
    bool dirty = false;

private:
    void on_ready(std::uint32_t events) override;
};

} // namespace fasti::http

// SPDX-License-Identifier: Apache-2.0
#include "adapters/http/server.hpp"

#include "adapters/http/detail/sockets.hpp"
#include "domain/base/check.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

namespace fasti::http {

namespace {

using boost::system::error_code;

constexpr std::uint32_t tick_ms = 250;
constexpr std::uint64_t linger_ticks = 8;
//! Senders that always have more to say are not waited for longer than this, or half the time since
//! the rounds before began: after a long pause there is much to read.
constexpr std::chrono::milliseconds reading_enough{25};
constexpr std::size_t refused_reserve = 64; //!< connections beyond the maximum that still get a 503

std::int64_t seconds_now() {
    const auto since = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::seconds>(since).count();
}

} // namespace

server::server(io_loop& loop, server_options options, std::function<void(responder)> handler)
    : parts_(std::make_unique<parts>(loop, options, std::move(handler))) {
    parts* const self = parts_.get();
    self->prepared.set_time(seconds_now());
    self->clockwork = loop.every_ms(tick_ms, [self] { self->tick(); });
    loop.after_batches([self] { self->flush_dirty(); });
}

server::~server() = default;

server::parts::~parts() {
    loop.cancel(clockwork);
    for (session* const each : sessions) {
        delete each;
    }
}

void server::on_answered(std::function<void(const request&, const response&)> watcher) {
    parts_->watcher = std::move(watcher);
}

result<std::uint16_t> server::listen(const listener_options& wanted) {
    result<listener_plan> planned = plan_listener(wanted, parts_->options.limits);
    if (!planned) {
        return std::move(planned).error();
    }
    auto made = std::make_unique<listener>(parts_->loop.context(), wanted);
    made->setting = std::move(planned->setting);
    made->tls = std::move(planned->tls);
    error_code failed;
    const asio::ip::address address = asio::ip::make_address(planned->ip, failed);
    const tcp::endpoint endpoint(address, wanted.port);
    tcp::acceptor& acceptor = made->acceptor;
    acceptor.open(endpoint.protocol(), failed);
    if (!failed) {
        acceptor.set_option(tcp::acceptor::reuse_address(true), failed);
        acceptor.bind(endpoint, failed);
    }
    if (!failed) {
        acceptor.listen(tcp::acceptor::max_listen_connections, failed);
    }
    if (failed) {
        return fasti::error{.code = fasti::error_code::configuration_invalid,
                            .message = "Cannot listen on " + wanted.address + " port " +
                                       std::to_string(wanted.port) + ": " + failed.message() + "."};
    }
    const std::uint16_t port = acceptor.local_endpoint(failed).port();
    parts_->listeners.push_back(std::move(made));
    parts_->accept(*parts_->listeners.back());
    return port;
}

result<void> server::reload_tls() {
    std::vector<std::shared_ptr<tls_context>> loaded;
    for (const std::unique_ptr<listener>& each : parts_->listeners) {
        loaded.emplace_back();
        if (each->options.tls) {
            result<std::shared_ptr<tls_context>> again = tls_context::load(*each->options.tls);
            if (!again) {
                return std::move(again).error();
            }
            loaded.back() = std::move(again).value();
        }
    }
    for (std::size_t i = 0; i < loaded.size(); ++i) {
        parts_->listeners[i]->tls = std::move(loaded[i]);
    }
    return {};
}

void server::drain(std::uint32_t deadline_ms, std::function<void()> done) {
    parts& self = *parts_;
    if (self.ending) {
        return;
    }
    self.ending = true;
    self.end_at = self.now + (deadline_ms + tick_ms - 1) / tick_ms;
    self.ended = std::move(done);
    for (const std::unique_ptr<listener>& each : self.listeners) {
        error_code ignored;
        each->acceptor.close(ignored);
    }
    for (session* const each : self.sessions) {
        each->drain();
        self.wake(*each);
    }
    self.tell_if_ended();
}

bool server::draining() const noexcept { return parts_->ending; }

server_counters server::counters() const noexcept {
    server_counters copy = parts_->counted;
    copy.connections_open = parts_->sessions.size();
    copy.requests_open = parts_->pool.in_use();
    return copy;
}

void server::when_read(std::function<void()> done) {
    check(!parts_->all_read, "one at a time waits for all that can be read");
    parts_->all_read = std::move(done);
    const auto begun = std::chrono::steady_clock::now();
    const auto since = begun - std::exchange(parts_->reading_since, begun);
    parts_->reading_until = begun + std::max<std::chrono::steady_clock::duration>(reading_enough,
                                                                                  since / 2);
    parts_->read_round();
}

//! A read that filled its room, or a connection that was accepted, leaves more to read.
void server::parts::read_round() {
    const std::uint64_t before = counted.reads_full + counted.connections_accepted;
    loop.after_what_is_ready([this, before] {
        const bool more = counted.reads_full + counted.connections_accepted != before;
        if (more && std::chrono::steady_clock::now() < reading_until) {
            read_round();
        } else {
            std::exchange(all_read, nullptr)();
        }
    });
}

void server::parts::handle(responder to) {
    ++counted.requests;
    handler(to);
}

void server::parts::accept(listener& on) {
    on.accepting = true;
    on.acceptor.async_accept([this, &on](error_code failed, tcp::socket socket) {
        on.accepting = false;
        if (failed == asio::error::operation_aborted || ending) {
            return;
        }
        if (!failed) {
            accepted(on, std::move(socket));
            accept(on);
        } else if (failed == asio::error::connection_aborted) {
            accept(on);
        } // else no descriptors or memory: the next tick tries again
    });
}

void server::parts::accepted(listener& on, tcp::socket socket) {
    ++counted.connections_accepted;
    const bool full = sessions.size() >= options.connections_max;
    counted.connections_refused += full ? 1 : 0;
    error_code failed;
    const tcp::endpoint peer = socket.remote_endpoint(failed);
    if (failed || (full && sessions.size() >= options.connections_max + refused_reserve)) {
        return; // closes it
    }
    socket.set_option(tcp::no_delay(true), failed);
    socket.non_blocking(true, failed);
    auto* const made = new session(*this, std::move(socket), on, peer.address().to_string());
    made->place = sessions.size();
    made->since = now;
    sessions.push_back(made);
    if (full) {
        made->end_with(
            {503, fasti::error_code::queue_full, "The server has all the connections it takes."});
    }
    service(*made);
    end_turn(*made);
}

void server::parts::destroy(session& gone) {
    if (gone.dirty) {
        std::replace(dirty.begin(), dirty.end(), &gone, static_cast<session*>(nullptr));
    }
    sessions.back()->place = gone.place;
    sessions[gone.place] = sessions.back();
    sessions.pop_back();
    delete &gone;
    tell_if_ended();
}

void server::parts::tell_if_ended() {
    if (ending && sessions.empty() && ended) {
        asio::post(loop.context(), std::exchange(ended, nullptr));
    }
}

void server::parts::tick() {
    ++now;
    prepared.set_time(seconds_now());
    for (std::size_t i = sessions.size(); i-- > 0;) {
        if (i < sessions.size()) { // ending one may end others
            session& each = *sessions[i];
            check_time(each);
            end_turn(each);
        }
    }
    if (ending) {
        if (now >= end_at) {
            for (std::size_t i = sessions.size(); i-- > 0;) {
                if (i < sessions.size()) {
                    close(*sessions[i]);
                    end_turn(*sessions[i]);
                }
            }
        }
        return;
    }
    for (const std::unique_ptr<listener>& each : listeners) {
        if (!each->accepting) {
            accept(*each);
        }
    }
}

void server::parts::check_time(session& of) {
    if (of.closed) {
        return;
    }
    if (of.lingering) {
        if (now - of.since >= linger_ticks) {
            close(of);
        }
        return;
    }
    connection_phase at = of.phase();
    if (at == connection_phase::idle && of.tls && !of.tls->ready()) {
        at = connection_phase::reading_head;
    }
    if (at != of.phase_seen || of.mark() != of.mark_seen) {
        of.phase_seen = at;
        of.mark_seen = of.mark();
        of.since = now;
        return;
    }
    switch (judge_wait(at, (now - of.since) * tick_ms, options.patience)) {
        case wait_verdict::go_on: return;
        case wait_verdict::close_quietly: close(of); return;
        case wait_verdict::cut:
            ++counted.connections_timed_out;
            close(of);
            return;
        case wait_verdict::answer_late:
            ++counted.connections_timed_out;
            of.end_with({408, fasti::error_code::request_timeout,
                         "The request did not arrive completely in time."});
            service(of);
            return;
    }
}

} // namespace fasti::http

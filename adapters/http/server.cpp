// SPDX-License-Identifier: Apache-2.0
#include "adapters/http/server.hpp"

#include "adapters/http/detail/sockets.hpp"
#include "domain/base/check.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>

#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <system_error>
#include <utility>

namespace fasti::http {

namespace {

using boost::asio::ip::tcp;

constexpr std::uint32_t tick_ms = 250;
constexpr std::uint64_t linger_ticks = 8;
//! Senders that always have more to say are not waited for longer than this, or half the time since
//! the rounds before began: after a long pause there is much to read.
constexpr std::chrono::milliseconds reading_enough{25};
constexpr std::size_t refused_reserve = 64; //!< connections beyond the maximum that still get a 503
constexpr int accepts_max = 32;             //!< in one turn of a listener

std::int64_t seconds_now() {
    const auto since = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::seconds>(since).count();
}

//! -1 with errno when it cannot be.
int listening_socket(const tcp::endpoint& at) {
    const int made = ::socket(at.protocol().family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
                              IPPROTO_TCP);
    const int yes = 1;
    if (made >= 0 && (::setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 ||
                      ::bind(made, at.data(), static_cast<socklen_t>(at.size())) != 0 ||
                      ::listen(made, SOMAXCONN) != 0)) {
        const int why = errno;
        ::close(made);
        errno = why;
        return -1;
    }
    return made;
}

std::uint16_t port_of(int descriptor) {
    tcp::endpoint own;
    auto size = static_cast<socklen_t>(own.capacity());
    if (::getsockname(descriptor, own.data(), &size) == 0) {
        own.resize(size);
    }
    return own.port();
}

} // namespace

server::parts::parts(io_loop& runs, server_options chosen, std::function<void(responder)> told)
    : loop(runs), options(chosen), handler(std::move(told)) {}

server::parts::listener::listener(parts& owner, int descriptor, listener_options wanted)
    : watched(owner.loop.sockets(), descriptor, EPOLLIN), of(owner), options(std::move(wanted)) {}

void server::parts::listener::on_ready(std::uint32_t) {
    acceptable = true;
    of.accept(*this);
}

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
    boost::system::error_code failed;
    const boost::asio::ip::address address = boost::asio::ip::make_address(planned->ip, failed);
    const int descriptor = listening_socket({address, wanted.port});
    const int number = descriptor < 0 ? errno : ENOSPC;
    auto made = std::make_unique<parts::listener>(*parts_, descriptor, wanted);
    if (made->closed()) {
        const std::string why = std::error_code(number, std::system_category()).message();
        return fasti::error{.code = fasti::error_code::configuration_invalid,
                            .message = "Cannot listen on " + wanted.address + " port " +
                                       std::to_string(wanted.port) + ": " + why + "."};
    }
    made->setting = std::move(planned->setting);
    made->tls = std::move(planned->tls);
    parts_->listeners.push_back(std::move(made));
    return port_of(descriptor);
}

result<void> server::reload_tls() {
    std::vector<std::shared_ptr<tls_context>> loaded;
    for (const std::unique_ptr<parts::listener>& each : parts_->listeners) {
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
    for (const std::unique_ptr<parts::listener>& each : self.listeners) {
        each->close();
        each->acceptable = false;
    }
    for (parts::session* const each : self.sessions) {
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

//! A connection that was accepted may have brought a request that became ready behind the end of the line.
void server::parts::read_round() {
    const std::uint64_t before = counted.connections_accepted;
    loop.after_what_is_ready([this, before] {
        const bool more = counted.connections_accepted != before || more_to_read();
        if (more && std::chrono::steady_clock::now() < reading_until) {
            read_round();
        } else {
            std::exchange(all_read, nullptr)();
        }
    });
}

//! Known without being told again.
bool server::parts::more_to_read() const noexcept {
    return !unread.empty() || std::any_of(listeners.begin(), listeners.end(), [](const auto& each) {
        return each->acceptable && !each->starved;
    });
}

void server::parts::handle(responder to) {
    ++counted.requests;
    handler(to);
}

//! Some of those who wait; the others when everything else had its turn.
void server::parts::accept(listener& on) {
    on.starved = false;
    for (int i = 0; i < accepts_max && on.acceptable; ++i) {
        tcp::endpoint peer;
        auto size = static_cast<socklen_t>(peer.capacity());
        const int descriptor = ::accept4(on.descriptor(), peer.data(), &size,
                                         SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (descriptor >= 0) {
            peer.resize(size);
            accepted(on, descriptor, peer.address().to_string());
        } else if (errno != ECONNABORTED && errno != EINTR) {
            on.acceptable = errno != EAGAIN;
            on.starved = on.acceptable; // no descriptors or memory: the next tick tries again
            return;
        }
    }
    if (on.acceptable) {
        go_on_soon();
    }
}

void server::parts::accepted(listener& on, int descriptor, std::string peer) {
    ++counted.connections_accepted;
    const bool full = sessions.size() >= options.connections_max;
    counted.connections_refused += full ? 1 : 0;
    if (full && sessions.size() >= options.connections_max + refused_reserve) {
        ::close(descriptor);
        return;
    }
    const int yes = 1;
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    auto* const made = new session(*this, descriptor, on, std::move(peer));
    counted.connections_refused += made->closed() ? 1 : 0; // no memory to watch it with
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
    if (gone.in_unread) {
        std::replace(unread.begin(), unread.end(), &gone, static_cast<session*>(nullptr));
    }
    sessions.back()->place = gone.place;
    sessions[gone.place] = sessions.back();
    sessions.pop_back();
    delete &gone;
    tell_if_ended();
}

void server::parts::tell_if_ended() {
    if (ending && sessions.empty() && ended) {
        boost::asio::post(loop.context(), std::exchange(ended, nullptr));
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
                    sessions[i]->close();
                    end_turn(*sessions[i]);
                }
            }
        }
        return;
    }
    for (const std::unique_ptr<listener>& each : listeners) {
        if (each->starved) {
            accept(*each);
        }
    }
}

void server::parts::check_time(session& of) {
    if (of.closed()) {
        return;
    }
    if (of.lingering) {
        if (now - of.since >= linger_ticks) {
            of.close();
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
        case wait_verdict::close_quietly: of.close(); return;
        case wait_verdict::cut:
            ++counted.connections_timed_out;
            of.close();
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

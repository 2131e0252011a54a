// SPDX-License-Identifier: Apache-2.0
// Bytes between sockets and connections, through TLS where there is any.
#include "adapters/http/detail/sockets.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <string_view>

namespace fasti::http {

namespace {

constexpr std::size_t kept_output = 64 * 1024;
constexpr std::size_t encrypted_room = 17 * 1024; //!< one TLS record and its frame

void shrink(std::string& text) {
    if (text.capacity() > kept_output) {
        std::string().swap(text);
    }
    text.clear();
}

//! What the kernel took: nothing when it has no room now. Empty when the connection is broken.
template <class Call>
std::optional<std::size_t> taken_by(const Call& call) {
    for (;;) {
        const ssize_t taken = call();
        if (taken >= 0) {
            return static_cast<std::size_t>(taken);
        }
        if (errno == EAGAIN) {
            return 0;
        }
        if (errno != EINTR) {
            return std::nullopt;
        }
    }
}

std::optional<std::size_t> send_some(int descriptor, std::string_view bytes) {
    return taken_by([&] { return ::send(descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL); });
}

std::optional<std::size_t> send_pieces(int descriptor, const std::array<std::string_view, 3>& all) {
    std::array<iovec, 3> vectors{};
    std::transform(all.begin(), all.end(), vectors.begin(), [](std::string_view piece) {
        return iovec{const_cast<char*>(piece.data()), piece.size()}; // it is only read
    });
    msghdr message{};
    message.msg_iov = vectors.data();
    message.msg_iovlen = vectors.size();
    return taken_by([&] { return ::sendmsg(descriptor, &message, MSG_NOSIGNAL); });
}

} // namespace

void server::parts::wake(connection& from) {
    auto& of = static_cast<session&>(from);
    if (of.dirty || of.closed()) {
        return;
    }
    of.dirty = true;
    dirty.push_back(&of);
    if (!flush_posted) {
        flush_posted = true;
        boost::asio::post(loop.context(), [this] {
            flush_posted = false;
            flush_dirty();
        });
    }
}

//! One write for all that came about since the last time.
void server::parts::flush_dirty() {
    for (std::size_t i = 0; i < dirty.size(); ++i) { // grows when a callback wakes another one
        if (session* const each = dirty[i]) {
            each->dirty = false;
            dirty[i] = nullptr;
            service(*each);
            end_turn(*each);
        }
    }
    dirty.clear();
}

server::parts::session::session(parts& owner, int descriptor, const listener& from,
                                std::string peer)
    : connection(owner, from.setting, std::move(peer)),
      watched(owner.loop.sockets(), descriptor, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI),
      of(owner),
      tls(from.tls ? std::make_unique<tls_session>(from.tls) : nullptr) {}

void server::parts::session::on_ready(std::uint32_t events) { of.on_ready(*this, events); }

void server::parts::on_ready(session& of, std::uint32_t events) {
    const bool more_than_bytes = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR | EPOLLPRI)) != 0;
    of.more_than_bytes = of.more_than_bytes || more_than_bytes;
    of.readable = of.readable || more_than_bytes || (events & EPOLLIN) != 0;
    if (of.sending && (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) {
        send_rest(of);
    }
    if (!of.in_unread) {
        read(of);
    }
    end_turn(of);
}

bool server::parts::session::to_be_read() const noexcept {
    return readable && !closed() && !input_over && (lingering || wants_input());
}

//! Reads once, so that nobody who sends much keeps the others waiting. Less than there was room for means
//! that there is no more, unless something stands behind the bytes: epoll(7), questions and answers, 9.
void server::parts::read(session& from) {
    if (!from.to_be_read()) {
        return;
    }
    connection::span into{};
    if (from.tls) {
        from.encrypted.resize(encrypted_room);
        into = {from.encrypted.data(), from.encrypted.size()};
    } else {
        into = from.room();
    }
    const ssize_t got = ::recv(from.descriptor(), into.data, into.size, 0);
    if (got < 0) {
        if (errno == EAGAIN) {
            from.readable = from.more_than_bytes = false;
        } else if (errno != EINTR) {
            from.close();
        }
        read_soon(from);
        return;
    }
    const auto bytes = static_cast<std::size_t>(got);
    from.readable = bytes == into.size || from.more_than_bytes;
    if (bytes == 0) {
        on_end(from);
    } else {
        on_read(from, bytes);
    }
}

//! Whatever is readable and wanted stands in the list, so that no edge is needed to go on.
void server::parts::read_soon(session& from) {
    if (from.to_be_read() && !from.in_unread) {
        from.in_unread = true;
        unread.push_back(&from);
        go_on_soon();
    }
}

void server::parts::go_on_soon() {
    if (!going_on) {
        going_on = true;
        boost::asio::post(loop.context(), [this] {
            going_on = false;
            go_on();
        });
    }
}

void server::parts::go_on() {
    for (const std::unique_ptr<listener>& each : listeners) {
        if (!each->starved) {
            accept(*each);
        }
    }
    const std::size_t turn = unread.size(); // those that come back wait for the next one
    for (std::size_t i = 0; i < turn; ++i) {
        if (session* const each = std::exchange(unread[i], nullptr)) {
            each->in_unread = false;
            read(*each);
            end_turn(*each);
        }
    }
    unread.erase(unread.begin(), unread.begin() + static_cast<std::ptrdiff_t>(turn));
}

void server::parts::on_end(session& from) {
    from.input_over = true;
    if (from.lingering) {
        from.close();
        return;
    }
    from.input_ended();
    service(from);
}

void server::parts::on_read(session& from, std::size_t bytes) {
    if (!from.lingering) {
        if (from.tls) {
            decrypt(from, bytes);
        } else {
            from.received(bytes);
        }
    }
    service(from);
}

void server::parts::decrypt(session& from, std::size_t bytes) {
    bool whole = from.tls->received(std::string_view(from.encrypted).substr(0, bytes));
    while (whole) {
        const connection::span room = from.room();
        const std::size_t got = from.tls->read(room.data, room.size);
        if (got == 0) {
            break;
        }
        from.received(got);
    }
    if (from.tls->ended() || !whole) {
        from.input_over = true;
        from.input_ended();
    }
}

//! Sends what there is, lets the connection go on while there is room, and reads on or ends.
void server::parts::service(session& of) {
    for (;;) {
        if (of.closed()) {
            return;
        }
        flush(of);
        if (of.closed()) {
            return;
        }
        const std::size_t before = of.output().size();
        of.resume();
        if (of.sending || of.output().size() == before) {
            break;
        }
    }
    if (of.finished() && !of.sending && of.output().empty()) {
        finish(of);
    }
    read_soon(of);
}

void server::parts::flush(session& to) {
    if (to.sending) {
        return;
    }
    if (!to.tls) {
        if (const connection::loan lent = to.take_loan(); lent.text != nullptr) {
            flush_lent(to, lent);
            return;
        }
    } else {
        if (to.tls->ready() && !to.output().empty()) {
            if (!to.tls->write(to.output())) {
                to.close();
                return;
            }
            shrink(to.output());
        }
    }
    std::string& source = to.tls ? to.tls->output() : to.output();
    if (source.empty()) {
        return;
    }
    const std::optional<std::size_t> taken = send_some(to.descriptor(), source);
    if (!taken) {
        to.close();
        return;
    }
    if (*taken == source.size()) {
        shrink(source);
        to.set_unsent(0);
        return;
    }
    to.writing.clear();
    to.writing.swap(source);
    to.written = *taken;
    to.sending = true;
    to.set_unsent(to.writing.size() - to.written);
}

//! Sends a text of many connections from where it is; only what the kernel does not take is copied.
void server::parts::flush_lent(session& to, const connection::loan& lent) {
    std::string size;
    if (lent.chunked) {
        write_chunk_size(lent.text->size(), size);
    }
    const std::array<std::string_view, 3> pieces{size, *lent.text, lent.chunked ? "\r\n" : ""};
    const std::optional<std::size_t> taken = send_pieces(to.descriptor(), pieces);
    if (!taken) {
        to.close();
        return;
    }
    to.writing.clear();
    std::size_t left = *taken;
    for (const std::string_view piece : pieces) {
        const std::size_t skipped = std::min(left, piece.size());
        left -= skipped;
        to.writing.append(piece.substr(skipped));
    }
    to.written = 0;
    to.sending = !to.writing.empty();
    to.set_unsent(to.writing.size());
}

//! There is room again. A send that is cut short is told of the next room.
void server::parts::send_rest(session& to) {
    const std::optional<std::size_t> taken = send_some(
        to.descriptor(), std::string_view(to.writing).substr(to.written));
    if (!taken) {
        to.sending = false;
        to.close();
        return;
    }
    to.written += *taken;
    if (to.written < to.writing.size()) {
        to.set_unsent(to.writing.size() - to.written);
        return;
    }
    to.sending = false;
    shrink(to.writing);
    to.set_unsent(0);
    service(to);
}

//! Everything is sent. A client that may still be sending is given a moment to read the answer:
//! closing a socket with unread input would reset it and lose the answer.
void server::parts::finish(session& done) {
    if (done.lingering) {
        return;
    }
    if (done.tls) {
        done.tls->close();
        std::string& last = done.tls->output();
        if (!last.empty()) {
            (void)send_some(done.descriptor(), last);
            last.clear();
        }
    }
    if (done.lingers() && !done.input_over) {
        ::shutdown(done.descriptor(), SHUT_WR);
        done.lingering = true;
        done.since = now;
        return;
    }
    done.close();
}

//! Called last by whoever was called by the loop: the only place where a session dies.
void server::parts::end_turn(session& of) {
    if (of.closed()) {
        destroy(of);
    }
}

} // namespace fasti::http

// SPDX-License-Identifier: Apache-2.0
// Bytes between sockets and connections, through TLS where there is any.
#include "adapters/http/detail/sockets.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <array>
#include <string_view>

namespace fasti::http {

namespace {

using boost::system::error_code;

constexpr std::size_t kept_output = 64 * 1024;
constexpr std::size_t encrypted_room = 17 * 1024; //!< one TLS record and its frame

void shrink(std::string& text) {
    if (text.capacity() > kept_output) {
        std::string().swap(text);
    }
    text.clear();
}

} // namespace

void server::parts::wake(connection& from) {
    auto& of = static_cast<session&>(from);
    if (of.dirty || of.closed) {
        return;
    }
    of.dirty = true;
    dirty.push_back(&of);
    if (!flush_posted) {
        flush_posted = true;
        asio::post(loop.context(), [this] {
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

void server::parts::read(session& from) {
    if (from.reading || from.closed || from.input_over || !(from.lingering || from.wants_input())) {
        return;
    }
    asio::mutable_buffer into;
    if (from.tls) {
        from.encrypted.resize(encrypted_room);
        into = asio::buffer(from.encrypted);
    } else {
        const connection::span room = from.room();
        into = asio::buffer(room.data, room.size);
    }
    from.reading = true;
    from.socket.async_read_some(into, [this, &from, into](error_code failed, std::size_t bytes) {
        from.reading = false;
        counted.reads_full += bytes == into.size() ? 1 : 0;
        on_read(from, failed, bytes);
        end_turn(from);
    });
}

void server::parts::on_read(session& from, error_code failed, std::size_t bytes) {
    if (from.closed) {
        return;
    }
    if (failed == asio::error::eof) {
        from.input_over = true;
        if (from.lingering) {
            close(from);
            return;
        }
        from.input_ended();
    } else if (failed) {
        close(from);
        return;
    } else if (!from.lingering) {
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
        if (of.closed) {
            return;
        }
        flush(of);
        if (of.closed) {
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
    read(of);
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
                close(to);
                return;
            }
            shrink(to.output());
        }
    }
    std::string& source = to.tls ? to.tls->output() : to.output();
    if (source.empty()) {
        return;
    }
    error_code failed;
    const std::size_t taken = to.socket.write_some(asio::buffer(source), failed);
    if (failed && failed != asio::error::would_block && failed != asio::error::try_again) {
        close(to);
        return;
    }
    if (taken == source.size()) {
        shrink(source);
        to.set_unsent(0);
        return;
    }
    to.writing.clear();
    to.writing.swap(source);
    to.written = failed ? 0 : taken;
    to.sending = true;
    send_rest(to);
}

//! Sends a text of many connections from where it is; only what the kernel does not take is copied.
void server::parts::flush_lent(session& to, const connection::loan& lent) {
    std::string size;
    if (lent.chunked) {
        write_chunk_size(lent.text->size(), size);
    }
    const std::array<std::string_view, 3> pieces{size, *lent.text, lent.chunked ? "\r\n" : ""};
    const std::array<asio::const_buffer, 3> buffers{
        asio::buffer(pieces[0]), asio::buffer(pieces[1]), asio::buffer(pieces[2])};
    error_code failed;
    std::size_t taken = to.socket.write_some(buffers, failed);
    if (failed && failed != asio::error::would_block && failed != asio::error::try_again) {
        close(to);
        return;
    }
    to.writing.clear();
    for (const std::string_view piece : pieces) {
        const std::size_t skipped = std::min(taken, piece.size());
        taken -= skipped;
        to.writing.append(piece.substr(skipped));
    }
    if (to.writing.empty()) {
        to.set_unsent(0);
        return;
    }
    to.written = 0;
    to.sending = true;
    send_rest(to);
}

void server::parts::send_rest(session& to) {
    to.set_unsent(to.writing.size() - to.written);
    const asio::const_buffer rest(to.writing.data() + to.written, to.writing.size() - to.written);
    to.socket.async_write_some(rest, [this, &to](error_code failed, std::size_t bytes) {
        to.written += bytes;
        if (to.closed || failed) {
            to.sending = false;
            if (!to.closed) {
                close(to);
            }
        } else if (to.written < to.writing.size()) {
            send_rest(to);
        } else {
            to.sending = false;
            shrink(to.writing);
            to.set_unsent(0);
            service(to);
        }
        end_turn(to);
    });
}

//! Everything is sent. A client that may still be sending is given a moment to read the answer:
//! closing a socket with unread input would reset it and lose the answer.
void server::parts::finish(session& done) {
    if (done.lingering) {
        return;
    }
    error_code ignored;
    if (done.tls) {
        done.tls->close();
        std::string& last = done.tls->output();
        if (!last.empty()) {
            done.socket.write_some(asio::buffer(last), ignored);
            last.clear();
        }
    }
    if (done.lingers() && !done.input_over) {
        done.socket.shutdown(tcp::socket::shutdown_send, ignored);
        done.lingering = true;
        done.since = now;
        return;
    }
    close(done);
}

void server::parts::close(session& done) {
    if (!done.closed) {
        done.closed = true;
        error_code ignored;
        done.socket.close(ignored);
    }
}

//! Called last by whoever was called by the loop: the only place where a session dies.
void server::parts::end_turn(session& of) {
    if (of.closed && !of.reading && !of.sending) {
        destroy(of);
    }
}

} // namespace fasti::http

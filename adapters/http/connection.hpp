// SPDX-License-Identifier: Apache-2.0
//! One client's connection without its socket: bytes in, requests out to a handler, answers back in
//! the order of the requests, bytes out. The server moves the bytes; tests call it directly.
#pragma once

#include "adapters/http/codec.hpp"
#include "adapters/http/exchange.hpp"
#include "adapters/http/response.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fasti::http {

struct connection_limits {
    codec_limits codec;
    std::size_t pipelined_max = 64;             //!< requests waiting for their answers
    std::size_t output_bytes_max = 1024 * 1024; //!< unsent bytes above which nothing more is read
};

//! What connections of one listener share.
struct connection_setting {
    connection_limits limits;
    std::vector<std::string> hosts; //!< names answered for; empty: any
    bool over_tls = false;
};

//! What a connection needs of the server.
class connection_host {
public:
    virtual void handle(responder to) = 0;
    //! There is output or room to go on that did not come about inside received().
    virtual void wake(connection& from) = 0;
    virtual const head_parts& heads() const = 0;
    virtual exchange_pool& exchanges() = 0;
    virtual bool draining() const = 0;
    //! An answer is complete, or the head of a stream: for counting.
    virtual void answered(const request&, const response&) {}

protected:
    ~connection_host() = default;
};

//! For the server's clockwork: which time limit applies. A change of `mark` is progress.
enum class connection_phase : std::uint8_t { idle, reading_head, reading_body, busy, writing };

class connection {
public:
    connection(connection_host& host, std::shared_ptr<const connection_setting> setting,
               std::string peer);
    ~connection();
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;

    // --- the server's side ---

    struct span {
        char* data;
        std::size_t size;
    };
    //! Where to read into; never empty while wants_input().
    span room();
    void received(std::size_t bytes);
    //! The client sends no more. Answers that are due are still written.
    void input_ended();
    bool wants_input() const noexcept;

    //! Bytes to send; the server takes them all and says how many the kernel did not take yet.
    std::string& output();
    //! Bytes that many connections send: the server may send them from where they are.
    struct loan {
        std::shared_ptr<const std::string> text; //!< null: there is none
        bool chunked = false;
    };
    //! What is to be sent before output(), which is empty then. The caller sends all of it or the rest of it first.
    loan take_loan() noexcept { return std::exchange(lent_, {}); }
    void set_unsent(std::size_t bytes);
    std::size_t backlog() const noexcept {
        return out_.size() + unsent_ + (lent_.text ? lent_.text->size() : 0);
    }
    //! Nothing more will be written: close once the output is sent.
    bool finished() const noexcept { return finished_ && head_ == nullptr; }
    //! The client may still be sending what was refused: read on for a moment before closing.
    bool lingers() const noexcept { return lingers_; }
    //! Goes on with input that waited for room; calls due on_drain.
    void resume();
    //! Answers with this after what is due, and ends the connection.
    void end_with(const codec_failure& why);
    //! No further request; streams end now, and with no request open the connection is finished.
    void drain();

    connection_phase phase() const noexcept;
    std::uint64_t mark() const noexcept { return mark_; }

    // --- the handlers' side, through responder and stream ---

    void advance();
    void begin_stream(exchange& opened);
    void write_stream(exchange& opened, std::string_view bytes);
    void share_stream(exchange& opened, const std::shared_ptr<const std::string>& text);
    void end_stream(exchange& opened);
    void wake();

private:
    void process();
    void dispatch(exchange& complete);
    void refuse(exchange& refused, const codec_failure& why);
    bool answered_here(exchange& complete);
    bool host_known(const request& in) const noexcept;
    void enqueue(exchange& complete);
    bool finish_head();
    void write_head(exchange& of, framing how);
    void send_continue();
    void abandon_all();

    connection_host& host_;
    std::shared_ptr<const connection_setting> setting_;
    std::string peer_;
    codec codec_;
    std::string in_;
    std::size_t begin_ = 0; //!< of what was not consumed
    std::size_t end_ = 0;
    std::string out_; //!< empty while something is lent: by output() only
    loan lent_;
    std::size_t unsent_ = 0;
    std::uint64_t mark_ = 0;
    exchange* current_ = nullptr; //!< being read
    exchange* head_ = nullptr;    //!< the answer that is due next
    exchange* tail_ = nullptr;
    std::size_t waiting_ = 0;
    bool processing_ = false;
    bool last_ = false; //!< no request after those read so far
    bool finished_ = false;
    bool lingers_ = false;
    bool continue_due_ = false;
};

} // namespace fasti::http

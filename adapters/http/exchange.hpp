// SPDX-License-Identifier: Apache-2.0
//! What a handler holds of one request and its answer. A responder is 16 plain bytes that may be
//! copied, kept and sent through other threads; request and answer stay where they are until send(),
//! even when the client goes away first.
//! Thread: everything here is called on the io thread; only the responder itself may travel.
#pragma once

#include "adapters/http/request.hpp"
#include "adapters/http/response.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

namespace fasti::http {

class connection;
class exchange_pool;
class stream;
struct exchange;

class responder {
public:
    responder() = default;
    responder(exchange_pool& pool, std::uint32_t index, std::uint32_t generation) noexcept
        : pool_(&pool), index_(index), generation_(generation) {}

    //! Nothing was sent by it yet.
    bool open() const noexcept;
    //! Whether nobody will read the answer. send() is still due: it frees the request.
    bool client_gone() const noexcept;

    //! Both need open().
    request& in() const;
    response& out() const;

    //! Ends the exchange with out() as filled; in() and out() are gone afterwards. Each request needs
    //! exactly one send() or start_stream(); a second one does nothing.
    void send() const;
    //! Sends the head of out() and keeps the body open. For HEAD the stream is closed from the start.
    stream start_stream() const;
    //! Called at most once, when the client goes away before send(). send() is still due.
    void on_cancel(std::function<void()> told) const;

private:
    friend class connection;
    friend class stream;
    exchange* find() const noexcept; //!< null when it was sent
    exchange& held() const noexcept;

    exchange_pool* pool_ = nullptr;
    std::uint32_t index_ = 0;
    std::uint32_t generation_ = 0;
};

//! The open body of an answer. As small and copyable as a responder.
class stream {
public:
    stream() = default;
    explicit stream(responder of) noexcept : of_(of) {}

    //! False when the stream is closed: nothing was taken.
    bool write(std::string_view bytes) const;
    //! The same for a text that many streams are given: it is not copied where it can be sent at once.
    bool share(const std::shared_ptr<const std::string>& text) const;
    //! Bytes taken that the kernel has not: a writer stops when this exceeds its bound.
    std::size_t buffered() const noexcept;
    bool open() const noexcept { return of_.open(); }
    //! Called once when at most `bytes` are buffered, from the io loop, never from inside.
    void on_drain(std::size_t bytes, std::function<void()> told) const;
    //! Called once when the client or the server ends the stream; not after finish().
    void on_close(std::function<void()> told) const;
    void finish() const;

private:
    responder of_;
};

enum class exchange_state : std::uint8_t { reading, waiting, ready, streaming };

//! One request, its answer, and where it stands. Owned by the pool.
struct exchange {
    request in;
    response out;
    connection* owner = nullptr; //!< null: the client is gone
    exchange* next = nullptr;    //!< the request behind it on the same connection
    std::uint32_t index = 0;
    std::uint32_t generation = 1;
    exchange_state state = exchange_state::reading;
    bool free = true;
    bool stream_ended = false;
    bool chunked = false;
    bool keep_alive = true;
    std::string early; //!< stream bytes while answers before this one are due
    std::size_t drain_at = 0;
    std::function<void()> cancelled; //!< on_cancel or on_close
    std::function<void()> drained;
};

//! All exchanges of a server; memory is reused, newest first.
class exchange_pool {
public:
    exchange& take();
    void give_back(exchange& done) noexcept;
    responder responder_of(exchange& of) noexcept { return {*this, of.index, of.generation}; }
    //! Null when the exchange was given back since.
    exchange* find(std::uint32_t index, std::uint32_t generation) noexcept;
    std::size_t in_use() const noexcept { return all_.size() - free_.size(); }

private:
    std::vector<std::unique_ptr<exchange>> all_;
    std::vector<std::uint32_t> free_;
};

} // namespace fasti::http

// SPDX-License-Identifier: Apache-2.0
//! The HTTP server: listeners, sockets, TLS, time limits and the orderly end. It knows nothing of
//! what is asked; one handler gets every request.
//! Thread: everything on the io thread, or before it runs. The loop must not run on after the server
//! is gone.
#pragma once

#include "adapters/http/connection.hpp"
#include "adapters/http/exchange.hpp"
#include "adapters/http/io_loop.hpp"
#include "adapters/http/listener.hpp"
#include "domain/base/result.hpp"

#include <cstdint>
#include <functional>
#include <memory>

namespace fasti::http {

struct server_options {
    connection_limits limits;
    time_limits patience;
    std::size_t connections_max = 4096; //!< one more gets 503; a reserve for that is kept
};

struct server_counters {
    std::uint64_t connections_accepted = 0;
    std::uint64_t connections_refused = 0;
    std::uint64_t connections_timed_out = 0;
    std::size_t connections_open = 0;
    std::size_t requests_open = 0;
    std::uint64_t requests = 0;
};

class server {
public:
    //! `handler` is called for each request that is well formed. It ends each by responder::send() or
    //! start_stream(), at once or later.
    server(io_loop& loop, server_options options, std::function<void(responder)> handler);
    ~server();
    server(const server&) = delete;
    server& operator=(const server&) = delete;

    //! Told of each answer when it is complete, and of each stream when it begins; also of what was
    //! refused before the handler saw it. Must not send anything.
    void on_answered(std::function<void(const request&, const response&)> watcher);

    //! Begins to listen; returns the port. On loopback only loopback names and `hosts` are answered
    //! for (DNS rebinding); elsewhere any, unless `hosts` names some.
    //! Errors: configuration_invalid: address not usable, TLS files not readable, or plain HTTP
    //!         outside loopback without insecure_plaintext.
    result<std::uint16_t> listen(const listener_options& options);

    //! Reads certificates and keys again; open connections keep theirs. On error all stay as they were.
    result<void> reload_tls();

    //! Stops accepting, ends streams, lets open requests finish for at most this long, then closes.
    void drain(std::uint32_t deadline_ms, std::function<void()> done);
    bool draining() const noexcept;

    //! Calls `done` when all that had reached the sockets by now was read and handed on: what waited
    //! on open connections, and connections that waited to be accepted. Those that always have more
    //! are given up after 25 ms, or half the time since the call before. One at a time.
    void when_read(std::function<void()> done);

    server_counters counters() const noexcept;

private:
    struct parts;
    std::unique_ptr<parts> parts_;
};

} // namespace fasti::http

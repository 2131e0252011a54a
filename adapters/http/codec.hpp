// SPDX-License-Identifier: Apache-2.0
//! Bytes in, requests out: HTTP/1.0 and 1.1 as a pure state machine, so that it is tested and fuzzed
//! without sockets. It is strict where leniency lets two parsers disagree about where a request ends:
//! one framing header, one Host, no folding, no bare line feeds.
#pragma once

#include "adapters/http/request.hpp"
#include "domain/base/error_code.gen.hpp"

#include <cstddef>
#include <memory>
#include <string_view>

namespace fasti::http {

struct codec_limits {
    std::size_t head_bytes_max = 16 * 1024; //!< request line and headers; trailers again as much
    std::size_t headers_max = 64;
    std::size_t query_pairs_max = 64;
    std::size_t body_bytes_max = 1024 * 1024;
};

enum class codec_state : std::uint8_t {
    need_more, //!< feed again when more has arrived, with what was not consumed in front
    request,   //!< `into` is complete
    bad,       //!< answer the failure and close: where the next request begins is unknown
};

//! Why a request was refused. The status is the code's own or one that only HTTP knows (501, 505).
struct codec_failure {
    int status = 400;
    error_code code = error_code::malformed;
    std::string_view detail;
};

class codec {
public:
    explicit codec(const codec_limits& limits);
    ~codec();
    codec(const codec&) = delete;
    codec& operator=(const codec&) = delete;

    struct outcome {
        codec_state state;
        std::size_t consumed;
    };

    //! Reads on from where the last call ended. `into` must be the same cleared request until it is
    //! complete; after a complete one the next call begins the next.
    outcome feed(std::string_view bytes, request& into);

    //! The head is read, the body is not, and the client waits for 100 Continue before it sends it.
    //! True once for each such request.
    bool take_continue() noexcept;

    //! Nothing of a next request was consumed yet (bytes of its head may wait in the input).
    bool between_requests() const noexcept;

    const codec_failure& failure() const noexcept;

private:
    struct parts;
    std::unique_ptr<parts> parts_;
};

} // namespace fasti::http

// SPDX-License-Identifier: Apache-2.0
//! Request headers that concern commands, read into conditions. Pure.
#pragma once

#include "adapters/http/request.hpp"
#include "domain/base/result.hpp"
#include "eventstore/port/event.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fasti::api {

struct command_headers {
    std::string_view idempotency_key; //!< without quotes; empty: none
    std::optional<std::uint64_t> if_match;
    bool if_match_any = false;      //!< If-Match: *
    bool if_none_match_any = false; //!< If-None-Match: *
    std::string reason;
    std::string trace; //!< a well-formed traceparent; others are dropped, as W3C Trace Context says
};

inline constexpr std::size_t reason_bytes_max = 1'024;

//! Errors: malformed, naming the header.
result<command_headers> read_command_headers(const http::request& from);

//! Whether text is version-format of W3C Trace Context: "00-<32 hex>-<16 hex>-<2 hex>", ids not zero.
bool is_traceparent(std::string_view text) noexcept;

} // namespace fasti::api

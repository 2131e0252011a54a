// SPDX-License-Identifier: Apache-2.0
#include "adapters/api/headers.hpp"

#include "domain/base/utf8.hpp"

#include <algorithm>
#include <charconv>

namespace fasti::api {
namespace {

error malformed(std::string message) { return error{error_code::malformed, std::move(message)}; }

std::string_view without_quotes(std::string_view text) {
    if (text.size() >= 2 && text.front() == '"' && text.back() == '"') {
        return text.substr(1, text.size() - 2);
    }
    return text;
}

result<std::string_view> read_key(std::string_view header) {
    const std::string_view key = without_quotes(header);
    const bool plain = std::all_of(key.begin(), key.end(), [](char c) {
        return c > 0x20 && c < 0x7F && c != '"' && c != '\\';
    });
    if (key.empty() || key.size() > receipt_key_bytes_max || !plain) {
        return malformed("Idempotency-Key must be one key of 1 to 255 visible ASCII characters, "
                         "bare or in double quotes.");
    }
    return key;
}

result<void> read_if_match(std::string_view header, command_headers& out) {
    if (header == "*") {
        out.if_match_any = true;
        return {};
    }
    const std::string_view text = without_quotes(header);
    std::uint64_t version = 0;
    const auto [end, trouble] = std::from_chars(text.data(), text.data() + text.size(), version);
    if (trouble != std::errc{} || end != text.data() + text.size()) {
        return malformed("If-Match must be one stream version such as \"3\", or *.");
    }
    out.if_match = version;
    return {};
}

bool is_hex(std::string_view text) {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool is_zero(std::string_view text) {
    return text.find_first_not_of('0') == std::string_view::npos;
}

result<std::string> read_reason(std::string_view header) {
    std::string room;
    const auto decoded = http::percent_decode(header, room);
    if (!decoded.has_value() || !is_utf8(*decoded)) {
        return malformed("Fasti-Reason must be UTF-8, plain or percent-encoded.");
    }
    const bool clean = std::none_of(decoded->begin(), decoded->end(), [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
    });
    if (decoded->size() > reason_bytes_max || !clean) {
        return malformed("Fasti-Reason must be at most 1024 bytes without control characters.");
    }
    return std::string(*decoded);
}

} // namespace

bool is_traceparent(std::string_view text) noexcept {
    return text.size() == 55 && text.substr(0, 2) == "00" && text[2] == '-' && text[35] == '-' &&
           text[52] == '-' && is_hex(text.substr(3, 32)) && is_hex(text.substr(36, 16)) &&
           is_hex(text.substr(53, 2)) && !is_zero(text.substr(3, 32)) &&
           !is_zero(text.substr(36, 16));
}

result<command_headers> read_command_headers(const http::request& from) {
    using http::header_id;
    command_headers out;
    if (from.has(header_id::idempotency_key)) {
        auto key = read_key(from.get(header_id::idempotency_key));
        if (!key.ok()) {
            return std::move(key).error();
        }
        out.idempotency_key = key.value();
    }
    if (from.has(header_id::if_match)) {
        if (auto read = read_if_match(from.get(header_id::if_match), out); !read.ok()) {
            return std::move(read).error();
        }
    }
    if (from.has(header_id::if_none_match)) {
        if (from.get(header_id::if_none_match) != "*") {
            return malformed(
                "If-None-Match on a command can only be *: create, but do not change.");
        }
        out.if_none_match_any = true;
    }
    if (from.has(header_id::fasti_reason)) {
        auto reason = read_reason(from.get(header_id::fasti_reason));
        if (!reason.ok()) {
            return std::move(reason).error();
        }
        out.reason = std::move(reason).value();
    }
    const std::string_view trace = from.get(header_id::traceparent);
    if (is_traceparent(trace)) {
        out.trace = trace;
    }
    return out;
}

} // namespace fasti::api

// SPDX-License-Identifier: Apache-2.0
#include "adapters/http/request.hpp"

#include "domain/base/char_class.hpp"
#include "domain/base/utf8.hpp"

#include <algorithm>
#include <cstring>

namespace fasti::http {

namespace {

constexpr std::array<std::string_view, static_cast<std::size_t>(header_id::count_)> header_names = {
    "accept",        "authorization", "connection",  "content-length",  "content-type",
    "expect",        "fasti-reason",  "host",        "idempotency-key", "if-match",
    "if-none-match", "last-event-id", "traceparent", "tracestate",      "transfer-encoding",
};

//! Names under which people put credentials into URLs.
constexpr std::array<std::string_view, 11> credential_names = {
    "access_token", "api-key",  "api_key",      "apikey", "auth",      "authorization",
    "bearer",       "password", "secret_token", "token",  "x-api-key",
};

constexpr char lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

int hex_digit(char c) noexcept {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    const char l = lower(c);
    return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

} // namespace

std::string_view to_name(method value) noexcept {
    constexpr std::array<std::string_view, 7> names = {"GET",    "POST",    "PUT", "PATCH",
                                                       "DELETE", "OPTIONS", ""};
    return names[static_cast<std::size_t>(value)];
}

std::optional<header_id> header_id_from_name(std::string_view name) noexcept {
    for (std::size_t i = 0; i < header_names.size(); ++i) {
        if (header_names[i].size() == name.size() && equal_ignoring_case(header_names[i], name)) {
            return static_cast<header_id>(i);
        }
    }
    return std::nullopt;
}

std::optional<std::string_view> request::find_header(std::string_view name) const noexcept {
    for (const header_line& line : headers) {
        if (equal_ignoring_case(line.name, name)) {
            return line.value;
        }
    }
    return std::nullopt;
}

std::optional<std::string_view> request::find_query(std::string_view name) const noexcept {
    for (const query_pair& pair : query) {
        if (pair.name == name) {
            return pair.value;
        }
    }
    return std::nullopt;
}

void request::clear() noexcept {
    constexpr std::size_t kept_body = 16 * 1024;
    verb = method::other;
    head_only = keep_alive = http_1_0 = false;
    routed = nullptr;
    arrived_us = 0;
    verb_name = target = path = host = {};
    query.clear();
    headers.clear();
    if (body.capacity() > kept_body) {
        std::string().swap(body);
    }
    body.clear();
    head_.clear();
    known_.fill({});
}

bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
    return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                              [](char x, char y) { return lower(x) == lower(y); });
}

std::optional<std::size_t> percent_decode(char* text, std::size_t size) noexcept {
    std::size_t out = 0;
    bool plain = true;
    for (std::size_t i = 0; i < size; ++i) {
        char c = text[i];
        if (c == '%') {
            const int high = i + 2 < size ? hex_digit(text[i + 1]) : -1;
            const int low = i + 2 < size ? hex_digit(text[i + 2]) : -1;
            if (high < 0 || low < 0) {
                return std::nullopt;
            }
            c = static_cast<char>(high * 16 + low);
            i += 2;
        }
        if (c == '\0') {
            return std::nullopt;
        }
        plain = plain && static_cast<unsigned char>(c) < 0x80;
        text[out++] = c;
    }
    if (!plain && !is_utf8({text, out})) {
        return std::nullopt;
    }
    return out;
}

std::optional<std::string_view> percent_decode(std::string_view text, std::string& room) {
    const auto special = [](char c) {
        return c == '%' || c == '\0' || static_cast<unsigned char>(c) >= 0x80;
    };
    if (std::none_of(text.begin(), text.end(), special)) {
        return text;
    }
    room.assign(text);
    const std::optional<std::size_t> size = percent_decode(room.data(), room.size());
    if (!size) {
        return std::nullopt;
    }
    room.resize(*size);
    return room;
}

bool read_query(char* text, std::size_t size, std::size_t pairs_max,
                std::vector<query_pair>& into) {
    char* const end = text + size;
    while (text < end) {
        char* const stop = std::find(text, end, '&');
        char* const equals = std::find(text, stop, '=');
        if (text != stop) {
            if (into.size() == pairs_max) {
                return false;
            }
            char* const value = equals == stop ? stop : equals + 1;
            const auto name_size = percent_decode(text, static_cast<std::size_t>(equals - text));
            const auto value_size = percent_decode(value, static_cast<std::size_t>(stop - value));
            if (!name_size || !value_size) {
                return false;
            }
            into.push_back({{text, *name_size}, {value, *value_size}});
        }
        text = stop == end ? end : stop + 1;
    }
    return true;
}

bool has_token_in_url(const request& from) noexcept {
    return std::any_of(from.query.begin(), from.query.end(), [](const query_pair& pair) {
        return std::any_of(
            credential_names.begin(), credential_names.end(),
            [&](std::string_view name) { return equal_ignoring_case(name, pair.name); });
    });
}

std::optional<std::string_view> host_without_port(std::string_view host) noexcept {
    std::string_view name = host;
    std::string_view rest;
    if (host.starts_with('[')) {
        const std::size_t close = host.find(']');
        if (close == std::string_view::npos || close == 1) {
            return std::nullopt;
        }
        name = host.substr(0, close + 1);
        rest = host.substr(close + 1);
    } else if (const std::size_t colon = host.find(':'); colon != std::string_view::npos) {
        name = host.substr(0, colon);
        rest = host.substr(colon);
    }
    const bool port_ok = rest.empty() || (rest[0] == ':' && rest.size() <= 6 &&
                                          std::all_of(rest.begin() + 1, rest.end(),
                                                      [](char c) { return c >= '0' && c <= '9'; }));
    // What may stand in a registered name (RFC 3986), less percent escapes and sub-delimiters.
    static constexpr char_class allowed(
        "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-_:[]");
    if (name.empty() || !port_ok ||
        !std::all_of(name.begin(), name.end(), [](char c) { return allowed.has(c); })) {
        return std::nullopt;
    }
    return name;
}

} // namespace fasti::http

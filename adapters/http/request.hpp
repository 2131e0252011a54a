// SPDX-License-Identifier: Apache-2.0
//! One HTTP request as the rest of the adapter sees it: no sockets, no third-party types.
//! All text but the body points into the request's own copy of the head and lives as long as it does.
#pragma once

#include "domain/wire/fields.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fasti::http {

//! HEAD arrives as get with head_only set: every route that takes GET takes HEAD.
enum class method : std::uint8_t { get, post, put, patch, delete_, options, other };

std::string_view to_name(method value) noexcept; //!< "GET"; empty for other

//! The headers that somebody asks for. Any other is found by name.
enum class header_id : std::uint8_t {
    accept,
    authorization,
    connection,
    content_length,
    content_type,
    expect,
    fasti_reason,
    host,
    idempotency_key,
    if_match,
    if_none_match,
    last_event_id,
    traceparent,
    tracestate,
    transfer_encoding,
    count_,
};

//! Nothing for a header that is not in the enum. Case does not matter.
std::optional<header_id> header_id_from_name(std::string_view name) noexcept;

//! Percent-decoded once; a '+' is a plus. The value is empty when there is no '='.
using query_pair = query_param;

struct route;

struct header_line {
    std::string_view name;
    std::string_view value;
};

class request {
public:
    method verb = method::other;
    bool head_only = false;  //!< HEAD: the body of the answer is left out
    bool keep_alive = false; //!< what the client asked for
    bool http_1_0 = false;   //!< no chunked answers
    bool over_tls = false;
    std::string_view verb_name; //!< as sent
    std::string_view target;    //!< as sent
    std::string_view
        path; //!< still percent-encoded, without the query; begins with '/' ("*" for OPTIONS *)
    std::string_view host; //!< from Host or an absolute target, without port; empty in HTTP/1.0
    std::vector<query_pair> query;
    std::vector<header_line> headers;
    std::string body; //!< may be changed in place and moved away
    std::string peer; //!< address of the client, without port
    //! For the handler, which sets them, and whoever is told of the answer.
    const route* routed = nullptr;
    std::int64_t arrived_us = 0; //!< by the handler's own clock; 0: it never saw the request

    bool has(header_id id) const noexcept { return known_[index(id)].data() != nullptr; }
    std::string_view get(header_id id) const noexcept { return known_[index(id)]; }
    //! Sets a header that was not sent; the text must outlive the request.
    void set(header_id id, std::string_view value) noexcept { known_[index(id)] = value; }
    //! The first line of this name; nothing when there is none.
    std::optional<std::string_view> find_header(std::string_view name) const noexcept;
    //! The first pair of this name; nothing when there is none.
    std::optional<std::string_view> find_query(std::string_view name) const noexcept;

    //! Makes it ready for the next request; keeps memory.
    void clear() noexcept;

private:
    friend class codec;
    static std::size_t index(header_id id) noexcept { return static_cast<std::size_t>(id); }

    std::string head_; //!< what the views point into
    std::array<std::string_view, static_cast<std::size_t>(header_id::count_)> known_{};
};

//! ASCII only, as header names and hosts are compared.
bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept;

//! Decodes %XX once, in place; returns the new length, or nothing when a '%' is not followed by two
//! hex digits or the result holds a NUL or is not UTF-8.
std::optional<std::size_t> percent_decode(char* text, std::size_t size) noexcept;
//! The same into a string; `text` itself when there is nothing to decode (then `room` stays unused).
std::optional<std::string_view> percent_decode(std::string_view text, std::string& room);

//! Splits and decodes "a=1&b=2" in place. False when a pair cannot be read or there are too many.
bool read_query(char* text, std::size_t size, std::size_t pairs_max, std::vector<query_pair>& into);

//! Whether the query carries what looks like a credential; URLs end up in logs and histories.
bool has_token_in_url(const request& from) noexcept;

//! The host of "name", "name:80", "[::1]:80" without port and in no particular case; nothing when
//! it is none.
std::optional<std::string_view> host_without_port(std::string_view host) noexcept;

} // namespace fasti::http

// SPDX-License-Identifier: Apache-2.0
//! From method and path to a declared route. The table is generated; this walks it.
#pragma once

#include "adapters/http/request.hpp"
#include "adapters/http/routes.gen.hpp"
#include "domain/wire/fields.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace fasti::http {

enum class route_status : std::uint8_t {
    found,
    no_path,   //!< 404
    no_method, //!< 405; `allow` says which there are
    malformed, //!< 400: a broken escape, bytes that are not UTF-8, an encoded slash in a plain segment
};

struct route_match {
    route_status status = route_status::no_path;
    const route* to = nullptr;   //!< found
    std::string_view allow = {}; //!< no_method: for the Allow header
    std::array<path_field, route_captures_max> fields = {};
    std::size_t field_count = 0;

    std::span<const path_field> captured() const noexcept { return {fields.data(), field_count}; }
};

//! Shape: `path` is still percent-encoded and begins with '/'. Segments are decoded once, each on
//!        its own; a '+' is a plus. A literal wins over a capture.
//! Captured text is borrowed from `path` and `room`, which allocates only when it is too small.
route_match match(method verb, std::string_view path, std::string& room);

} // namespace fasti::http

// SPDX-License-Identifier: Apache-2.0
//! Identifiers and positions as types of their own, so that one is never passed for another.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace fasti {

//! Place of an event in the log. Dense, from 1; 0 means "before the first event".
using position = std::uint64_t;

//! 128 random (or time-ordered, UUIDv7) bits; written as 32 lower-case hex digits.
struct id128 {
    std::array<std::uint8_t, 16> bytes{};

    auto operator<=>(const id128&) const = default;
    bool empty() const noexcept { return *this == id128{}; }
    std::string_view as_bytes() const noexcept {
        return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
    }
};

//! SHA-256 of an event's canonical bytes and its predecessor's hash.
struct hash256 {
    std::array<std::uint8_t, 32> bytes{};

    auto operator<=>(const hash256&) const = default;
    std::string_view as_bytes() const noexcept {
        return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
    }
    //! The first 32 bits, as tokens carry them.
    std::uint32_t prefix() const noexcept {
        return (std::uint32_t{bytes[0]} << 24U) | (std::uint32_t{bytes[1]} << 16U) |
               (std::uint32_t{bytes[2]} << 8U) | std::uint32_t{bytes[3]};
    }
};

std::string to_hex(std::string_view bytes);
//! Nothing when the text is not exactly 32 hex digits.
std::optional<id128> id128_from_hex(std::string_view text);

//! 64-bit hash (XXH3) for in-memory tables and derived indexes; never for security.
std::uint64_t hash64(std::string_view text) noexcept;

//! Transparent hasher for tables keyed by text.
struct text_hash {
    using is_transparent = void;
    using is_avalanching = void;
    std::size_t operator()(std::string_view text) const noexcept { return hash64(text); }
};

} // namespace fasti

// SPDX-License-Identifier: Apache-2.0
#include "projections/queries/cursor.hpp"

#include <array>
#include <cstdint>
#include <utility>

namespace fasti {
namespace {

constexpr std::string_view digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::size_t cursor_bytes_max = 1024;
constexpr std::string_view of_empty_key = "_"; // no bytes are written as one digit

error unreadable() {
    return {error_code::malformed,
            "The cursor is not one that a list gave.",
            {{"#/cursor", "Pass `next` of the page before, unchanged."}}};
}

} // namespace

std::string write_cursor(std::string_view last_key) {
    if (last_key.empty()) {
        return std::string{of_empty_key}; // an empty cursor is none
    }
    std::string out;
    std::uint32_t bits = 0;
    unsigned count = 0;
    for (const char c : last_key) {
        bits = (bits << 8U) | static_cast<unsigned char>(c);
        for (count += 8; count >= 6; count -= 6) {
            out.push_back(digits[(bits >> (count - 6)) & 0x3FU]);
        }
    }
    if (count > 0) {
        out.push_back(digits[(bits << (6 - count)) & 0x3FU]);
    }
    return out;
}

result<std::optional<std::string>> read_cursor(std::string_view cursor) {
    if (cursor.empty()) {
        return std::optional<std::string>{};
    }
    std::string out;
    std::uint32_t bits = 0;
    unsigned count = 0;
    if (cursor.size() > cursor_bytes_max) {
        return unreadable();
    }
    for (const char c : cursor) {
        const std::size_t value = digits.find(c);
        if (value == std::string_view::npos) {
            return unreadable();
        }
        bits = (bits << 6U) | static_cast<std::uint32_t>(value);
        count += 6;
        if (count >= 8) {
            count -= 8;
            out.push_back(static_cast<char>(bits >> count));
        }
    }
    if (write_cursor(out) != cursor) {
        return unreadable(); // bits left over: cut or made up
    }
    return std::optional{std::move(out)};
}

std::string above(const std::optional<std::string>& key) {
    return key ? *key + '\0' : std::string{};
}

} // namespace fasti

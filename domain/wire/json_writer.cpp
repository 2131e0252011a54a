// SPDX-License-Identifier: Apache-2.0
#include "domain/wire/json_writer.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstring>

namespace fasti {
namespace {

//! What stands after the backslash; 'u' for a four-digit escape, 0 for none.
constexpr std::array<char, 256> escapes = [] {
    std::array<char, 256> table{};
    for (std::size_t i = 0; i < 0x20; ++i) {
        table[i] = 'u';
    }
    table['"'] = '"';
    table['\\'] = '\\';
    table['\b'] = 'b';
    table['\f'] = 'f';
    table['\n'] = 'n';
    table['\r'] = 'r';
    table['\t'] = 't';
    return table;
}();

constexpr std::uint64_t every_byte = 0x0101010101010101U;
constexpr std::uint64_t high_bits = 0x8080808080808080U;

//! True when none of eight bytes is a control character, a quote or a backslash.
bool eight_are_clean(const char* bytes) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes, sizeof word);
    const std::uint64_t quotes = word ^ (every_byte * '"');
    const std::uint64_t slashes = word ^ (every_byte * '\\');
    const std::uint64_t found = ((word - every_byte * 0x20) & ~word) |
                                ((quotes - every_byte) & ~quotes) |
                                ((slashes - every_byte) & ~slashes);
    return (found & high_bits) == 0;
}

std::size_t clean_prefix(std::string_view text) {
    std::size_t at = 0;
    while (at + 8 <= text.size() && eight_are_clean(text.data() + at)) {
        at += 8;
    }
    while (at < text.size() && escapes[static_cast<unsigned char>(text[at])] == 0) {
        ++at;
    }
    return at;
}

} // namespace

void json_writer::quoted(std::string_view value) {
    std::size_t clean = clean_prefix(value);
    if (clean == value.size()) { // nearly always: room once, then plain copies
        const std::size_t at = out_.size();
        out_.resize(at + clean + 2);
        char* const to = out_.data() + at;
        *to = '"';
        if (clean != 0) {
            std::memcpy(to + 1, value.data(), clean);
        }
        to[clean + 1] = '"';
        return;
    }
    out_ += '"';
    while (clean < value.size()) {
        out_.append(value.data(), clean);
        const auto byte = static_cast<unsigned char>(value[clean]);
        out_ += '\\';
        out_ += escapes[byte];
        if (escapes[byte] == 'u') {
            static constexpr char digits[] = "0123456789abcdef";
            const char code[4] = {'0', '0', digits[byte >> 4U], digits[byte & 0xFU]};
            out_.append(code, sizeof code);
        }
        value.remove_prefix(clean + 1);
        clean = clean_prefix(value);
    }
    out_.append(value);
    out_ += '"';
}

void json_writer::name(std::string_view text) {
    comma();
    quoted(text);
    out_ += ':';
}

void json_writer::text(std::string_view value) {
    comma();
    quoted(value);
}

void json_writer::number(std::uint64_t value) {
    comma();
    char digits[20];
    const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    out_.append(digits, static_cast<std::size_t>(end - digits));
}

void json_writer::number(std::int64_t value) {
    comma();
    char digits[20];
    const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    out_.append(digits, static_cast<std::size_t>(end - digits));
}

void json_writer::number(double value) {
    if (!std::isfinite(value)) {
        null();
        return;
    }
    comma();
    char digits[32];
    const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    out_.append(digits, static_cast<std::size_t>(end - digits));
}

void json_writer::boolean(bool value) {
    comma();
    out_ += value ? "true" : "false";
}

void json_writer::null() {
    comma();
    out_ += "null";
}

void json_writer::moment(instant value) {
    comma();
    char stamp[27];
    write_rfc3339(value, stamp);
    out_ += '"';
    out_.append(stamp, sizeof stamp);
    out_ += '"';
}

void json_writer::texts(const std::vector<std::string_view>& values) {
    begin_array();
    for (const std::string_view value : values) {
        text(value);
    }
    end_array();
}

void json_writer::labels(const std::vector<label>& values) {
    begin_object();
    for (const label& one : values) {
        name(one.key);
        text(one.value);
    }
    end_object();
}

} // namespace fasti

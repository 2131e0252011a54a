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

//! Copies a clean text; null as soon as eight bytes are not. Words overlap at the end, so that short
//! texts, as most are, take a few moves and no call.
char* copy_clean(std::string_view text, char* to) {
    const char* const from = text.data();
    const std::size_t size = text.size();
    if (size < 8) {
        for (std::size_t at = 0; at < size; ++at) {
            if (escapes[static_cast<unsigned char>(from[at])] != 0) {
                return nullptr;
            }
            to[at] = from[at];
        }
        return to + size;
    }
    const auto move_eight = [&](std::size_t at) {
        std::memcpy(to + at, from + at, 8);
        return eight_are_clean(from + at);
    };
    for (std::size_t at = 0; at + 8 <= size; at += 8) {
        if (!move_eight(at)) {
            return nullptr;
        }
    }
    return move_eight(size - 8) ? to + size : nullptr;
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

json_members::json_members(json_writer& to, std::size_t bytes) : to_(to) {
    to_.comma();
    start_ = to_.out_.size();
    to_.out_.resize(start_ + bytes + 2);
    at_ = to_.out_.data() + start_;
}

void json_members::end() {
    char* const start = to_.out_.data() + start_;
    if (at_ == start) {
        ++at_;
    }
    *start = '{';
    *at_++ = '}';
    to_.out_.resize(static_cast<std::size_t>(at_ - to_.out_.data()));
}

void json_members::text(std::string_view value) {
    if (char* const end = copy_clean(value, at_ + 1)) [[likely]] {
        *at_ = '"';
        *end = '"';
        at_ = end + 1;
        return;
    }
    text_with_escapes(value);
}

//! Written by the writer itself; the room for what comes after it moves behind.
void json_members::text_with_escapes(std::string_view value) {
    std::string& out = to_.out_;
    const auto used = static_cast<std::size_t>(at_ - out.data());
    const std::size_t left = out.size() - used;
    out.resize(used);
    to_.quoted(value);
    const std::size_t end = out.size();
    out.resize(end + left);
    at_ = out.data() + end;
}

void json_members::number(std::uint64_t value) {
    at_ = std::to_chars(at_, at_ + json_bytes(value), value).ptr;
}

void json_members::number(std::int64_t value) {
    at_ = std::to_chars(at_, at_ + json_bytes(value), value).ptr;
}

void json_members::moment(instant value) {
    char stamp[27];
    write_rfc3339(value, stamp);
    *at_ = '"';
    std::memcpy(at_ + 1, stamp, sizeof stamp);
    at_[1 + sizeof stamp] = '"';
    at_ += sizeof stamp + 2;
}

void json_members::texts(const std::vector<std::string_view>& values) {
    *at_++ = '[';
    for (const std::string_view value : values) {
        text(value);
        *at_++ = ',';
    }
    at_ -= values.empty() ? 0 : 1;
    *at_++ = ']';
}

void json_members::labels(const std::vector<label>& values) {
    *at_++ = '{';
    for (const label& one : values) {
        text(one.key);
        *at_++ = ':';
        text(one.value);
        *at_++ = ',';
    }
    at_ -= values.empty() ? 0 : 1;
    *at_++ = '}';
}

std::size_t json_bytes(const std::vector<std::string_view>& values) {
    std::size_t bytes = 2;
    for (const std::string_view value : values) {
        bytes += json_bytes(value) + 1;
    }
    return bytes;
}

std::size_t json_bytes(const std::vector<label>& values) {
    std::size_t bytes = 2;
    for (const label& one : values) {
        bytes += json_bytes(one.key) + json_bytes(one.value) + 2;
    }
    return bytes;
}

} // namespace fasti

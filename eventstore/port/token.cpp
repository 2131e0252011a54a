// SPDX-License-Identifier: Apache-2.0
#include "eventstore/port/token.hpp"

#include <charconv>

namespace fasti {
namespace {

constexpr std::size_t epoch_digits = 16;
constexpr std::size_t hash_digits = 8;

char* write_hex(std::uint64_t value, std::size_t digits, char* to) {
    static constexpr char symbols[] = "0123456789abcdef";
    for (std::size_t i = digits; i-- > 0;) {
        *to++ = symbols[(value >> (4 * i)) & 0xFU];
    }
    return to;
}

//! Exactly that many lower-case digits: a token is copied, never typed.
std::optional<std::uint64_t> read_hex(std::string_view text, std::size_t digits) {
    if (text.size() != digits) {
        return std::nullopt;
    }
    std::uint64_t value = 0;
    for (const char c : text) {
        if (c >= '0' && c <= '9') {
            value = (value << 4U) | static_cast<std::uint64_t>(c - '0');
        } else if (c >= 'a' && c <= 'f') {
            value = (value << 4U) | static_cast<std::uint64_t>(c - 'a' + 10);
        } else {
            return std::nullopt;
        }
    }
    return value;
}

std::optional<position> read_decimal(std::string_view text) {
    position value = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, problem] = std::from_chars(text.data(), end, value);
    const bool padded = text.size() > 1 && text.front() == '0';
    if (text.empty() || problem != std::errc{} || stop != end || padded) {
        return std::nullopt;
    }
    return value;
}

error not_a_token() {
    return {error_code::malformed,
            "A token is a position such as 42, or <epoch>.<position>.<hash> as Fasti gave it."};
}

} // namespace

void write_token(std::uint64_t epoch, position at, std::uint32_t hash_prefix, std::string& out) {
    constexpr std::size_t position_digits = 20;
    char room[epoch_digits + 1 + position_digits + 1 + hash_digits];
    char* to = write_hex(epoch, epoch_digits, room);
    *to++ = '.';
    const auto [end, problem] = std::to_chars(to, to + position_digits, at);
    check(problem == std::errc{}, "20 digits hold any position");
    to = end;
    *to++ = '.';
    to = write_hex(hash_prefix, hash_digits, to);
    out.append(room, static_cast<std::size_t>(to - room));
}

result<history_token> read_token(std::string_view text) {
    history_token token;
    const std::size_t dot = text.find('.');
    if (dot == std::string_view::npos) {
        const auto at = read_decimal(text);
        if (!at) {
            return not_a_token();
        }
        token.at = *at;
        return token;
    }
    const std::size_t second = text.find('.', dot + 1);
    if (second == std::string_view::npos) {
        return not_a_token();
    }
    token.epoch = read_hex(text.substr(0, dot), epoch_digits);
    const auto at = read_decimal(text.substr(dot + 1, second - dot - 1));
    const auto prefix = read_hex(text.substr(second + 1), hash_digits);
    if (!token.epoch || !at || !prefix) {
        return not_a_token();
    }
    token.at = *at;
    token.hash_prefix = static_cast<std::uint32_t>(*prefix);
    return token;
}

result<void> verify_token(const history_token& token, const ledger& of) {
    if (!token.epoch && !token.hash_prefix) {
        return {};
    }
    const ledger_head head = of.head();
    const error forked{
        error_code::history_forked,
        "This token was issued by another history of the log than the one kept here: "
        "it was restored, copied back or forked. Start again without the token."};
    if ((token.epoch && *token.epoch != head.epoch) || token.at > head.last) {
        return forked;
    }
    if (token.hash_prefix) {
        const auto hash = of.hash_at(token.at);
        if (!hash.ok()) {
            return hash.error();
        }
        if (hash->prefix() != *token.hash_prefix) {
            return forked;
        }
    }
    return {};
}

} // namespace fasti

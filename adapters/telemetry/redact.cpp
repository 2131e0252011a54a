// SPDX-License-Identifier: Apache-2.0
#include "adapters/telemetry/redact.hpp"

#include <algorithm>
#include <array>

namespace fasti::telemetry {
namespace {

constexpr std::string_view token_prefix = "fasti_";
constexpr std::size_t id_digits = 16;

bool is_token_char(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_';
}

bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool starts_with_ignoring_case(std::string_view text, std::string_view start) {
    return text.size() >= start.size() &&
           std::equal(start.begin(), start.end(), text.begin(),
                      [](char wanted, char c) { return lower(c) == wanted; });
}

//! Length of a token's text at the front, with a cut or lengthened secret too; 0 when there is none.
std::size_t token_length(std::string_view text) {
    const std::size_t head = token_prefix.size() + id_digits + 1;
    if (text.size() <= head || text.substr(0, token_prefix.size()) != token_prefix ||
        text[head - 1] != '_' ||
        !std::all_of(text.begin() + token_prefix.size(), text.begin() + head - 1, is_hex)) {
        return 0;
    }
    std::size_t end = head;
    while (end < text.size() && is_token_char(text[end])) {
        ++end;
    }
    return end;
}

//! Length of "bearer " or the like at the front when something follows it.
std::size_t scheme_length(std::string_view text) {
    static constexpr std::array<std::string_view, 3> schemes = {"bearer ", "basic ", "digest "};
    for (const std::string_view scheme : schemes) {
        if (starts_with_ignoring_case(text, scheme)) {
            return scheme.size();
        }
    }
    return 0;
}

bool is_word_end(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '"' || c == '\''; }

} // namespace

void append_redacted(std::string_view text, std::string& out) {
    std::size_t kept = 0; // copied up to here
    std::size_t at = 0;
    const auto cut = [&](std::size_t show, std::size_t length) {
        out.append(text.substr(kept, at + show - kept));
        out.append(redacted);
        at += length;
        kept = at;
    };
    while (at < text.size()) {
        const char c = lower(text[at]);
        const std::string_view rest = text.substr(at);
        if (c == 'f') {
            if (const std::size_t length = token_length(rest)) {
                cut(token_prefix.size() + id_digits + 1, length);
                continue;
            }
        } else if ((c == 'b' || c == 'd') && (at == 0 || !is_token_char(text[at - 1]))) {
            if (const std::size_t scheme = scheme_length(rest)) {
                std::size_t end = scheme;
                while (end < rest.size() && !is_word_end(rest[end])) {
                    ++end;
                }
                if (end > scheme) {
                    cut(scheme, end);
                    continue;
                }
            }
        }
        ++at;
    }
    out.append(text.substr(kept));
}

bool is_secret_name(std::string_view name, std::span<const std::string> more) {
    static constexpr std::array<std::string_view, 9> whole = {
        "authorization", "proxy-authorization", "cookie", "set-cookie",
        "password",      "passphrase",          "secret", "token",
        "private_key"};
    static constexpr std::array<std::string_view, 4> ends = {"_password", "_secret", "_token",
                                                             "_key"};
    const auto same = [name](std::string_view one) {
        return name.size() == one.size() && starts_with_ignoring_case(name, one);
    };
    const auto ends_name = [name](std::string_view end) {
        return name.size() > end.size() &&
               starts_with_ignoring_case(name.substr(name.size() - end.size()), end);
    };
    // An idempotency key is no secret and is what an operator looks for.
    if (same("idempotency_key")) {
        return false;
    }
    return std::any_of(whole.begin(), whole.end(), same) ||
           std::any_of(ends.begin(), ends.end(), ends_name) ||
           std::find(more.begin(), more.end(), name) != more.end();
}

} // namespace fasti::telemetry

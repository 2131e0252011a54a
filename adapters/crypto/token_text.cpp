// SPDX-License-Identifier: Apache-2.0
#include "adapters/crypto/token_text.hpp"

#include "adapters/crypto/digest.hpp"

#include <algorithm>
#include <array>

namespace fasti::crypto {
namespace {

constexpr std::string_view prefix = "fasti_";
constexpr std::size_t id_digits = 16;
constexpr std::size_t secret_bytes = 32;

bool is_id(std::string_view text) {
    return text.size() == id_digits && std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
           });
}

} // namespace

fresh_token make_token() {
    std::array<std::uint8_t, id_digits / 2 + secret_bytes> random{};
    fill_random(random);
    const std::string_view bytes{reinterpret_cast<const char*>(random.data()), random.size()};
    const std::string_view secret = bytes.substr(id_digits / 2);
    fresh_token made;
    made.parts.id = to_hex(bytes.substr(0, id_digits / 2));
    made.parts.secret_sha256 = sha256_of(secret);
    made.text = std::string{prefix} + made.parts.id + "_" + to_base64url(secret);
    return made;
}

std::optional<token_text> read_token_text(std::string_view text) {
    if (text.size() != token_text_size || text.substr(0, prefix.size()) != prefix) {
        return std::nullopt;
    }
    const std::string_view id = text.substr(prefix.size(), id_digits);
    const std::optional<std::string> secret = from_base64url(
        text.substr(prefix.size() + id_digits + 1));
    if (!is_id(id) || text[prefix.size() + id_digits] != '_' || !secret) {
        return std::nullopt;
    }
    return token_text{std::string{id}, sha256_of(*secret)};
}

} // namespace fasti::crypto

// SPDX-License-Identifier: Apache-2.0
//! The text of a bearer token: "fasti_", 16 hex digits that are its id, "_", and 43 characters that are
//! 32 secret bytes in base64url. Only the SHA-256 of the secret bytes is ever stored.
#pragma once

#include "domain/base/ids.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace fasti::crypto {

inline constexpr std::size_t token_text_size = 6 + 16 + 1 + 43;

struct token_text {
    std::string id;        //!< 16 lower-case hex digits, not secret
    hash256 secret_sha256; //!< what is stored and compared
};

struct fresh_token {
    std::string text; //!< shown once
    token_text parts;
};

//! A token nobody had before.
fresh_token make_token();

//! Nothing for text of another form.
std::optional<token_text> read_token_text(std::string_view text);

} // namespace fasti::crypto

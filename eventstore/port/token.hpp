// SPDX-License-Identifier: Apache-2.0
//! The one token for a place in history: "<epoch>.<position>.<first 8 hex digits of the hash there>".
#pragma once

#include "domain/base/ids.hpp"
#include "domain/base/result.hpp"
#include "eventstore/port/ledger.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace fasti {

//! epoch and hash are absent when a person gave a bare position.
struct history_token {
    std::optional<std::uint64_t> epoch; //!< written as 16 hex digits
    position at = 0;
    std::optional<std::uint32_t> hash_prefix;
};

//! Appends the token's text (at most 16 + 1 + 20 + 1 + 8 bytes).
void write_token(std::uint64_t epoch, position at, std::uint32_t hash_prefix, std::string& out);

//! Errors: malformed, naming what a token looks like.
result<history_token> read_token(std::string_view text);

//! Whether a token belongs to the ledger's history. A full token above the head cannot have been
//! issued by it: history_forked, at once. A bare position above the head is left to the caller.
//! Errors: history_forked.
result<void> verify_token(const history_token& token, const ledger& of);

} // namespace fasti

// SPDX-License-Identifier: Apache-2.0
//! Cursors say after which key a list goes on, so rows that come or go meanwhile neither repeat nor
//! hide others. Opaque to clients: base64url of the key, `_` for the empty key.
#pragma once

#include "domain/base/result.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace fasti {

std::string write_cursor(std::string_view last_key);

//! The key, which may be empty; nothing for no cursor. Errors: malformed.
result<std::optional<std::string>> read_cursor(std::string_view cursor);

//! The least text above a key: where a list goes on. Without a key: where it begins.
std::string above(const std::optional<std::string>& key);

} // namespace fasti

// SPDX-License-Identifier: Apache-2.0
//! Cursors say after which key a list goes on, so rows that come or go meanwhile neither repeat nor
//! hide others. Opaque to clients: base64url of the key.
#pragma once

#include "domain/base/result.hpp"

#include <string>
#include <string_view>

namespace fasti {

std::string write_cursor(std::string_view last_key);

//! The key; empty for no cursor. Errors: malformed.
result<std::string> read_cursor(std::string_view cursor);

} // namespace fasti

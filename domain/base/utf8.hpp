// SPDX-License-Identifier: Apache-2.0
//! Whether bytes are UTF-8. Checked where text comes in; taken for granted from there on.
#pragma once

#include <string_view>

namespace fasti {

//! True for well-formed UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF.
bool is_utf8(std::string_view text) noexcept;

} // namespace fasti

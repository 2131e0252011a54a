// SPDX-License-Identifier: Apache-2.0
//! Secrets are cut from text before it is written anywhere: tokens of ours keep only their id, what
//! follows an authorization scheme goes whole.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace fasti::telemetry {

inline constexpr std::string_view redacted = "[redacted]";

//! Appends the text without what looks like a token or credentials.
void append_redacted(std::string_view text, std::string& out);

//! Whether a field of this name holds a secret whatever it looks like: `authorization`, `password`,
//! `cookie`, names ending in `_secret`, `_token`, ..., and those in `more`.
bool is_secret_name(std::string_view name, std::span<const std::string> more = {});

} // namespace fasti::telemetry

// SPDX-License-Identifier: Apache-2.0
//! `at`, `after`, `index`: texts that name a place in history, resolved against a ledger.
#pragma once

#include "domain/base/instant.hpp"
#include "domain/base/result.hpp"
#include "eventstore/port/ledger.hpp"

#include <string_view>

namespace fasti::api {

//! The position of `at`: a token, a bare position, an RFC 3339 instant, or "-5m" before now.
//! Errors: malformed, history_forked, position_unknown. Thread: any.
result<position> read_at(std::string_view text, const ledger& facts, instant now);

//! The position of `after` or `index`: a token or bare position, perhaps above the head when bare.
//! Errors: malformed, history_forked.
result<position> read_place(std::string_view text, const ledger& facts);

} // namespace fasti::api

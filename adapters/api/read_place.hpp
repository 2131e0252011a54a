// SPDX-License-Identifier: Apache-2.0
//! `after` and `index`: texts that name a place in history, checked against a ledger.
#pragma once

#include "domain/base/result.hpp"
#include "eventstore/port/ledger.hpp"

#include <string_view>

namespace fasti::api {

//! The position of `after` or `index`: a token or bare position, perhaps above the head when bare.
//! Errors: malformed, history_forked.
result<position> read_place(std::string_view text, const ledger& facts);

} // namespace fasti::api

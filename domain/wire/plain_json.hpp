// SPDX-License-Identifier: Apache-2.0
//! The quick way through JSON as most clients write it: no escapes, no fractions, no negative numbers.
//! Whatever else stands in a text, also what is wrong with it, is left to the complete parser, so that
//! there is one place that words refusals.
#pragma once

#include "domain/wire/json.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace fasti {

//! Reads a text that is known to be UTF-8 into `nodes`, which borrow from it. False: it is not as plain as
//! that, or not JSON, or nests too deep, or has a key twice in an object; `nodes` is then unspecified.
bool read_plain_json(std::string_view text, std::size_t depth_max, std::vector<json_node>& nodes);

//! The key that stands twice in an object that was read completely; null: none does.
const json_node* repeated_key(const std::vector<json_node>& nodes, std::uint32_t object);

} // namespace fasti

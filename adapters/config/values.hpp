// SPDX-License-Identifier: Apache-2.0
//! One value: from text into its place, checked against its key's declaration.
#pragma once

#include "adapters/config/config.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fasti::config_detail {

//! Each sets the member of `into` and returns nothing, or returns what is wrong ("must be ...").
using refusal = std::optional<std::string>;

refusal set_text(const config_key& key, std::string_view text, config& into);
refusal set_number(const config_key& key, std::uint64_t number, config& into);
refusal set_list(const config_key& key, std::vector<std::string> items, config& into);

//! What the key takes, as a sentence part: "a number from 100 to 3600000 ms".
std::string expectation(const config_key& key);

//! One key found in a file, or what is wrong with the file.
struct file_value {
    const config_key* key;
    std::size_t line;
    std::variant<std::string, bool, std::int64_t, std::vector<std::string>> value;
};
struct file_fault {
    std::size_t line;
    std::string key; //!< empty: the file as a whole
    std::string what;
};
struct file_content {
    std::vector<file_value> values;
    std::vector<file_fault> faults;
};
file_content read_toml(std::string_view text);

} // namespace fasti::config_detail

// SPDX-License-Identifier: Apache-2.0
//! From words to one command with checked values, or to help, or to what is wrong with them.
#pragma once

#include "adapters/cli/spec.hpp"

#include <optional>
#include <string>
#include <vector>

namespace fasti::cli {

struct parsed {
    const command_spec* command = nullptr; //!< null: `text` says why
    arguments given;
    bool help = false; //!< `text` is help, not a fault
    std::string text;
};

parsed parse(const std::vector<command_spec>& commands, const std::vector<std::string>& words);

//! Help of a command or of the group that the words name; empty words: of `fasti`.
std::string help_of(const std::vector<command_spec>& commands,
                    const std::vector<std::string>& words);

//! "--lease-ms"; "INSTANCE" for a positional one.
std::string name_in_help(const option_spec& option);

//! What may stand where the last word is, for shell completion.
std::vector<std::string> completions(const std::vector<command_spec>& commands,
                                     const std::vector<std::string>& words);

} // namespace fasti::cli

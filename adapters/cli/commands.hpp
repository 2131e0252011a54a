// SPDX-License-Identifier: Apache-2.0
//! The sub-commands that are more than one declared call, each group in its own file.
#pragma once

#include "adapters/cli/session.hpp"

#include <vector>

namespace fasti::cli {

std::vector<command_spec> registry_commands(); //!< register --hold, watch
std::vector<command_spec> event_commands();    //!< events tail, export
std::vector<command_spec> entity_commands();   //!< why, token create
std::vector<command_spec> config_commands();   //!< serve, config check|show
std::vector<command_spec> proof_commands();    //!< verify, replay, snapshot
std::vector<command_spec> other_commands();    //!< command, version, completion

} // namespace fasti::cli

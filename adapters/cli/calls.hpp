// SPDX-License-Identifier: Apache-2.0
//! The declared commands and queries as sub-commands: built and run from the generated table.
#pragma once

#include "adapters/cli/session.hpp"

#include <vector>

namespace fasti::cli {

std::vector<command_spec> declared_commands();

//! The exchange that a declared call is.
exchange_request request_of(const call_info& call, const arguments& given);

//! Path and query of a declared call, without common parameters.
std::string target_of(const call_info& call, const arguments& given);

//! --reason, --dry-run, --expect, ... as headers and query.
void add_command_options(const arguments& given, exchange_request& to);
std::vector<option_spec> command_options();

const call_info& call_named(std::string_view name);

//! Sends, prints the answer as the output option says, returns the exit code.
int run_call(session& at, const call_info& call, const arguments& given);
int print_answer(session& at, const exchange_answer& answer);
void print_outcome(json_value answer, std::ostream& out);
void say_secret_is_shown_once(session& at);

//! What a table shows of a view's rows.
const std::vector<std::string>& columns_of_view(std::string_view view);

//! Options of a declared call with those every call of its kind takes.
std::vector<option_spec> options_of(const call_info& call);

} // namespace fasti::cli

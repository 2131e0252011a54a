// SPDX-License-Identifier: Apache-2.0
//! What a running sub-command has at hand: streams, the server, and how answers are shown.
#pragma once

#include "adapters/cli/cli.hpp"
#include "adapters/cli/client.hpp"
#include "adapters/cli/spec.hpp"
#include "domain/wire/json.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace fasti::cli {

struct session {
    surroundings& around;
    const hooks& with;
    const std::vector<command_spec>& commands;

    bool json = false;   //!< --output json
    bool colour = false; //!< of results

    //! Value of a variable; empty when unset.
    std::string variable(std::string_view name) const;
    void say(std::string_view message) const; //!< a line on stderr
    int fail(int code, std::string_view message) const;
};

//! --addr, --token-file, ... of every command that asks a server.
std::vector<option_spec> server_options();
//! --output.
option_spec output_option();

//! Finds the server and the token; null after having said what is wrong.
std::unique_ptr<client> connect(session& at, const arguments& given);

//! The server's settings as `config show` has them, or defaults when they are broken.
loaded_config known_settings(const session& at);

//! The exit code of an answer; says on stderr what a problem says.
int report(session& at, const client& by, const exchange_answer& answer);
int exit_code_of(int status, bool has_field_errors);

//! Parsed in place from a copy; null value when it is no JSON.
struct json_text {
    std::string text;
    json_document document;
    bool good = false;
    json_value root() const { return good ? document.root() : json_value{}; }
};
std::unique_ptr<json_text> read_json(std::string text);

//! A value as text for people: texts bare, others as JSON.
std::string plain_text(json_value value);
//! A value as JSON text.
std::string json_of(json_value value);

} // namespace fasti::cli

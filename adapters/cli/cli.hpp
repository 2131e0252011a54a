// SPDX-License-Identifier: Apache-2.0
//! The command line of `fasti`: every sub-command, its help and its exit codes.
//! What touches the process (environment, streams, terminal) comes in as data, so that tests run it inside.
#pragma once

#include "adapters/config/config.hpp"
#include "domain/base/result.hpp"

#include <functional>
#include <iosfwd>
#include <string>
#include <vector>

namespace fasti::cli {

//! For scripts; stated in every --help.
enum exit_code : int {
    exit_success = 0,
    exit_finding = 1,     //!< a difference, something found, or a command that was refused
    exit_usage = 2,       //!< the command line or a field is wrong
    exit_unreachable = 3, //!< no server answered, or it cannot serve now
    exit_denied = 4,      //!< no token, a wrong one, or one without the permission
    exit_conflict = 5,    //!< somebody else was faster: read again
    exit_damaged = 78,    //!< configuration is wrong, or stored data is damaged
};

struct surroundings {
    config_inputs inputs; //!< environment and user; flags are added by the command line
    std::istream& in;
    std::ostream& out; //!< results
    std::ostream& err; //!< messages
    bool out_terminal = false;
    bool err_terminal = false;
};

//! What the command line cannot do by itself, filled in by main.
struct hooks {
    std::string version;
    //! Serves until told to stop. `reload` reads the configuration again as it was given.
    std::function<result<void>(loaded_config settings,
                               std::function<result<loaded_config>()> reload)>
        serve = {};
    //! Where in a data folder things are; for the commands that take --data.
    std::function<std::string(const std::string& data)> log_folder = {};
    std::function<std::string(const std::string& data)> snapshot_folder = {};
};

//! Without the program's own name.
int run(const std::vector<std::string>& arguments, surroundings& around, const hooks& with);

} // namespace fasti::cli

namespace fasti {

//! The same with the process's own arguments and streams.
int run_cli(int argc, char** argv, const cli::hooks& with);

} // namespace fasti

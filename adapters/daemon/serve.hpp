// SPDX-License-Identifier: Apache-2.0
//! Runs a server: `fasti serve` without its command line.
#pragma once

#include "adapters/config/config.hpp"
#include "adapters/telemetry/log.hpp"
#include "domain/base/result.hpp"

#include <functional>
#include <string>

namespace fasti {

struct serve_hooks {
    std::string version;
    //! Reads the configuration again, for SIGHUP.
    std::function<result<loaded_config>()> reload;
    //! Told once when the server is ready, with a few lines for people; and the state for a
    //! service manager ("READY=1", "STOPPING=1").
    std::function<void(const std::string& for_people)> announce;
    std::function<void(const std::string& state)> notify;
    //! For tests: where to write down every change to files, for crash images. Empty: nowhere.
    std::string record_files;
};

//! Serves until SIGTERM or SIGINT, then drains. Returns when everything is durable and closed.
//! Errors: configuration_invalid, store_locked, store_damaged, format_newer, format_older, store_full,
//!         store_unavailable: nothing is served then. A sync that fails later ends the process.
result<void> serve(loaded_config settings, telemetry::logger& log, const serve_hooks& hooks);

//! The folder of the log, of snapshots and of other files within a data folder.
std::string log_folder(const std::string& data);
std::string snapshot_folder(const std::string& data);

} // namespace fasti

// SPDX-License-Identifier: Apache-2.0
//! A data folder read (or, with its lock, written) without a server, for the commands that take --data.
#pragma once

#include "adapters/cli/session.hpp"
#include "adapters/clock/system_clock.hpp"
#include "adapters/node/file_snapshots.hpp"
#include "eventstore/segments/posix_files.hpp"
#include "eventstore/segments/segment_ledger.hpp"

#include <unistd.h>
#include <memory>
#include <string>
#include <string_view>

namespace fasti::cli {

struct offline_log {
    offline_log(std::string folder, std::string snapshot_folder)
        : data(std::move(folder)),
          snapshots(disk, std::move(snapshot_folder), "." + std::to_string(getpid())) {}

    std::string data;
    posix_files disk;
    std::unique_ptr<segment_ledger> facts; //!< null: not opened
    file_snapshots snapshots;
    system_clock time;
};

//! A data folder with a log in it, which is not opened: that works whatever became of the log.
//! Null after having said why; `code` is then the exit code.
std::unique_ptr<offline_log> find_offline(session& at, const arguments& given, int& code);
//! The same with its log opened.
std::unique_ptr<offline_log> open_offline(session& at, const arguments& given, open_mode mode,
                                          int& code);

option_spec data_option(std::string doc);
//! Exit 78 for what is damaged or newer, 5 for a folder that a server holds.
int exit_code_of(error_code code);
int fail_with(
    session& at, const error& why,
    std::string_view when_locked = "Ask that server instead (leave out --data), or stop it first.");

//! The position that a person means: a token, a position, a time, "-5m"; empty: the head.
result<position> position_meant(const offline_log& log, std::string_view text);

int run_offline_token(session& at, const arguments& given);
int run_offline_why(session& at, const arguments& given);
//! The causal chain as get_why answers it.
int print_why(session& at, const std::string& body);

} // namespace fasti::cli

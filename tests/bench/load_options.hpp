// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/bench/requests.hpp"

#include <netinet/in.h>
#include <sys/types.h>
#include <cstdint>
#include <vector>

namespace fasti::bench {

struct load_options {
    sockaddr_in address{};
    unsigned connections = 64;
    unsigned pipeline = 1;
    double seconds = 3;
    double warmup = 0.3;
    std::uint64_t count = 0; // 0: bounded by time alone
    int expect = 200;
    bool streams = false; // subscribers too, perhaps none
    unsigned subscribers = 0;
    bool each_own = false; // each follows the service of its number; else all of them everything
    std::uint64_t ahead =
        0; // events that were asked for and did not reach all of them; 0: any number
    std::uint64_t rate = 0; // commands a second; 0: as many as there is room for
    std::vector<pid_t> servers;
    request_plan plan;
};

//! What `fasti_load --help` prints.
const char* load_usage();

//! Reads the command line into `wanted`; false: it asks for help.
//! Errors: throws std::invalid_argument saying which option is wrong and why.
bool read_options(load_options& wanted, int count, char** words);

} // namespace fasti::bench

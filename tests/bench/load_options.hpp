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
    std::vector<pid_t> servers;
    request_plan plan;
};

//! What `fasti_load --help` prints.
const char* load_usage();

//! Reads the command line into `wanted`; false: it asks for help.
//! Errors: throws std::invalid_argument saying which option is wrong and why.
bool read_options(load_options& wanted, int count, char** words);

} // namespace fasti::bench

// SPDX-License-Identifier: Apache-2.0
//! From the record of a real run to the disk as a power cut after some operation would have left it.
#pragma once

#include "tests/support/disk/sim_disk.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace fasti::sim {

struct crash_image {
    std::map<std::string, std::string> files; //!< by path; sparse zeros included
    std::uint64_t must_have = 0; //!< events up to this position were durable: they must be there
};

struct record_summary {
    std::uint64_t operations = 0;
    std::uint64_t syncs = 0; //!< of files and folders
};

record_summary summarise(std::string_view record);

//! What survives when the power goes after `operations` of the record; the seed decides which of the
//! unsynced sectors and names do.
crash_image image_after(std::string_view record, std::uint64_t operations, std::uint64_t seed);

} // namespace fasti::sim

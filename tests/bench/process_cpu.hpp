// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>
#include <cstdint>
#include <vector>

namespace fasti::bench {

//! Processor time that processes have used so far, as the kernel accounts for it.
//! Shape: nanoseconds; `total` is exact, `user` and `system` come in clock ticks (mostly 10 ms).
struct cpu_time {
    std::uint64_t total = 0;
    std::uint64_t user = 0;
    std::uint64_t system = 0;
    bool complete = true; // false: a process is gone
};

//! Sums the living threads of `processes`; a thread that ended between two readings is lost from the total.
cpu_time cpu_time_of(const std::vector<pid_t>& processes);

//! What all processors of the machine have been busy with, anybody's work, in nanoseconds.
std::uint64_t machine_busy();

} // namespace fasti::bench

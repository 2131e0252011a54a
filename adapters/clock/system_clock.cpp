// SPDX-License-Identifier: Apache-2.0
#include "adapters/clock/system_clock.hpp"

#include "domain/base/check.hpp"

#include <time.h> // NOLINT: clock_gettime is POSIX

namespace fasti {
namespace {

std::int64_t read_us(clockid_t which) {
    timespec at{};
    check(clock_gettime(which, &at) == 0, "the kernel has this clock");
    return static_cast<std::int64_t>(at.tv_sec) * 1'000'000 + at.tv_nsec / 1000;
}

} // namespace

instant system_clock::now() { return {read_us(CLOCK_REALTIME)}; }

//! Not CLOCK_BOOTTIME, which goes on while the machine sleeps: after a suspended host wakes, every
//! lease would have lapsed before one agent could renew.
std::int64_t system_clock::monotonic_us() { return read_us(CLOCK_MONOTONIC); }

} // namespace fasti

// SPDX-License-Identifier: Apache-2.0
//! What a thread is for, told to the system: its name, as `top -H` shows it, and whether it steps back where
//! there are fewer cores than busy threads. Source: docs/decisions/0045_growing_without_stalls.md
#pragma once

#include <cstdint>

namespace fasti {

enum class thread_role : std::uint8_t {
    foreground, //!< somebody waits for it
    background  //!< may take its time: a fourth of the share of a foreground thread
};

//! For the calling thread; a name has at most 15 bytes. What the system refuses stays as it was.
void take_role(const char* name, thread_role role) noexcept;

} // namespace fasti

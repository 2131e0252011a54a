// SPDX-License-Identifier: Apache-2.0
#include "adapters/node/thread_role.hpp"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace fasti {
namespace {

//! A step of 1 takes off a fifth of the share of a core.
constexpr int background_steps = 6;

} // namespace

void take_role(const char* name, thread_role role) noexcept {
    (void)prctl(PR_SET_NAME, name);
    if (role == thread_role::background) {
        // On Linux the priority belongs to the thread. To step back needs no privilege.
        const auto self = static_cast<id_t>(gettid());
        (void)setpriority(PRIO_PROCESS, self, getpriority(PRIO_PROCESS, self) + background_steps);
    }
}

} // namespace fasti

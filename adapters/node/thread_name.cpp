// SPDX-License-Identifier: Apache-2.0
#include "adapters/node/thread_name.hpp"

#include <sys/prctl.h>

namespace fasti {

void name_thread(const char* name) noexcept { (void)prctl(PR_SET_NAME, name); }

} // namespace fasti

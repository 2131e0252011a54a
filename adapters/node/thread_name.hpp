// SPDX-License-Identifier: Apache-2.0
//! Names of threads, as `top -H` shows them.
#pragma once

namespace fasti {

//! Of the calling thread; at most 15 bytes.
void name_thread(const char* name) noexcept;

} // namespace fasti

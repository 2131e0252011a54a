// SPDX-License-Identifier: Apache-2.0
//! Some tests sample what they could try exhaustively. FASTI_LONG_TESTS=1 asks for all of it; a build with
//! sanitizers, which is some forty times slower there, takes a smaller sample.
#pragma once

#include <cstdlib>

namespace fasti {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool is_sanitized = true;
#else
inline constexpr bool is_sanitized = false;
#endif

inline bool long_form() { return std::getenv("FASTI_LONG_TESTS") != nullptr; }

} // namespace fasti

// SPDX-License-Identifier: Apache-2.0
//! Some tests sample what they could try exhaustively; FASTI_LONG_TESTS=1 asks for all of it.
#pragma once

#include <cstdlib>

namespace fasti {

inline bool long_form() { return std::getenv("FASTI_LONG_TESTS") != nullptr; }

} // namespace fasti

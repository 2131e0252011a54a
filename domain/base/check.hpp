// SPDX-License-Identifier: Apache-2.0
//! check(): an invariant of our own code that stays on in release builds.
//! A broken one ends the process with the sentence that should have been true: going on would
//! write wrong facts. Input from outside never reaches a check; it gets an error instead.
#pragma once

#include <string_view>

namespace fasti {

//! Prints the sentence and the place to stderr and aborts.
[[noreturn]] void check_failed(std::string_view must_be_true, const char* file, int line) noexcept;

//! The built-ins stand for std::source_location, which Clang 14 (fuzz, tidy) lacks with this library.
inline void check(bool condition, std::string_view must_be_true,
                  const char* file = __builtin_FILE(), int line = __builtin_LINE()) noexcept {
    if (!condition) [[unlikely]] {
        check_failed(must_be_true, file, line);
    }
}

} // namespace fasti

// SPDX-License-Identifier: Apache-2.0
#include "domain/base/check.hpp"

#include <cstdio>
#include <cstdlib>

namespace fasti {

void check_failed(std::string_view must_be_true, const char* file, int line) noexcept {
    std::fprintf(stderr, "fasti: broken invariant, ending: %.*s (%s:%d)\n",
                 static_cast<int>(must_be_true.size()), must_be_true.data(), file, line);
    std::abort();
}

} // namespace fasti

// SPDX-License-Identifier: Apache-2.0
#include "domain/base/check.hpp"

#include <cstdio>
#include <cstdlib>

namespace fasti {

void check_failed(std::string_view must_be_true, const std::source_location& where) noexcept {
    std::fprintf(stderr, "fasti: broken invariant, ending: %.*s (%s:%u)\n",
                 static_cast<int>(must_be_true.size()), must_be_true.data(), where.file_name(),
                 static_cast<unsigned>(where.line()));
    std::abort();
}

} // namespace fasti

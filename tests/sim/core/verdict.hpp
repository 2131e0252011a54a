// SPDX-License-Identifier: Apache-2.0
//! The first thing that was found wrong in a simulated run; what comes after it is not looked at.
#pragma once

#include <optional>
#include <string>
#include <utility>

namespace fasti::sim {

class verdict {
public:
    void fail(std::string what) {
        if (!failure_.has_value()) {
            failure_ = std::move(what);
        }
    }
    bool ok() const noexcept { return !failure_.has_value(); }
    std::string failure() const { return failure_.value_or(std::string{}); }

private:
    std::optional<std::string> failure_;
};

} // namespace fasti::sim

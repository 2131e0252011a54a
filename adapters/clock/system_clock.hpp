// SPDX-License-Identifier: Apache-2.0
//! The machine's clocks behind the port of the pipeline.
#pragma once

#include "commands/ports/ports.hpp"

#include <cstdint>

namespace fasti {

class system_clock final : public clock {
public:
    instant now() override;
    std::int64_t monotonic_us() override;
};

} // namespace fasti

// SPDX-License-Identifier: Apache-2.0
//! How a lease is named in checkpoints: by its instance and the event that granted it.
#pragma once

#include "domain/base/ids.hpp"
#include "domain/registry/registry.gen.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace fasti {

//! `scratch` is overwritten.
inline std::uint64_t checkpoint_name(std::string_view service, std::string_view instance,
                                     std::uint64_t generation, std::string& scratch) {
    scratch.clear();
    registry::append_instance_stream(service, instance, scratch);
    scratch += '#';
    scratch += std::to_string(generation);
    return hash64(scratch);
}

} // namespace fasti

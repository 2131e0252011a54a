// SPDX-License-Identifier: Apache-2.0
//! One entry of a text-to-text map. Maps in commands, events and rows are vectors of labels
//! sorted by key, keys unique: the generated codecs check that, so bytes are canonical.
#pragma once

#include <string_view>

namespace fasti {

//! Borrowed text: lives as long as the request or stored bytes it was read from.
struct label {
    std::string_view key;
    std::string_view value;
    bool operator==(const label&) const = default;
};

} // namespace fasti

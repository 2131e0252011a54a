// SPDX-License-Identifier: Apache-2.0
#include "adapters/crypto/uuid7_source.hpp"

#include "adapters/crypto/digest.hpp"

#include <algorithm>

namespace fasti::crypto {

id128 uuid7_source::next() {
    const std::int64_t now_us = std::max<std::int64_t>(time_.now().us, 0);
    const auto now_ms = static_cast<std::uint64_t>(now_us) / 1000;
    if (now_ms > last_ms_) {
        last_ms_ = now_ms;
        counter_ = 0;
    } else if (++counter_ == 4096) {
        ++last_ms_;
        counter_ = 0;
    }
    if (left_ < 8) {
        fill_random(pool_);
        left_ = pool_.size();
    }
    left_ -= 8;
    id128 id;
    for (std::size_t i = 0; i < 6; ++i) {
        id.bytes[i] = static_cast<std::uint8_t>(last_ms_ >> (8U * (5U - i)));
    }
    id.bytes[6] = static_cast<std::uint8_t>(0x70U | (counter_ >> 8U));
    id.bytes[7] = static_cast<std::uint8_t>(counter_ & 255U);
    std::copy_n(pool_.begin() + static_cast<std::ptrdiff_t>(left_), 8, id.bytes.begin() + 8);
    id.bytes[8] = static_cast<std::uint8_t>((id.bytes[8] & 0x3fU) | 0x80U);
    return id;
}

} // namespace fasti::crypto

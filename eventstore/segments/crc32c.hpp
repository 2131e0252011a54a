// SPDX-License-Identifier: Apache-2.0
//! CRC-32C (Castagnoli), the checksum of everything the log writes. Finds accidents, not intent.
#pragma once

#include <cstdint>
#include <string_view>

namespace fasti::segments {

//! Checksum of bytes that follow bytes with checksum `before`; of nothing it is 0.
std::uint32_t crc32c(std::string_view bytes, std::uint32_t before = 0) noexcept;

//! The same without the processor's own instruction; what other machines run.
std::uint32_t crc32c_portable(std::string_view bytes, std::uint32_t before = 0) noexcept;

} // namespace fasti::segments

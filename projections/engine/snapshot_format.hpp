// SPDX-License-Identifier: Apache-2.0
//! The bytes of a snapshot: which history, which position, then named sections with a digest each.
//! Shape:  "FASTISNP", format (varint), log id (16), epoch (8, little-endian), position (varint),
//!         chain hash there (32), recorded time (signed varint), count of sections (varint); for
//!         each its name (text), fingerprint (8), length (varint) and SHA-256 (32); SHA-256 of all
//!         of that (32); then the sections' bytes, end to end.
#pragma once

#include "domain/base/ids.hpp"
#include "domain/base/instant.hpp"
#include "domain/base/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fasti {

inline constexpr std::uint64_t snapshot_format = 1;

struct snapshot_section {
    std::string_view name;
    std::uint64_t fingerprint = 0;
    std::string_view bytes;
};

//! What a snapshot says of itself. Text is borrowed.
struct snapshot_content {
    id128 log_id;
    std::uint64_t epoch = 0;
    position at = 0;
    hash256 hash;     //!< of the chain at `at`
    instant recorded; //!< of the event at `at`
    std::vector<snapshot_section> sections;
};

//! Everything before the sections' bytes.
std::string write_snapshot_head(const snapshot_content& content);
std::string write_snapshot_bytes(const snapshot_content& content);

//! Checks every digest. Errors: store_damaged, format_newer; the message says what is wrong.
result<snapshot_content> read_snapshot_bytes(std::string_view bytes);

//! "<position, 20 digits>-<epoch, 16 hex digits>": sorts by position.
std::string snapshot_name(position at, std::uint64_t epoch);
//! The position in a name; nothing for names of other things.
std::optional<position> snapshot_position(std::string_view name);

} // namespace fasti

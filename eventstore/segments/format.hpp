// SPDX-License-Identifier: Apache-2.0
//! The fixed parts of the files as plain structs, and their bytes. Numbers are little-endian.
//! Source: docs/decisions/0001_segment_format.md
#pragma once

#include "domain/base/ids.hpp"
#include "domain/base/instant.hpp"
#include "domain/base/result.hpp"
#include "eventstore/segments/files.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fasti::segments {

inline constexpr std::uint32_t format_number = 2;
inline constexpr std::size_t segment_header_bytes = 512;
inline constexpr std::size_t frame_header_bytes = 128;
inline constexpr std::size_t footer_bytes = 256;
inline constexpr std::size_t table_entry_bytes = 24;
inline constexpr std::size_t table_step = 16U * 1024U; //!< bytes of frames per entry of the table
inline constexpr std::size_t frame_bytes_max = 32U * 1024U * 1024U;

constexpr std::uint64_t padded(std::uint64_t bytes) noexcept {
    return (bytes + (sector_bytes - 1)) / sector_bytes * sector_bytes;
}

//! Whose log it is: in the LOG file and, against mix-ups, in every header.
struct log_identity {
    id128 log_id;
    std::uint64_t epoch = 0;
    bool operator==(const log_identity&) const = default;
};

//! Where a chain stands: the state between two events.
struct chain_point {
    position last = 0;
    hash256 hash;
    instant recorded;
};

struct segment_header {
    log_identity log;
    std::uint64_t sequence = 0;   //!< from 1, without gaps
    std::uint64_t file_bytes = 0; //!< size of the whole file
    chain_point before;           //!< the log as it stood: all of that is durable
};

struct frame_header {
    std::uint32_t crc = 0;
    std::uint32_t length = 0; //!< with this header, without the padding
    log_identity log;
    std::uint64_t sequence = 0; //!< of the segment
    std::uint64_t offset = 0;   //!< within the segment
    position first = 0;         //!< of its first event, or of the next when it has none
    std::uint32_t events = 0;
    std::uint32_t receipts = 0;
    std::uint32_t claims = 0;
    position durable_through = 0;
    instant last_recorded;
    hash256 hash_before; //!< of the chain, before its first event: proves all that it follows

    position last() const noexcept { return first + events - 1; }
};

//! One place per table_step of frames, so that a position or an instant is found without a walk.
struct table_entry {
    position first = 0;
    std::uint64_t offset = 0;
    instant recorded; //!< of the last event before this frame
    bool operator==(const table_entry&) const = default;
};

//! What the frames of a segment add up to.
struct frame_sums {
    std::uint64_t frames = 0;
    std::uint64_t events = 0;
    std::uint64_t receipts = 0;
    std::uint64_t claims = 0;
    std::uint64_t end = segment_header_bytes; //!< offset behind the last frame
    std::uint32_t frames_crc = 0;             //!< CRC over the CRCs of the frames, in order
    bool operator==(const frame_sums&) const = default;

    void add(const frame_header& frame) noexcept;
};

struct segment_footer {
    log_identity log;
    std::uint64_t sequence = 0;
    position first = 0; //!< as in the header: of the first event
    chain_point after;  //!< after.last is first - 1 when there are no events
    frame_sums sums;
    std::uint64_t table_count = 0;
    std::uint32_t table_crc = 0;
};

std::string encode(const segment_header& header); //!< segment_header_bytes
std::string encode(const segment_footer& footer); //!< footer_bytes
std::string encode(const std::vector<table_entry>& table);
//! Writes all but the checksum, which is taken over the finished frame: see seal_frame().
void write_frame_header(const frame_header& header, char* out) noexcept;
//! Puts the CRC of a padded frame into it and returns it.
std::uint32_t seal_frame(char* frame, std::size_t padded_bytes) noexcept;

enum class header_verdict : std::uint8_t { sound, damaged, other_format };

header_verdict decode(std::string_view bytes, segment_header& out, std::uint32_t& format) noexcept;
bool decode(std::string_view bytes, segment_footer& out) noexcept;
bool decode(std::string_view bytes, std::vector<table_entry>& out);
//! Reads the numbers only; false when this cannot be a frame. The checksum is a matter of
//! frame_sound(), which needs all of its bytes.
bool decode(std::string_view bytes, frame_header& out) noexcept;
//! Whether the padded bytes have the checksum their header states.
bool frame_sound(std::string_view padded_frame, const frame_header& header) noexcept;

//! The text of the LOG file.
std::string log_file_text(const log_identity& log);
//! Errors: format_newer and format_older naming both numbers, store_damaged.
result<log_identity> read_log_file(std::string_view text);

//! Why something of another format is not read: "<what> has format 1; this program reads format 2."
error other_format(std::string_view what, std::uint32_t format);

} // namespace fasti::segments

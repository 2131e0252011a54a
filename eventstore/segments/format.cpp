// SPDX-License-Identifier: Apache-2.0
#include "eventstore/segments/format.hpp"

#include "eventstore/segments/bytes.hpp"
#include "eventstore/segments/crc32c.hpp"

#include <charconv>
#include <optional>

namespace fasti::segments {
namespace {

// Each magic begins with 0xFF, a byte that no UTF-8 text contains: text of a client never looks
// like one of our headers. Read as little-endian: ff 'F' 'S' 'G' and so on.
constexpr std::uint32_t segment_magic = 0x475346ffU;
constexpr std::uint32_t frame_magic = 0x524646ffU;
constexpr std::uint32_t footer_magic = 0x544646ffU;
constexpr std::size_t crc_offset = 4;
constexpr std::size_t crc_begin = 8; // magic and the checksum itself are not covered

std::uint32_t crc_behind_header(std::string_view bytes) noexcept {
    return crc32c(bytes.substr(crc_begin));
}

void put_crc(char* bytes, std::uint32_t crc) noexcept {
    byte_writer{bytes + crc_offset}.number(crc);
}

void put_identity(byte_writer& out, const log_identity& log) noexcept {
    out.bytes(log.log_id.as_bytes());
    out.number(log.epoch);
}

log_identity get_identity(byte_reader& in) noexcept {
    log_identity log;
    in.fill(log.log_id.bytes);
    log.epoch = in.number<std::uint64_t>();
    return log;
}

void put_point(byte_writer& out, const chain_point& point) noexcept {
    out.number(point.last);
    out.number(point.recorded.us);
    out.bytes(point.hash.as_bytes());
}

chain_point get_point(byte_reader& in) noexcept {
    chain_point point;
    point.last = in.number<position>();
    point.recorded.us = in.number<std::int64_t>();
    in.fill(point.hash.bytes);
    return point;
}

//! The text behind `name` at the front, up to the end of the line; taken off.
std::optional<std::string_view> take_line(std::string_view& text, std::string_view name) {
    const std::size_t end = text.find('\n');
    if (!text.starts_with(name) || end == std::string_view::npos || end < name.size()) {
        return std::nullopt;
    }
    const std::string_view value = text.substr(name.size(), end - name.size());
    text.remove_prefix(end + 1);
    return value;
}

template <class Number>
std::optional<Number> to_number(std::string_view text, int base) {
    Number value{};
    const auto [stop, problem] = std::from_chars(text.data(), text.data() + text.size(), value,
                                                 base);
    if (problem != std::errc{} || stop != text.data() + text.size() || text.empty()) {
        return std::nullopt;
    }
    return value;
}

std::string hex64(std::uint64_t value) {
    char big_endian[8];
    for (unsigned i = 0; i < 8; ++i) {
        big_endian[i] = static_cast<char>(value >> (56 - 8 * i));
    }
    return to_hex({big_endian, sizeof big_endian});
}

} // namespace

void frame_sums::add(const frame_header& frame) noexcept {
    ++frames;
    events += frame.events;
    receipts += frame.receipts;
    claims += frame.claims;
    end = frame.offset + padded(frame.length);
    char crc[4];
    byte_writer{crc}.number(frame.crc);
    frames_crc = crc32c({crc, sizeof crc}, frames_crc);
}

std::string encode(const segment_header& header) {
    std::string bytes(segment_header_bytes, '\0');
    byte_writer out{bytes.data()};
    out.number(segment_magic);
    out.number(std::uint32_t{0}); // checksum, below
    out.number(format_number);
    out.number(std::uint32_t{0});
    put_identity(out, header.log);
    out.number(header.sequence);
    out.number(header.file_bytes);
    put_point(out, header.before);
    put_crc(bytes.data(), crc_behind_header(bytes));
    return bytes;
}

header_verdict decode(std::string_view bytes, segment_header& out, std::uint32_t& format) noexcept {
    byte_reader in{bytes};
    const auto magic = in.number<std::uint32_t>();
    const auto crc = in.number<std::uint32_t>();
    if (bytes.size() != segment_header_bytes || magic != segment_magic ||
        crc != crc_behind_header(bytes)) {
        return header_verdict::damaged;
    }
    format = in.number<std::uint32_t>();
    if (format != format_number) {
        return header_verdict::other_format;
    }
    in.number<std::uint32_t>();
    out.log = get_identity(in);
    out.sequence = in.number<std::uint64_t>();
    out.file_bytes = in.number<std::uint64_t>();
    out.before = get_point(in);
    return in.bad ? header_verdict::damaged : header_verdict::sound;
}

std::string encode(const segment_footer& footer) {
    std::string bytes(footer_bytes, '\0');
    byte_writer out{bytes.data()};
    out.number(footer_magic);
    out.number(std::uint32_t{0}); // checksum, below
    put_identity(out, footer.log);
    out.number(footer.sequence);
    out.number(footer.first);
    put_point(out, footer.after);
    out.number(footer.sums.frames);
    out.number(footer.sums.events);
    out.number(footer.sums.receipts);
    out.number(footer.sums.claims);
    out.number(footer.sums.end);
    out.number(footer.sums.frames_crc);
    out.number(footer.table_crc);
    out.number(footer.table_count);
    put_crc(bytes.data(), crc_behind_header(bytes));
    return bytes;
}

bool decode(std::string_view bytes, segment_footer& out) noexcept {
    byte_reader in{bytes};
    const auto magic = in.number<std::uint32_t>();
    const auto crc = in.number<std::uint32_t>();
    if (bytes.size() != footer_bytes || magic != footer_magic || crc != crc_behind_header(bytes)) {
        return false;
    }
    out.log = get_identity(in);
    out.sequence = in.number<std::uint64_t>();
    out.first = in.number<position>();
    out.after = get_point(in);
    out.sums.frames = in.number<std::uint64_t>();
    out.sums.events = in.number<std::uint64_t>();
    out.sums.receipts = in.number<std::uint64_t>();
    out.sums.claims = in.number<std::uint64_t>();
    out.sums.end = in.number<std::uint64_t>();
    out.sums.frames_crc = in.number<std::uint32_t>();
    out.table_crc = in.number<std::uint32_t>();
    out.table_count = in.number<std::uint64_t>();
    return !in.bad && out.first > 0 && out.after.last + 1 >= out.first &&
           out.after.last + 1 - out.first == out.sums.events;
}

std::string encode(const std::vector<table_entry>& table) {
    std::string bytes(table.size() * table_entry_bytes, '\0');
    byte_writer out{bytes.data()};
    for (const table_entry& entry : table) {
        out.number(entry.first);
        out.number(entry.offset);
        out.number(entry.recorded.us);
    }
    return bytes;
}

bool decode(std::string_view bytes, std::vector<table_entry>& out) {
    out.clear();
    if (bytes.size() % table_entry_bytes != 0) {
        return false;
    }
    out.reserve(bytes.size() / table_entry_bytes);
    byte_reader in{bytes};
    while (!in.rest.empty()) {
        table_entry entry;
        entry.first = in.number<position>();
        entry.offset = in.number<std::uint64_t>();
        entry.recorded.us = in.number<std::int64_t>();
        out.push_back(entry);
    }
    return !in.bad;
}

void write_frame_header(const frame_header& header, char* bytes) noexcept {
    byte_writer out{bytes};
    out.number(frame_magic);
    out.number(std::uint32_t{0}); // checksum: seal_frame()
    out.number(header.length);
    out.number(std::uint32_t{0}); // flags: none in this format; compression will be one
    put_identity(out, header.log);
    out.number(header.sequence);
    out.number(header.offset);
    out.number(header.first);
    out.number(header.events);
    out.number(header.receipts);
    out.number(header.claims);
    out.number(std::uint32_t{0});
    out.number(header.durable_through);
    out.number(header.last_recorded.us);
    out.bytes(header.hash_before.as_bytes());
}

std::uint32_t seal_frame(char* frame, std::size_t padded_bytes) noexcept {
    const std::uint32_t crc = crc_behind_header({frame, padded_bytes});
    put_crc(frame, crc);
    return crc;
}

bool decode(std::string_view bytes, frame_header& out) noexcept {
    byte_reader in{bytes};
    if (in.number<std::uint32_t>() != frame_magic) {
        return false;
    }
    out.crc = in.number<std::uint32_t>();
    out.length = in.number<std::uint32_t>();
    const auto flags = in.number<std::uint32_t>();
    out.log = get_identity(in);
    out.sequence = in.number<std::uint64_t>();
    out.offset = in.number<std::uint64_t>();
    out.first = in.number<position>();
    out.events = in.number<std::uint32_t>();
    out.receipts = in.number<std::uint32_t>();
    out.claims = in.number<std::uint32_t>();
    in.number<std::uint32_t>();
    out.durable_through = in.number<position>();
    out.last_recorded.us = in.number<std::int64_t>();
    in.fill(out.hash_before.bytes);
    return !in.bad && flags == 0 && out.length >= frame_header_bytes &&
           out.length <= frame_bytes_max && out.first != 0;
}

bool frame_sound(std::string_view padded_frame, const frame_header& header) noexcept {
    return padded_frame.size() == padded(header.length) &&
           crc_behind_header(padded_frame) == header.crc;
}

std::string log_file_text(const log_identity& log) {
    std::string text = "fasti log\nformat " + std::to_string(format_number) + "\nlog_id " +
                       to_hex(log.log_id.as_bytes()) + "\nepoch " + hex64(log.epoch) + "\n";
    const std::uint32_t crc = crc32c(text);
    text += "crc32c " + hex64(crc).substr(8) + "\n";
    return text;
}

result<log_identity> read_log_file(std::string_view text) {
    const error damaged{
        error_code::store_damaged,
        "The file LOG of the data folder is altered: it does not say whose log this is."};
    const std::string_view whole = text;
    const auto title = take_line(text, "fasti log");
    const auto format_text = take_line(text, "format ");
    std::uint32_t format = 0;
    if (format_text) {
        format = to_number<std::uint32_t>(*format_text, 10).value_or(0);
    }
    if (!title || !title->empty() || format == 0) {
        return damaged;
    }
    if (format > format_number) {
        return other_format("The data folder", format); // what follows may not be as we know it
    }
    const auto log_id = take_line(text, "log_id ");
    const auto epoch = take_line(text, "epoch ");
    const std::size_t covered = whole.size() - text.size();
    const auto crc = take_line(text, "crc32c ");
    const auto id = log_id ? id128_from_hex(*log_id) : std::nullopt;
    const auto number = epoch ? to_number<std::uint64_t>(*epoch, 16) : std::nullopt;
    if (!id || !number || !crc || !text.empty() ||
        *crc != hex64(crc32c(whole.substr(0, covered))).substr(8)) {
        return damaged;
    }
    if (format != format_number) {
        return other_format("The data folder", format);
    }
    return log_identity{*id, *number};
}

error other_format(std::string_view what, std::uint32_t format) {
    const bool newer = format > format_number;
    return {newer ? error_code::format_newer : error_code::format_older,
            std::string{what} + " has format " + std::to_string(format) +
                "; this program reads format " + std::to_string(format_number) +
                (newer ? "." : " only, and no release has written an older one.")};
}

} // namespace fasti::segments

// SPDX-License-Identifier: Apache-2.0
#include "eventstore/segments/run_file.hpp"

#include "domain/base/check.hpp"
#include "eventstore/segments/bytes.hpp"
#include "eventstore/segments/crc32c.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstring>
#include <utility>

namespace fasti::segments {
namespace {

constexpr std::uint32_t run_magic = 0x4e5246ffU; // ff 'F' 'R' 'N'
constexpr std::size_t header_bytes = 4096;
constexpr std::size_t block_bytes = 4096;
constexpr std::size_t entry_bytes = 16;
constexpr std::size_t entries_per_block = (block_bytes - 16) / entry_bytes;
constexpr std::size_t crc_begin = 8;
constexpr std::size_t sequence_digits = 20;
constexpr std::string_view suffix = ".run";
constexpr std::uint64_t sync_every_bytes = 4U * 1024U * 1024U; // keeps a merge off the commits' way

struct run_header {
    log_identity log;
    run_range range;
    entry_digest digest;
    std::uint64_t keys = 0;
    std::uint64_t blocks = 0;
    std::uint64_t filter_bytes = 0;
    std::uint32_t memory_crc = 0; //!< over first hashes and filter
};

std::string encode_header(const run_header& header) {
    std::string bytes(header_bytes, '\0');
    byte_writer out{bytes.data()};
    out.number(run_magic);
    out.number(std::uint32_t{0});
    out.number(format_number);
    out.number(header.memory_crc);
    out.bytes(header.log.log_id.as_bytes());
    out.number(header.log.epoch);
    out.number(header.range.first_sequence);
    out.number(header.range.last_sequence);
    out.number(header.range.first);
    out.number(header.range.after.last);
    out.number(header.range.after.recorded.us);
    out.bytes(header.range.after.hash.as_bytes());
    out.number(header.digest.count);
    out.number(header.digest.sum);
    out.number(header.keys);
    out.number(header.blocks);
    out.number(header.filter_bytes);
    byte_writer{bytes.data() + 4}.number(crc32c(std::string_view{bytes}.substr(crc_begin)));
    return bytes;
}

bool decode_header(std::string_view bytes, run_header& out) {
    byte_reader in{bytes};
    const auto magic = in.number<std::uint32_t>();
    const auto crc = in.number<std::uint32_t>();
    if (bytes.size() != header_bytes || magic != run_magic ||
        crc != crc32c(bytes.substr(crc_begin)) || in.number<std::uint32_t>() != format_number) {
        return false;
    }
    out.memory_crc = in.number<std::uint32_t>();
    in.fill(out.log.log_id.bytes);
    out.log.epoch = in.number<std::uint64_t>();
    out.range.first_sequence = in.number<std::uint64_t>();
    out.range.last_sequence = in.number<std::uint64_t>();
    out.range.first = in.number<position>();
    out.range.after.last = in.number<position>();
    out.range.after.recorded.us = in.number<std::int64_t>();
    in.fill(out.range.after.hash.bytes);
    out.digest.count = in.number<std::uint64_t>();
    out.digest.sum = in.number<std::uint64_t>();
    out.keys = in.number<std::uint64_t>();
    out.blocks = in.number<std::uint64_t>();
    out.filter_bytes = in.number<std::uint64_t>();
    return !in.bad;
}

std::string_view as_bytes(const std::vector<std::uint64_t>& words) noexcept {
    return {reinterpret_cast<const char*>(words.data()), words.size() * sizeof(std::uint64_t)};
}

error altered(const std::string& path) {
    return {error_code::store_damaged,
            "The index " + path +
                " is altered. It is derived: remove it, and the next start "
                "builds it again from the log."};
}

} // namespace

std::string run_name(std::uint64_t first_sequence, std::uint64_t last_sequence) {
    const auto digits = [](std::uint64_t number) {
        const std::string text = std::to_string(number);
        return std::string(sequence_digits - text.size(), '0') + text;
    };
    return digits(first_sequence) + "-" + digits(last_sequence) + std::string{suffix};
}

std::optional<run_range> run_name_range(std::string_view name) noexcept {
    if (name.size() != 2 * sequence_digits + 1 + suffix.size() || !name.ends_with(suffix) ||
        name[sequence_digits] != '-') {
        return std::nullopt;
    }
    const auto number = [](std::string_view digits) {
        std::uint64_t value = 0;
        const auto [stop, problem] = std::from_chars(digits.data(), digits.data() + digits.size(),
                                                     value);
        return problem == std::errc{} && stop == digits.data() + digits.size() ? value : 0;
    };
    run_range range;
    range.first_sequence = number(name.substr(0, sequence_digits));
    range.last_sequence = number(name.substr(sequence_digits + 1, sequence_digits));
    if (range.first_sequence == 0 || range.last_sequence < range.first_sequence) {
        return std::nullopt;
    }
    return range;
}

// --- the filter: 512-bit lines, six bits per key, about twelve bits of room per key ------------------

key_filter::key_filter(std::uint64_t keys)
    : words_(std::bit_ceil(std::max<std::uint64_t>(keys * 12 / 512, 1)) * 8, 0) {}

key_filter::key_filter(std::string_view bytes) : words_(bytes.size() / sizeof(std::uint64_t)) {
    if (!words_.empty()) {
        std::memcpy(words_.data(), bytes.data(), words_.size() * sizeof(std::uint64_t));
    }
}

std::size_t key_filter::line_of(std::uint64_t hash) const noexcept {
    // Other bits of the hash than those within the line, or the keys of a line would look alike.
    const auto spread = static_cast<std::size_t>((hash * 0x9e3779b97f4a7c15U) >> 32U);
    return (spread & (words_.size() / 8 - 1)) * 8;
}

void key_filter::add(std::uint64_t hash) noexcept {
    const std::size_t line = line_of(hash);
    std::uint64_t bits = hash >> 10U; // nine bits each
    for (int i = 0; i < 6; ++i, bits >>= 9U) {
        words_[line + (bits >> 6U & 7U)] |= std::uint64_t{1} << (bits & 63U);
    }
}

bool key_filter::may_contain(std::uint64_t hash) const noexcept {
    const std::size_t line = line_of(hash);
    std::uint64_t bits = hash >> 10U;
    for (int i = 0; i < 6; ++i, bits >>= 9U) {
        if ((words_[line + (bits >> 6U & 7U)] >> (bits & 63U) & 1U) == 0) {
            return false;
        }
    }
    return true;
}

std::string_view key_filter::bytes() const noexcept { return as_bytes(words_); }

// --- reading --------------------------------------------------------------------------------------

result<std::shared_ptr<const run_file>> run_file::open(files& disk, const std::string& path,
                                                       const log_identity& log) {
    auto handle = disk.open(path, file_mode::read);
    if (!handle.ok()) {
        return std::move(handle).error();
    }
    file& source = **handle;
    std::string head(header_bytes, '\0');
    const auto got = source.read_at(0, head.data(), head.size());
    const auto size = source.size();
    if (!got.ok() || !size.ok()) {
        return got.ok() ? size.error() : got.error();
    }
    run_header header;
    if (*got != header_bytes || !decode_header(head, header) || header.log != log ||
        header.blocks > *size / block_bytes || header.filter_bytes > *size ||
        header.digest.count > header.blocks * entries_per_block ||
        header.keys > header.digest.count || header.filter_bytes < 64 ||
        !std::has_single_bit(header.filter_bytes)) {
        return altered(path);
    }
    const std::uint64_t fences_bytes = header.blocks * sizeof(std::uint64_t);
    const std::uint64_t memory_at = header_bytes + header.blocks * block_bytes;
    if (memory_at + fences_bytes + header.filter_bytes != *size) {
        return altered(path);
    }
    std::string memory(fences_bytes + header.filter_bytes, '\0');
    const auto filled = source.read_at(memory_at, memory.data(), memory.size());
    if (!filled.ok()) {
        return filled.error();
    }
    if (*filled != memory.size() || crc32c(memory) != header.memory_crc) {
        return altered(path);
    }
    const std::shared_ptr<run_file> run{new run_file};
    run->path_ = path;
    run->handle_ = std::move(handle).value();
    run->range_ = header.range;
    run->digest_ = header.digest;
    run->keys_ = header.keys;
    run->first_hashes_.resize(header.blocks);
    if (fences_bytes != 0) {
        std::memcpy(run->first_hashes_.data(), memory.data(), fences_bytes);
    }
    run->filter_ = key_filter{std::string_view{memory}.substr(fences_bytes)};
    return std::shared_ptr<const run_file>{run};
}

result<std::vector<index_entry>> run_file::block(std::size_t number) const {
    std::array<char, block_bytes> bytes{};
    const auto got = handle_->read_at(header_bytes + number * block_bytes, bytes.data(),
                                      bytes.size());
    if (!got.ok()) {
        return got.error();
    }
    const std::string_view whole{bytes.data(), bytes.size()};
    byte_reader in{whole};
    const auto crc = in.number<std::uint32_t>();
    const auto count = in.number<std::uint32_t>();
    const auto own_number = in.number<std::uint64_t>();
    if (*got != block_bytes || crc != crc32c(whole.substr(sizeof crc)) || own_number != number ||
        count > entries_per_block) {
        return altered(path_);
    }
    std::vector<index_entry> entries(count);
    for (index_entry& entry : entries) {
        entry.hash = in.number<std::uint64_t>();
        entry.at = in.number<position>();
    }
    return entries;
}

result<bool> run_file::each_newest(std::uint64_t hash,
                                   const std::function<bool(position)>& visit) const {
    if (!filter_.may_contain(hash)) {
        return true;
    }
    auto behind = std::upper_bound(first_hashes_.begin(), first_hashes_.end(), hash);
    while (behind != first_hashes_.begin()) {
        --behind;
        const auto entries = block(static_cast<std::size_t>(behind - first_hashes_.begin()));
        if (!entries.ok()) {
            return entries.error();
        }
        const auto by_hash = [](const index_entry& entry, std::uint64_t value) {
            return entry.hash < value;
        };
        auto first = std::lower_bound(entries->begin(), entries->end(), hash, by_hash);
        const bool may_go_on = first == entries->begin();
        auto last = first;
        while (last != entries->end() && last->hash == hash) {
            ++last;
        }
        while (last != first) {
            if (!visit((--last)->at)) {
                return false;
            }
        }
        if (!may_go_on) {
            break;
        }
    }
    return true;
}

// --- writing --------------------------------------------------------------------------------------

run_writer::run_writer(files& disk, std::string directory, const log_identity& log,
                       std::uint64_t keys_max)
    : disk_(disk),
      directory_(std::move(directory)),
      temporary_(directory_ + "/run.tmp"),
      log_(log),
      filter_(keys_max) {}

result<void> run_writer::begin() {
    auto handle = disk_.open(temporary_, file_mode::create);
    if (!handle.ok()) {
        return std::move(handle).error();
    }
    handle_ = std::move(handle).value();
    return {};
}

result<void> run_writer::add(const index_entry& entry) {
    if (keys_ == 0 || entry.hash != last_hash_) {
        check(keys_ == 0 || entry.hash > last_hash_, "a run is written in order");
        ++keys_;
        last_hash_ = entry.hash;
        filter_.add(entry.hash);
    }
    digest_.add(entry);
    block_.push_back(entry);
    return block_.size() == entries_per_block ? flush_block() : result<void>{};
}

result<void> run_writer::flush_block() {
    if (block_.empty()) {
        return {};
    }
    std::array<char, block_bytes> bytes{};
    byte_writer out{bytes.data() + sizeof(std::uint32_t)};
    out.number(static_cast<std::uint32_t>(block_.size()));
    out.number(static_cast<std::uint64_t>(first_hashes_.size()));
    for (const index_entry& entry : block_) {
        out.number(entry.hash);
        out.number(entry.at);
    }
    const std::string_view whole{bytes.data(), bytes.size()};
    byte_writer{bytes.data()}.number(crc32c(whole.substr(sizeof(std::uint32_t))));
    if (auto put = handle_->write_at(header_bytes + first_hashes_.size() * block_bytes, whole);
        !put.ok()) {
        return put;
    }
    first_hashes_.push_back(block_.front().hash);
    block_.clear();
    unsynced_bytes_ += block_bytes;
    if (unsynced_bytes_ >= sync_every_bytes) {
        unsynced_bytes_ = 0;
        return handle_->sync();
    }
    return {};
}

result<void> run_writer::finish(const run_range& range) {
    if (auto flushed = flush_block(); !flushed.ok()) {
        return flushed;
    }
    std::string memory{as_bytes(first_hashes_)};
    memory += filter_.bytes();
    run_header header;
    header.log = log_;
    header.range = range;
    header.digest = digest_;
    header.keys = keys_;
    header.blocks = first_hashes_.size();
    header.filter_bytes = filter_.bytes().size();
    header.memory_crc = crc32c(memory);
    const std::uint64_t memory_at = header_bytes + first_hashes_.size() * block_bytes;
    auto done = handle_->write_at(memory_at, memory);
    if (done.ok()) {
        done = handle_->write_at(0, encode_header(header));
    }
    if (done.ok()) {
        done = handle_->sync();
    }
    if (done.ok()) {
        const std::string name = run_name(range.first_sequence, range.last_sequence);
        done = disk_.rename(temporary_, directory_ + "/" + name);
    }
    return done.ok() ? disk_.sync_directory(directory_) : done;
}

} // namespace fasti::segments

// SPDX-License-Identifier: Apache-2.0
//! A sorted run: where the keys of one or more sealed segments occur, derived from them.
//! Shape: header (4096 bytes), blocks of 4096 bytes (255 entries of hash and position, checksum),
//!        first hash of each block, filter. Header, first hashes and filter stay in memory.
#pragma once

#include "eventstore/segments/files.hpp"
#include "eventstore/segments/format.hpp"
#include "eventstore/segments/memory_table.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fasti::segments {

//! What a run was derived from. A run is used only beside segments that say the same.
struct run_range {
    std::uint64_t first_sequence = 0;
    std::uint64_t last_sequence = 0;
    position first = 0;
    chain_point after;

    bool matches(const run_range& other) const noexcept {
        return first_sequence == other.first_sequence && last_sequence == other.last_sequence &&
               first == other.first && after.last == other.after.last &&
               after.hash == other.after.hash;
    }
};

//! "00000000000000000001-00000000000000000004.run"
std::string run_name(std::uint64_t first_sequence, std::uint64_t last_sequence);
//! Nothing when the name is not a run's.
std::optional<run_range> run_name_range(std::string_view name) noexcept;

//! A set of hashes that says "surely not" or "perhaps": one cache line per question.
class key_filter {
public:
    explicit key_filter(std::uint64_t keys);
    explicit key_filter(std::string_view bytes);

    void add(std::uint64_t hash) noexcept;
    bool may_contain(std::uint64_t hash) const noexcept;
    std::string_view bytes() const noexcept;

private:
    std::size_t line_of(std::uint64_t hash) const noexcept;
    std::vector<std::uint64_t> words_;
};

class run_file {
public:
    //! Errors: store_damaged when the parts that stay in memory are not as they were written.
    static result<std::shared_ptr<const run_file>> open(files& disk, const std::string& path,
                                                        const log_identity& log);

    const run_range& range() const noexcept { return range_; }
    const entry_digest& digest() const noexcept { return digest_; }
    std::uint64_t keys() const noexcept { return keys_; }
    const std::string& path() const noexcept { return path_; }

    //! Positions of a key from newest to oldest until `visit` returns false; false when it did.
    //! Errors: store_damaged naming the file.
    result<bool> each_newest(std::uint64_t hash, const std::function<bool(position)>& visit) const;
    std::size_t block_count() const noexcept { return first_hashes_.size(); }
    //! Entries of one block, in order. Errors: store_damaged.
    result<std::vector<index_entry>> block(std::size_t number) const;

private:
    run_file() : filter_(0) {}

    std::string path_;
    std::unique_ptr<file> handle_;
    run_range range_;
    entry_digest digest_;
    std::uint64_t keys_ = 0;
    std::vector<std::uint64_t> first_hashes_;
    key_filter filter_;
};

//! Writes a run from entries given in order; durable under its name once finish() returned.
class run_writer {
public:
    //! `keys_max`: no fewer than the distinct hashes to come.
    run_writer(files& disk, std::string directory, const log_identity& log, std::uint64_t keys_max);

    result<void> begin();
    result<void> add(const index_entry& entry);
    result<void> finish(const run_range& range);

private:
    result<void> flush_block();

    files& disk_;
    const std::string directory_;
    const std::string temporary_;
    const log_identity log_;
    std::unique_ptr<file> handle_;
    std::vector<index_entry> block_;
    std::vector<std::uint64_t> first_hashes_;
    key_filter filter_;
    entry_digest digest_;
    std::uint64_t keys_ = 0;
    std::uint64_t last_hash_ = 0;
    std::uint64_t unsynced_bytes_ = 0;
};

} // namespace fasti::segments

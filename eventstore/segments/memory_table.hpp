// SPDX-License-Identifier: Apache-2.0
//! Where keys occur, in memory: for the active segment, and for sealed ones without a run yet.
//! A key is a 64-bit hash (see key_hash.hpp); who finds one compares the text in the log.
//! Thread: one at a time while it grows; any number once it does not.
#pragma once

#include "domain/base/ids.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace fasti::segments {

struct index_entry {
    std::uint64_t hash = 0;
    position at = 0;
    auto operator<=>(const index_entry&) const = default;
};

//! Three kinds of keys share one index: their hashes are mixed differently.
std::uint64_t stream_key(std::string_view stream) noexcept;
std::uint64_t receipt_key(std::string_view scope, std::string_view key) noexcept;
std::uint64_t claim_key(std::string_view name) noexcept;

//! Same for the same entries in any order: compares an index with the log it was derived from.
struct entry_digest {
    std::uint64_t count = 0;
    std::uint64_t sum = 0;
    bool operator==(const entry_digest&) const = default;

    void add(const index_entry& entry) noexcept;
};

class memory_table {
public:
    //! `keys`: how many are expected; it grows beyond them.
    explicit memory_table(std::size_t keys = 0);

    //! Positions of one key are added in rising order.
    void add(const index_entry& entry);

    //! Handle of the newest entry of a key, 0 when there is none; then from newer to older.
    std::uint32_t newest(std::uint64_t hash) const noexcept;
    position at(std::uint32_t handle) const noexcept { return entries_[handle - 1].at; }
    std::uint32_t older(std::uint32_t handle) const noexcept { return entries_[handle - 1].older; }

    //! Fetches what a look-up of this key will touch.
    void prefetch(std::uint64_t hash) const noexcept {
        __builtin_prefetch(&slots_[static_cast<std::size_t>(hash) & (slots_.size() - 1)]);
    }
    std::size_t keys() const noexcept { return keys_; }

    std::vector<index_entry> sorted() const;
    //! Of the entries up to a position.
    entry_digest digest(position through) const noexcept;

private:
    //! The upper half of the hash stands beside the handle: a look-up that finds nothing stays
    //! within one cache line.
    struct slot {
        std::uint32_t tag = 0;
        std::uint32_t handle = 0; // of the newest entry of the key; 0: free
    };
    struct chained {
        std::uint64_t hash;
        position at;
        std::uint32_t older;
    };

    std::size_t slot_of(std::uint64_t hash) const noexcept;
    void grow();

    std::vector<chained> entries_;
    std::vector<slot> slots_;
    std::size_t keys_ = 0;
};

} // namespace fasti::segments

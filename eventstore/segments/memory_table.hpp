// SPDX-License-Identifier: Apache-2.0
//! Where keys occur, in memory: for the active segment, and for sealed ones without a run yet.
//! A key is a 64-bit hash; who finds one compares the text in the log.
//! Thread: one at a time while it grows; any number once it does not.
#pragma once

#include "domain/base/ids.hpp"
#include "domain/base/piece_array.hpp"
#include "domain/base/slot_index.hpp"

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
    //! Positions of one key are added in rising order.
    void add(const index_entry& entry);

    //! Handle of the newest entry of a key, 0 when there is none; then from newer to older.
    std::uint32_t newest(std::uint64_t hash) const noexcept;
    position at(std::uint32_t handle) const noexcept { return entries_[handle - 1].at; }
    std::uint32_t older(std::uint32_t handle) const noexcept { return entries_[handle - 1].older; }

    //! Fetches what a look-up of this key will touch.
    [[gnu::always_inline]] void prefetch(std::uint64_t hash) const noexcept {
        newest_.prefetch(hash);
    }

    std::size_t size() const noexcept { return entries_.size(); }
    //! The entries from the `from`-th to before the `to`-th, in the order of their adding.
    void copy(std::size_t from, std::size_t to, std::vector<index_entry>& out) const;
    std::vector<index_entry> sorted() const;
    //! Of the entries up to a position.
    entry_digest digest(position through) const noexcept;

private:
    struct chained {
        std::uint64_t hash = 0;
        position at = 0;
        std::uint32_t older = 0; // handle: one more than its place; 0: none
    };
    auto keyed(std::uint64_t hash) const noexcept {
        return [this, hash](std::uint32_t entry) { return entries_[entry].hash == hash; };
    }

    piece_array<chained> entries_;
    slot_index newest_; // of each key
};

} // namespace fasti::segments

// SPDX-License-Identifier: Apache-2.0
//! Finds a dense slot number by the hash of its key; keys stay where the slots are.
//! Eight bytes a cell: it keeps the upper 32 bits of the hash, and these also place it, so growing touches no key.
//! Thread: one at a time while it changes; any number while it does not.
#pragma once

#include "domain/base/cell_table.hpp"
#include "domain/base/check.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

namespace fasti {

class slot_index {
public:
    //! The slot whose key has this hash and for which same(slot) holds.
    template <class Same>
    std::optional<std::uint32_t> find(std::uint64_t hash, const Same& same) const {
        const cell* const found = cells_.find(hash, matching(hash, same));
        return found != nullptr ? std::optional(found->slot()) : std::nullopt;
    }

    //! The first slot whose key may have this hash, without looking at keys: for prefetching.
    std::optional<std::uint32_t> guess(std::uint64_t hash) const noexcept {
        return find(hash, [](std::uint32_t) { return true; });
    }

    //! Adds a slot whose key is not there yet; below 2^32 - 1.
    void insert(std::uint64_t hash, std::uint32_t slot) {
        cells_.insert({shorten(hash), slot + 1});
    }

    //! Points a key to another slot, or adds it. Returns the slot it pointed to.
    template <class Same>
    std::optional<std::uint32_t> exchange(std::uint64_t hash, const Same& same,
                                          std::uint32_t slot) {
        cell* const found = cells_.find(hash, matching(hash, same));
        if (found == nullptr) {
            insert(hash, slot);
            return std::nullopt;
        }
        return std::exchange(found->slot_and_one, slot + 1) - 1;
    }

    //! Removes a slot that is there.
    void erase(std::uint64_t hash, std::uint32_t slot) {
        cell* const found = cells_.find(hash, [&](const cell& one) { return one.slot() == slot; });
        check(found != nullptr, "a slot that is erased is in its index");
        cells_.erase(found);
    }

    std::size_t size() const noexcept { return cells_.size(); }
    std::size_t memory_bytes() const noexcept { return cells_.bytes(); }

    //! Asks the processor to fetch the cell of a hash.
    [[gnu::always_inline]] void prefetch(std::uint64_t hash) const noexcept {
        cells_.prefetch(hash);
    }

private:
    struct cell {
        std::uint32_t hash = 0;
        std::uint32_t slot_and_one = 0; // 0: free

        bool used() const noexcept { return slot_and_one != 0; }
        std::uint64_t home() const noexcept { return std::uint64_t{hash} << 32U; }
        std::uint32_t slot() const noexcept { return slot_and_one - 1; }
    };

    static std::uint32_t shorten(std::uint64_t hash) noexcept {
        return static_cast<std::uint32_t>(hash >> 32U);
    }
    template <class Same>
    static auto matching(std::uint64_t hash, const Same& same) {
        return [short_hash = shorten(hash), &same](const cell& one) {
            return one.hash == short_hash && same(one.slot());
        };
    }

    cell_table<cell> cells_;
};

} // namespace fasti

// SPDX-License-Identifier: Apache-2.0
//! Finds a dense slot number by the hash of its key; keys stay where the slots are.
//! Open addressing with linear probing, eight bytes a cell. A cell keeps 32 bits of the hash, and
//! these also place it, so growing touches no key and moves the cells in memory order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace fasti {

class slot_index {
public:
    //! The slot whose key has this hash and for which same(slot) holds.
    template <class Same>
    std::optional<std::uint32_t> find(std::uint64_t hash, const Same& same) const {
        if (cells_.empty()) {
            return std::nullopt;
        }
        const std::uint32_t short_hash = shorten(hash);
        for (std::size_t at = home(short_hash);; at = (at + 1) & mask()) {
            const cell& here = cells_[at];
            if (here.slot == nothing) {
                return std::nullopt;
            }
            if (here.hash == short_hash && same(here.slot)) {
                return here.slot;
            }
        }
    }

    //! The first slot whose key may have this hash, without looking at keys: for prefetching.
    std::optional<std::uint32_t> guess(std::uint64_t hash) const noexcept {
        if (cells_.empty()) {
            return std::nullopt;
        }
        const std::uint32_t short_hash = shorten(hash);
        for (std::size_t at = home(short_hash);; at = (at + 1) & mask()) {
            const cell& here = cells_[at];
            if (here.slot == nothing) {
                return std::nullopt;
            }
            if (here.hash == short_hash) {
                return here.slot;
            }
        }
    }

    //! Adds a slot whose key is not there yet.
    void insert(std::uint64_t hash, std::uint32_t slot) {
        if ((size_ + 1) * 4 > cells_.size() * 3) {
            grow();
        }
        place({shorten(hash), slot});
        ++size_;
    }

    //! Removes a slot that is there. Cells behind it move up, so there are no tombstones.
    void erase(std::uint64_t hash, std::uint32_t slot) {
        std::size_t hole = home(shorten(hash));
        while (cells_[hole].slot != slot) {
            hole = (hole + 1) & mask();
        }
        for (std::size_t at = (hole + 1) & mask(); cells_[at].slot != nothing;
             at = (at + 1) & mask()) {
            const std::size_t wanted = home(cells_[at].hash);
            if (((at - wanted) & mask()) >= ((at - hole) & mask())) {
                cells_[hole] = cells_[at];
                hole = at;
            }
        }
        cells_[hole] = {};
        --size_;
    }

    std::size_t size() const noexcept { return size_; }
    std::size_t memory_bytes() const noexcept { return cells_.capacity() * sizeof(cell); }

    //! Asks the processor to fetch the cell of a hash.
    void prefetch(std::uint64_t hash) const noexcept {
        if (!cells_.empty()) {
            __builtin_prefetch(&cells_[home(shorten(hash))]);
        }
    }

private:
    static constexpr std::uint32_t nothing = 0xFFFF'FFFFU;

    struct cell {
        std::uint32_t hash = 0;
        std::uint32_t slot = nothing;
    };

    static std::uint32_t shorten(std::uint64_t hash) noexcept {
        return static_cast<std::uint32_t>(hash >> 32U);
    }
    std::size_t mask() const noexcept { return cells_.size() - 1; }
    std::size_t home(std::uint32_t short_hash) const noexcept { return short_hash >> shift_; }

    void place(cell what) noexcept {
        std::size_t at = home(what.hash);
        while (cells_[at].slot != nothing) {
            at = (at + 1) & mask();
        }
        cells_[at] = what;
    }

    void grow() {
        std::vector<cell> old(cells_.empty() ? 16 : cells_.size() * 2);
        old.swap(cells_);
        shift_ = 32;
        for (std::size_t width = cells_.size(); width > 1; width /= 2) {
            --shift_;
        }
        for (const cell& one : old) {
            if (one.slot != nothing) {
                place(one);
            }
        }
    }

    std::vector<cell> cells_; // empty, or a power of two long
    std::size_t size_ = 0;
    unsigned shift_ = 32;
};

} // namespace fasti

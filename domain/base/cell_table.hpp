// SPDX-License-Identifier: Apache-2.0
//! Open addressing with linear probing for tables that grow under load: growing stalls nobody.
//! A table that is too full gets a larger one beside it, and each insert and erase moves some cells over; until
//! then a look-up may ask both. Cells come in blocks, made when the first of their cells is needed and given back
//! when all were moved: no large piece of memory is ever cleared or freed at once.
//! Erasing shifts cells back: there are no tombstones to clean up.
//! Source: docs/decisions/0045_growing_without_stalls.md
#pragma once

#include "domain/base/check.hpp"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

namespace fasti {

//! A value-initialized cell is free. `used()` tells; `home()` is where the cell belongs, by its highest bits,
//! so that growing moves the cells in the order of memory.
template <class Cell>
class cell_table {
    static_assert(std::is_trivially_copyable_v<Cell> && std::is_trivially_destructible_v<Cell>);

public:
    cell_table() = default;
    cell_table(cell_table&& from) noexcept { take(from); }
    cell_table& operator=(cell_table&& from) noexcept {
        take(from);
        return *this;
    }
    cell_table(const cell_table&) = delete;
    cell_table& operator=(const cell_table&) = delete;
    ~cell_table() = default;

    std::size_t size() const noexcept { return size_; }
    std::size_t bytes() const noexcept { return now_.bytes() + before_.bytes(); }

    //! A cell with this home for which `same(cell)` holds, or null; good until the next insert or erase.
    template <class Same>
    Cell* find(std::uint64_t home, const Same& same) const {
        if (size_ == 0) {
            return nullptr;
        }
        Cell* const found = now_.find(home, same);
        return found == nullptr && before_.made() ? before_.find(home, same) : found;
    }

    //! Asks the processor to fetch the cells of a home. Always inline: g++ 12 takes a function that only does this
    //! for one without effect, and drops calls of it.
    [[gnu::always_inline]] void prefetch(std::uint64_t home) const noexcept {
        if (now_.made()) {
            __builtin_prefetch(now_.cell(now_.place_of(home)));
        }
        if (before_.made()) {
            __builtin_prefetch(before_.cell(before_.place_of(home)));
        }
    }

    //! The caller knows that its key is not there yet.
    void insert(const Cell& what) {
        if ((size_ + 1) * 4 > now_.capacity() * 3) {
            grow();
        }
        move_some();
        now_.put(what);
        ++size_;
    }

    //! `cell`: what find() returned.
    void erase(const Cell* cell) {
        if (!now_.erase(cell)) {
            check(before_.made() && before_.erase(cell), "a cell that is erased is in its table");
        }
        --size_;
        move_some();
    }

    template <class Visit>
    void for_each(const Visit& visit) const {
        for (const run* const each : {&before_, &now_}) {
            for (std::size_t at = 0; at < each->capacity(); ++at) {
                if (each->used(at)) {
                    visit(*each->cell(at));
                }
            }
        }
    }

    void clear() noexcept { *this = cell_table{}; }

private:
    static constexpr std::size_t cells_at_first = 16;
    static constexpr std::size_t block_cells = 4096;
    //! Two would do. While both tables are asked look-ups cost more, so it should be over soon: with as many, after
    //! one insert or erase for 128 cells; and looking at them takes about half a microsecond.
    static constexpr std::size_t looked_at_per_step = 128;

    struct run {
        std::vector<std::unique_ptr<Cell[]>> blocks; // null: all of its cells are free
        std::size_t mask = 0;
        unsigned shift = 0;

        run() = default;
        explicit run(std::size_t capacity)
            : blocks((capacity + block_cells - 1) / block_cells),
              mask(capacity - 1),
              shift(64U - static_cast<unsigned>(std::countr_zero(capacity))) {}

        bool made() const noexcept { return !blocks.empty(); }
        std::size_t capacity() const noexcept { return made() ? mask + 1 : 0; }
        std::size_t cells_of_block() const noexcept { return std::min(mask + 1, block_cells); }
        std::size_t bytes() const noexcept {
            const auto there = std::count_if(blocks.begin(), blocks.end(),
                                             [](const auto& one) { return one != nullptr; });
            return static_cast<std::size_t>(there) * cells_of_block() * sizeof(Cell);
        }
        std::size_t place_of(std::uint64_t home) const noexcept {
            return static_cast<std::size_t>(home >> shift);
        }
        Cell* cell(std::size_t at) const noexcept {
            Cell* const block = blocks[at / block_cells].get();
            return block != nullptr ? block + at % block_cells : nullptr;
        }
        bool used(std::size_t at) const noexcept {
            const Cell* const one = cell(at);
            return one != nullptr && one->used();
        }

        template <class Same>
        Cell* find(std::uint64_t home, const Same& same) const {
            for (std::size_t at = place_of(home);; at = (at + 1) & mask) {
                Cell* const here = cell(at);
                if (here == nullptr || !here->used()) {
                    return nullptr;
                }
                if (same(*here)) {
                    return here;
                }
            }
        }

        void put(const Cell& what) {
            std::size_t at = place_of(what.home());
            while (used(at)) {
                at = (at + 1) & mask;
            }
            std::unique_ptr<Cell[]>& block = blocks[at / block_cells];
            if (block == nullptr) {
                block = std::make_unique<Cell[]>(cells_of_block());
            }
            block[at % block_cells] = what;
        }

        //! False: the cell is not here.
        bool erase(const Cell* what) {
            std::size_t hole = place_of(what->home());
            while (cell(hole) != what) {
                if (!used(hole)) {
                    return false;
                }
                hole = (hole + 1) & mask;
            }
            for (std::size_t at = (hole + 1) & mask; used(at); at = (at + 1) & mask) {
                // A cell may move into the hole unless its home lies behind the hole.
                const std::size_t wanted = place_of(cell(at)->home());
                if (((at - wanted) & mask) >= ((at - hole) & mask)) {
                    *cell(hole) = *cell(at);
                    hole = at;
                }
            }
            *cell(hole) = Cell{};
            return true;
        }
    };

    void take(cell_table& from) noexcept {
        now_ = std::exchange(from.now_, run{});
        before_ = std::exchange(from.before_, run{});
        from_ = std::exchange(from.from_, 0);
        left_ = std::exchange(from.left_, 0);
        size_ = std::exchange(from.size_, 0);
    }

    void grow() {
        check(!before_.made(), "a table is moved before it has to grow again");
        before_ = std::exchange(now_, run{now_.made() ? now_.capacity() * 2 : cells_at_first});
        from_ = 0;
        left_ = before_.capacity();
        while (left_ > 0 && before_.used(from_)) {
            ++from_; // a quarter is free
        }
        first_block_ = from_ / block_cells;
    }

    //! Stops only in front of a free cell: what stands behind it is found from its home all the same.
    void move_some() {
        if (!before_.made()) {
            return;
        }
        for (std::size_t seen = 0; left_ > 0; ++seen, --left_) {
            if (before_.used(from_)) {
                Cell& one = *before_.cell(from_);
                now_.put(one);
                one = Cell{};
            } else if (seen >= looked_at_per_step) {
                return;
            }
            const std::size_t block = from_ / block_cells;
            from_ = (from_ + 1) & before_.mask;
            if (from_ / block_cells != block && block != first_block_) {
                before_.blocks[block].reset();
            }
        }
        before_ = run{};
    }

    run now_;
    run before_;                  // what is being moved, if anything
    std::size_t from_ = 0;        // the next cell of it to look at
    std::size_t left_ = 0;        // cells of it not looked at yet
    std::size_t first_block_ = 0; // where that began: its first cells come last
    std::size_t size_ = 0;
};

} // namespace fasti

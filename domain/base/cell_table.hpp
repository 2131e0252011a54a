// SPDX-License-Identifier: Apache-2.0
//! Open addressing with linear probing for tables that grow under load: growing stalls nobody.
//! A table that is too full gets a larger one beside it, and each insert moves some cells over; until then a
//! look-up may ask both. Fresh cells come zeroed from the system, so no pass over them is paid at once.
//! Erasing shifts cells back: there are no tombstones to clean up.
#pragma once

#include "domain/base/check.hpp"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace fasti {

//! A cell of zero bytes is free. `used()` tells; `home()` is where the cell belongs, by its highest bits,
//! so that growing moves the cells in the order of memory.
template <class Cell>
class cell_table {
    static_assert(std::is_trivially_copyable_v<Cell> && std::is_trivially_destructible_v<Cell>);

public:
    std::size_t size() const noexcept { return size_; }
    std::size_t bytes() const noexcept {
        return (now_.capacity() + before_.capacity()) * sizeof(Cell);
    }

    //! A cell with this home for which `same(cell)` holds, or null; good until the next insert or erase.
    template <class Same>
    Cell* find(std::uint64_t home, const Same& same) const {
        if (size_ == 0) {
            return nullptr;
        }
        Cell* const found = now_.find(home, same);
        return found == nullptr && before_.cells != nullptr ? before_.find(home, same) : found;
    }

    //! Asks the processor to fetch the cells of a home. Always inline: g++ 12 takes a function that only does this
    //! for one without effect, and drops calls of it.
    [[gnu::always_inline]] void prefetch(std::uint64_t home) const noexcept {
        if (now_.cells != nullptr) {
            __builtin_prefetch(&now_.cells[now_.place_of(home)]);
        }
        if (before_.cells != nullptr) {
            __builtin_prefetch(&before_.cells[before_.place_of(home)]);
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
    void erase(Cell* cell) noexcept {
        run& of = now_.holds(cell) ? now_ : before_;
        of.erase(static_cast<std::size_t>(cell - of.cells.get()));
        --size_;
    }

    template <class Visit>
    void for_each(const Visit& visit) const {
        for (const run* const each : {&before_, &now_}) {
            for (std::size_t at = 0; at < each->capacity(); ++at) {
                if (each->cells[at].used()) {
                    visit(each->cells[at]);
                }
            }
        }
    }

    void clear() noexcept { *this = cell_table{}; }

    cell_table() = default;
    cell_table(cell_table&& from) noexcept
        : now_(std::exchange(from.now_, {})),
          before_(std::exchange(from.before_, {})),
          from_(std::exchange(from.from_, 0)),
          left_(std::exchange(from.left_, 0)),
          size_(std::exchange(from.size_, 0)) {}
    cell_table& operator=(cell_table&& from) noexcept {
        now_ = std::exchange(from.now_, {});
        before_ = std::exchange(from.before_, {});
        from_ = std::exchange(from.from_, 0);
        left_ = std::exchange(from.left_, 0);
        size_ = std::exchange(from.size_, 0);
        return *this;
    }
    cell_table(const cell_table&) = delete;
    cell_table& operator=(const cell_table&) = delete;
    ~cell_table() = default;

private:
    static constexpr std::size_t cells_at_first = 16;
    //! Two would do. While both tables are asked look-ups cost more, so it should be over soon: with as many, after
    //! one insert for 64 cells; and moving them takes less than half a microsecond.
    static constexpr std::size_t moved_per_insert = 64;

    struct free_cells {
        void operator()(Cell* cells) const noexcept { std::free(cells); }
    };

    struct run {
        std::unique_ptr<Cell[], free_cells> cells;
        std::size_t mask = 0;
        unsigned shift = 0;

        std::size_t capacity() const noexcept { return cells != nullptr ? mask + 1 : 0; }
        bool holds(const Cell* cell) const noexcept {
            return !std::less<>{}(cell, cells.get()) &&
                   std::less<>{}(cell, cells.get() + capacity());
        }
        std::size_t place_of(std::uint64_t home) const noexcept {
            return static_cast<std::size_t>(home >> shift);
        }

        template <class Same>
        Cell* find(std::uint64_t home, const Same& same) const {
            for (std::size_t at = place_of(home);; at = (at + 1) & mask) {
                Cell& here = cells[at];
                if (!here.used()) {
                    return nullptr;
                }
                if (same(here)) {
                    return &here;
                }
            }
        }

        void put(const Cell& what) noexcept {
            std::size_t at = place_of(what.home());
            while (cells[at].used()) {
                at = (at + 1) & mask;
            }
            cells[at] = what;
        }

        void erase(std::size_t hole) noexcept {
            for (std::size_t at = (hole + 1) & mask; cells[at].used(); at = (at + 1) & mask) {
                // A cell may move into the hole unless its home lies behind the hole.
                const std::size_t wanted = place_of(cells[at].home());
                if (((at - wanted) & mask) >= ((at - hole) & mask)) {
                    cells[hole] = cells[at];
                    hole = at;
                }
            }
            cells[hole] = Cell{};
        }
    };

    static run made(std::size_t capacity) {
        run fresh;
        fresh.cells.reset(static_cast<Cell*>(std::calloc(capacity, sizeof(Cell))));
        if (fresh.cells == nullptr) {
            throw std::bad_alloc{};
        }
        fresh.mask = capacity - 1;
        fresh.shift = 64U - static_cast<unsigned>(std::countr_zero(capacity));
        return fresh;
    }

    void grow() {
        check(before_.cells == nullptr, "a table is moved before it has to grow again");
        before_ = std::exchange(now_,
                                made(now_.cells == nullptr ? cells_at_first : now_.capacity() * 2));
        if (before_.cells == nullptr) {
            return;
        }
        from_ = 0;
        while (before_.cells[from_].used()) {
            ++from_; // a quarter is free
        }
        left_ = before_.capacity();
    }

    //! Stops only in front of a free cell: what stands behind it is found from its home all the same.
    void move_some() noexcept {
        if (before_.cells == nullptr) {
            return;
        }
        for (std::size_t seen = 0; left_ > 0; ++seen, --left_) {
            Cell& one = before_.cells[from_];
            if (one.used()) {
                now_.put(one);
                one = Cell{};
            } else if (seen >= moved_per_insert) {
                return;
            }
            from_ = (from_ + 1) & before_.mask;
        }
        before_ = run{};
    }

    run now_;
    run before_;           // what is being moved, if anything
    std::size_t from_ = 0; // the next cell of it to look at
    std::size_t left_ = 0; // cells of it not looked at yet
    std::size_t size_ = 0;
};

} // namespace fasti

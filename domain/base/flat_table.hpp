// SPDX-License-Identifier: Apache-2.0
//! flat_table: finds records that know their own key by their hash.
//! Why our own: a cell is a hash and a pointer, so growing touches no record, and a miss ends in the table.
#pragma once

#include "domain/base/cell_table.hpp"
#include "domain/base/check.hpp"

#include <cstddef>
#include <cstdint>

namespace fasti {

//! Does not own the records.
template <class Record>
class flat_table {
public:
    std::size_t size() const noexcept { return cells_.size(); }
    std::size_t bytes() const noexcept { return cells_.bytes(); }

    //! The record with this hash for which `matches(record)` holds, or null.
    template <class Matches>
    Record* find(std::uint64_t hash, const Matches& matches) const {
        const cell* const found = cells_.find(
            hash, [&](const cell& one) { return one.hash == hash && matches(*one.record); });
        return found != nullptr ? found->record : nullptr;
    }

    //! Two hints for a find() to come: fetches the cell; then, from the cell, tells the record to fetch.
    [[gnu::always_inline]] void prefetch(std::uint64_t hash) const noexcept {
        cells_.prefetch(hash);
    }
    const Record* guess(std::uint64_t hash) const noexcept {
        return find(hash, [](const Record&) { return true; });
    }

    //! The caller knows that no record of the same key is there.
    void insert(std::uint64_t hash, Record* record) { cells_.insert({hash, record}); }

    //! Puts `after` where `before` is; both have the same key.
    void replace(std::uint64_t hash, const Record* before, Record* after) {
        cell_of(hash, before)->record = after;
    }

    void erase(std::uint64_t hash, const Record* record) { cells_.erase(cell_of(hash, record)); }

    template <class Visit>
    void for_each(const Visit& visit) const {
        cells_.for_each([&](const cell& one) { visit(*one.record); });
    }

    void clear() noexcept { cells_.clear(); }

private:
    struct cell {
        std::uint64_t hash = 0;
        Record* record = nullptr;

        bool used() const noexcept { return record != nullptr; }
        std::uint64_t home() const noexcept { return hash; }
    };

    cell* cell_of(std::uint64_t hash, const Record* record) const {
        cell* const found = cells_.find(hash,
                                        [&](const cell& one) { return one.record == record; });
        check(found != nullptr, "a record that is replaced or erased is in its table");
        return found;
    }

    cell_table<cell> cells_;
};

} // namespace fasti

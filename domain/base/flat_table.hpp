// SPDX-License-Identifier: Apache-2.0
//! flat_table: an open-addressing table of records that know their own hash and key.
//! Why our own: a slot is a hash and a pointer, so growing touches no record, and a miss ends in the
//! table. Linear probing; erasing shifts back, so there are no tombstones to clean up.
#pragma once

#include "domain/base/check.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace fasti {

//! Does not own the records.
template <class Record>
class flat_table {
public:
    std::size_t size() const noexcept { return size_; }

    //! The record with this hash for which `matches(record)` holds, or null.
    template <class Matches>
    Record* find(std::uint64_t hash, Matches&& matches) const {
        if (size_ == 0) {
            return nullptr;
        }
        for (std::size_t at = hash & mask_; slots_[at].record != nullptr; at = (at + 1) & mask_) {
            if (slots_[at].hash == hash && matches(*slots_[at].record)) {
                return slots_[at].record;
            }
        }
        return nullptr;
    }

    //! Two hints for a find() to come: fetches the slot; then, from the slot, tells the record to fetch.
    void prefetch(std::uint64_t hash) const noexcept {
        if (size_ != 0) {
            __builtin_prefetch(&slots_[hash & mask_]);
        }
    }
    const Record* guess(std::uint64_t hash) const noexcept {
        return size_ != 0 && slots_[hash & mask_].hash == hash ? slots_[hash & mask_].record
                                                               : nullptr;
    }

    //! The caller knows that no record of the same key is there.
    void insert(std::uint64_t hash, Record* record) {
        if ((size_ + 1) * 4 > capacity() * 3) {
            grow();
        }
        put(hash, record);
        ++size_;
    }

    //! Puts `after` where `before` is; both have the same key.
    void replace(std::uint64_t hash, const Record* before, Record* after) {
        slots_[place_of(hash, before)].record = after;
    }

    void erase(std::uint64_t hash, const Record* record) {
        std::size_t hole = place_of(hash, record);
        for (std::size_t at = (hole + 1) & mask_; slots_[at].record != nullptr;
             at = (at + 1) & mask_) {
            // An entry may move into the hole unless its home lies behind the hole.
            if (((at - slots_[at].hash) & mask_) >= ((at - hole) & mask_)) {
                slots_[hole] = slots_[at];
                hole = at;
            }
        }
        slots_[hole] = {};
        --size_;
    }

    template <class Visit>
    void for_each(Visit&& visit) const {
        for (std::size_t at = 0; at < capacity(); ++at) {
            if (slots_[at].record != nullptr) {
                visit(*slots_[at].record);
            }
        }
    }

    void clear() noexcept {
        slots_.reset();
        mask_ = 0;
        size_ = 0;
    }

    std::size_t bytes() const noexcept { return capacity() * sizeof(slot); }

private:
    struct slot {
        std::uint64_t hash = 0;
        Record* record = nullptr;
    };

    std::size_t capacity() const noexcept { return slots_ ? mask_ + 1 : 0; }

    std::size_t place_of(std::uint64_t hash, const Record* record) const {
        check(size_ > 0, "a record that is replaced or erased is in its table");
        std::size_t at = hash & mask_;
        while (slots_[at].record != record) {
            check(slots_[at].record != nullptr,
                  "a record that is replaced or erased is in its table");
            at = (at + 1) & mask_;
        }
        return at;
    }

    void put(std::uint64_t hash, Record* record) {
        std::size_t at = hash & mask_;
        while (slots_[at].record != nullptr) {
            at = (at + 1) & mask_;
        }
        slots_[at] = {hash, record};
    }

    void grow() {
        const std::size_t before = capacity();
        const std::size_t after = before == 0 ? 16 : before * 2;
        std::unique_ptr<slot[]> old = std::exchange(slots_, std::make_unique<slot[]>(after));
        mask_ = after - 1;
        for (std::size_t at = 0; at < before; ++at) {
            if (old[at].record != nullptr) {
                put(old[at].hash, old[at].record);
            }
        }
    }

    std::unique_ptr<slot[]> slots_;
    std::size_t mask_ = 0;
    std::size_t size_ = 0;
};

} // namespace fasti

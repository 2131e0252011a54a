// SPDX-License-Identifier: Apache-2.0
//! Records by dense number, whose numbers are given out again once they were given back.
#pragma once

#include "domain/base/piece_array.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace fasti {

template <class Record>
class slot_array {
public:
    Record& operator[](std::uint32_t slot) noexcept { return records_[slot]; }
    const Record& operator[](std::uint32_t slot) const noexcept { return records_[slot]; }

    //! A number that is free: one given back, or a new one.
    std::uint32_t take() {
        if (!free_.empty()) {
            const std::uint32_t slot = free_.back();
            free_.pop_back();
            return slot;
        }
        const std::uint32_t fresh = end();
        records_.add();
        return fresh;
    }

    //! Empties the record and keeps its number for the next take().
    void give_back(std::uint32_t slot) {
        (*this)[slot] = Record{};
        free_.push_back(slot);
    }

    //! One more than the highest number ever given.
    std::uint32_t end() const noexcept { return static_cast<std::uint32_t>(records_.size()); }
    std::size_t size() const noexcept { return records_.size() - free_.size(); }
    std::size_t memory_bytes() const noexcept {
        return records_.memory_bytes() + free_.capacity() * sizeof(std::uint32_t);
    }

private:
    piece_array<Record> records_;
    std::vector<std::uint32_t> free_;
};

} // namespace fasti

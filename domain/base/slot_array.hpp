// SPDX-License-Identifier: Apache-2.0
//! Records by dense number, in pieces that never move: growing copies nothing and stalls nobody.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace fasti {

template <class Record>
class slot_array {
public:
    Record& operator[](std::uint32_t slot) noexcept {
        return (*pieces_[slot / piece_records])[slot % piece_records];
    }
    const Record& operator[](std::uint32_t slot) const noexcept {
        return (*pieces_[slot / piece_records])[slot % piece_records];
    }

    //! A number that is free: one given back, or a new one.
    std::uint32_t take() {
        if (!free_.empty()) {
            const std::uint32_t slot = free_.back();
            free_.pop_back();
            return slot;
        }
        if (used_ == pieces_.size() * piece_records) {
            pieces_.push_back(std::make_unique<piece>());
        }
        return used_++;
    }

    //! Empties the record and keeps its number for the next take().
    void give_back(std::uint32_t slot) {
        (*this)[slot] = Record{};
        free_.push_back(slot);
    }

    //! One more than the highest number ever given.
    std::uint32_t end() const noexcept { return used_; }
    std::size_t size() const noexcept { return used_ - free_.size(); }
    std::size_t memory_bytes() const noexcept {
        return pieces_.size() * sizeof(piece) + free_.capacity() * sizeof(std::uint32_t);
    }

private:
    static constexpr std::size_t piece_records = 1024;
    using piece = std::array<Record, piece_records>;

    std::vector<std::unique_ptr<piece>> pieces_;
    std::vector<std::uint32_t> free_;
    std::uint32_t used_ = 0;
};

} // namespace fasti

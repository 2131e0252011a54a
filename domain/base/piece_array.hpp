// SPDX-License-Identifier: Apache-2.0
//! Records by dense number, in pieces that never move: growing copies nothing and stalls nobody.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace fasti {

template <class Record>
class piece_array {
public:
    piece_array() = default;
    piece_array(piece_array&& from) noexcept
        : pieces_(std::move(from.pieces_)), size_(std::exchange(from.size_, 0)) {}
    piece_array& operator=(piece_array&& from) noexcept {
        pieces_ = std::move(from.pieces_);
        size_ = std::exchange(from.size_, 0);
        return *this;
    }
    piece_array(const piece_array&) = delete;
    piece_array& operator=(const piece_array&) = delete;
    ~piece_array() = default;

    Record& operator[](std::size_t at) noexcept {
        return (*pieces_[at / piece_records])[at % piece_records];
    }
    const Record& operator[](std::size_t at) const noexcept {
        return (*pieces_[at / piece_records])[at % piece_records];
    }

    std::size_t size() const noexcept { return size_; }

    //! One more, at the number size() had. Like all records of a fresh piece it is default-made.
    Record& add() {
        if (size_ == pieces_.size() * piece_records) {
            pieces_.push_back(std::make_unique<piece>());
        }
        return (*this)[size_++];
    }

    std::size_t memory_bytes() const noexcept { return pieces_.size() * sizeof(piece); }

private:
    static constexpr std::size_t piece_records = 1024;
    using piece = std::array<Record, piece_records>;

    std::vector<std::unique_ptr<piece>> pieces_;
    std::size_t size_ = 0;
};

} // namespace fasti

// SPDX-License-Identifier: Apache-2.0
//! Copies of the few texts that a request's items borrow from. The first ones lie in the object itself, so
//! that most requests ask for no memory here. Never moved: that is what makes borrowing safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

namespace fasti {

class kept_texts {
public:
    kept_texts() = default;
    kept_texts(const kept_texts&) = delete;
    kept_texts& operator=(const kept_texts&) = delete;

    //! The copy lives as long as this object.
    std::string_view keep(std::string_view text) {
        if (text.empty()) {
            return {};
        }
        if (text.size() > left_) {
            grow(text.size());
        }
        char* const place = next_;
        std::memcpy(place, text.data(), text.size());
        next_ += text.size();
        left_ -= text.size();
        bytes_ += text.size();
        return {place, text.size()};
    }

    //! Of all texts kept.
    std::size_t bytes() const noexcept { return bytes_; }

private:
    static constexpr std::size_t inside_bytes = 160;
    static constexpr std::size_t block_bytes = 4'096;

    void grow(std::size_t wanted) {
        left_ = wanted > block_bytes ? wanted : block_bytes;
        more_.push_back(std::make_unique_for_overwrite<char[]>(left_));
        next_ = more_.back().get();
    }

    std::array<char, inside_bytes> inside_;
    char* next_ = inside_.data();
    std::size_t left_ = inside_bytes;
    std::size_t bytes_ = 0;
    std::vector<std::unique_ptr<char[]>> more_;
};

} // namespace fasti

// SPDX-License-Identifier: Apache-2.0
//! Keeps copies of texts at stable addresses until it is cleared: what a batch borrows from.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

namespace fasti {

class text_arena {
public:
    //! The copy lives until clear().
    std::string_view keep(std::string_view text) {
        if (text.empty()) {
            return {};
        }
        char* place = take(text.size());
        std::memcpy(place, text.data(), text.size());
        return {place, text.size()};
    }

    //! Forgets all texts; one block is kept for the next batch.
    void clear() noexcept {
        if (blocks_.size() > 1) {
            blocks_.resize(1);
        }
        used_ = 0;
    }

private:
    static constexpr std::size_t block_bytes = 256U * 1024U;

    struct block {
        std::unique_ptr<char[]> bytes;
        std::size_t size = 0;
    };

    char* take(std::size_t size) {
        if (blocks_.empty() || blocks_.back().size - used_ < size) {
            const std::size_t wanted = size > block_bytes ? size : block_bytes;
            blocks_.push_back({std::make_unique_for_overwrite<char[]>(wanted), wanted});
            used_ = 0;
        }
        char* place = blocks_.back().bytes.get() + used_;
        used_ += size;
        return place;
    }

    std::vector<block> blocks_;
    std::size_t used_ = 0; // of the last block
};

} // namespace fasti

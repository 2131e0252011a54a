// SPDX-License-Identifier: Apache-2.0
//! Versions of the streams met lately, so that an append seldom asks the indexes. Bounded: two
//! generations, of which the older is forgotten when the newer is full.
//! Thread: the appending one only.
#pragma once

#include "domain/base/piece_array.hpp"
#include "domain/base/slot_index.hpp"
#include "domain/base/text_arena.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace fasti::segments {

class stream_heads {
public:
    explicit stream_heads(std::size_t names_max);

    //! Fetches what find() of this stream will touch.
    void prefetch(std::uint64_t hash) const noexcept;
    //! The version kept for a stream, or null. Valid until the next call.
    std::uint64_t* find(std::uint64_t hash, std::string_view stream);
    //! Keeps a version that find() did not know; valid until the next call.
    std::uint64_t* insert(std::uint64_t hash, std::string_view stream, std::uint64_t version);

private:
    struct head {
        std::string_view stream; // lies in `names`
        std::uint64_t version = 0;
    };
    struct generation {
        slot_index index;
        piece_array<head> heads;
        text_arena names;

        std::uint64_t* find(std::uint64_t hash, std::string_view stream);
        std::uint64_t* insert(std::uint64_t hash, std::string_view stream, std::uint64_t version);
    };

    const std::size_t names_max_;
    generation now_;
    generation before_;
};

} // namespace fasti::segments

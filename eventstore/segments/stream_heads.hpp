// SPDX-License-Identifier: Apache-2.0
//! Versions of the streams met lately, so that an append seldom asks the indexes. Bounded: two
//! generations, of which the older is forgotten when the newer is full.
//! Thread: the appending one only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

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
    struct slot {
        std::uint64_t hash = 0;
        std::uint64_t version = 0;
        std::uint32_t name_at = 0;
        std::uint32_t name_size = 0; // 0: free
    };
    struct generation {
        std::vector<slot> slots;
        std::string names;
        std::size_t used = 0;

        slot* find(std::uint64_t hash, std::string_view stream);
        slot* insert(std::uint64_t hash, std::string_view stream, std::uint64_t version);
        std::size_t place(std::uint64_t hash, std::string_view stream) const;
        void grow();
    };

    const std::size_t names_max_;
    generation now_;
    generation before_;
};

} // namespace fasti::segments

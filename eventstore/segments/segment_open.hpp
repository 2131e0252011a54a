// SPDX-License-Identifier: Apache-2.0
//! Reading the fixed parts of a segment from its file, and what is derived from frames: keys, the chain.
#pragma once

#include "eventstore/port/record.hpp"
#include "eventstore/segments/memory_table.hpp"
#include "eventstore/segments/segment.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fasti::segments {

//! Keys of a frame, appended. False when the bytes are not as we write them.
bool frame_keys(std::string_view frame, const frame_header& header, std::vector<index_entry>& out);

//! Walks the chain along the frames: a frame states only the hash before it, so what stands behind
//! the last one is known by hashing.
class chain_walk {
public:
    explicit chain_walk(const chain_point& at) : at_(at) {}

    const chain_point& at() const noexcept { return at_; }
    //! Moves behind a sound frame. False, and nothing moved: it does not go on here, or its parts
    //! are not as we write them.
    bool follow(std::string_view frame, const frame_header& header);

private:
    chain_point at_;
    chain_hasher hasher_;
};

//! Opens a segment by its sequence. Errors: store_damaged, format_newer, format_older,
//! store_unavailable.
result<std::shared_ptr<segment>> open_segment(files& disk, const std::string& directory,
                                              std::uint64_t sequence, file_mode mode);

//! The footer of a segment, if there is a sound one that belongs to it.
result<std::optional<segment_footer>> read_footer(const segment& of);

} // namespace fasti::segments

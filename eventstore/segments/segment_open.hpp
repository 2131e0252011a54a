// SPDX-License-Identifier: Apache-2.0
//! Reading the fixed parts of a segment from its file, and the keys from a frame.
#pragma once

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

//! Opens a segment by its sequence. Errors: store_damaged, format_newer, store_unavailable.
result<std::shared_ptr<segment>> open_segment(files& disk, const std::string& directory,
                                              std::uint64_t sequence, file_mode mode);

//! The footer of a segment, if there is a sound one that belongs to it.
result<std::optional<segment_footer>> read_footer(const segment& of);

} // namespace fasti::segments

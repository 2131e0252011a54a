// SPDX-License-Identifier: Apache-2.0
//! Questions by key: the index names places, the log has the last word (hashes may collide).
//! Thread: any. Errors: store_damaged.
#pragma once

#include "eventstore/port/ledger.hpp"
#include "eventstore/segments/key_index.hpp"
#include "eventstore/segments/segment_set.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace fasti::segments {

struct indexed_log {
    const segment_set& set;
    const key_index& index;
};

result<std::uint64_t> version_of(const indexed_log& log, std::string_view stream);
result<std::optional<receipt>> receipt_of(const indexed_log& log, std::string_view scope,
                                          std::string_view key);
result<std::optional<std::string>> holder_of(const indexed_log& log, std::string_view name);
result<void> read_one_stream(const indexed_log& log, std::string_view stream,
                             std::uint64_t from_version, const event_visitor& visit);

} // namespace fasti::segments

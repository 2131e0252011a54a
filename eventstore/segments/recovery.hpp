// SPDX-License-Identifier: Apache-2.0
//! From a folder to an open log: what may be cut is cut, what was altered is refused.
//! Source: docs/decisions/0001_segment_format.md
#pragma once

#include "eventstore/segments/key_index.hpp"
#include "eventstore/segments/segment_ledger.hpp"
#include "eventstore/segments/segment_set.hpp"

#include <memory>

namespace fasti::segments {

struct recovered_log {
    std::unique_ptr<segment_set> set;
    std::unique_ptr<key_index> index;
    bool attested = false; //!< whether nothing is left unproven
};

//! Errors: store_damaged naming positions, format_newer, format_older, store_unavailable, store_full.
result<recovered_log> recover(files& disk, const segment_options& options);

} // namespace fasti::segments

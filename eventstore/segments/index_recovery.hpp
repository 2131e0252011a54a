// SPDX-License-Identifier: Apache-2.0
//! The index of sealed segments at an opening: their runs where these are true, else their frames.
#pragma once

#include "eventstore/segments/key_index.hpp"
#include "eventstore/segments/segment_ledger.hpp"
#include "eventstore/segments/segment_set.hpp"

#include <memory>
#include <vector>

namespace fasti::segments {

struct index_sources {
    files& disk;
    const segment_options& options;
    const log_identity& log;
    const std::vector<std::shared_ptr<segment>>& segments; //!< the last one is active
};

//! Also removes runs that are altered or that wider ones stand for, unless opened for reading only.
//! Errors: store_damaged naming positions, those of the disk.
result<void> fill_index(const index_sources& from, key_index& index);

} // namespace fasti::segments

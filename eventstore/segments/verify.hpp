// SPDX-License-Identifier: Apache-2.0
//! Walks everything an open log stores and says what is wrong with it.
#pragma once

#include "eventstore/segments/lookups.hpp"

namespace fasti::segments {

result<std::uint64_t> verify_log(const indexed_log& log,
                                 const std::function<void(const finding&)>& report,
                                 const progress_sink& progress);

} // namespace fasti::segments

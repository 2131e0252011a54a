// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/bench/load_options.hpp"

namespace fasti::bench {

//! Subscribers of GET /v1/events/stream and requests that append events beside them; prints one line of JSON.
//! False: an event was lost or out of order at a subscriber, or a request failed.
//! Errors: throws std::runtime_error when a connection cannot be made or is lost.
bool load_streams(const load_options& wanted);

} // namespace fasti::bench

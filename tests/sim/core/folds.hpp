// SPDX-License-Identifier: Apache-2.0
//! Whether live and past views, and the model that commands are decided on, are folds of the log.
#pragma once

#include "tests/sim/core/server.hpp"
#include "tests/sim/core/verdict.hpp"

#include <cstddef>

namespace fasti::sim {

//! Folds the log once, event by event, and compares: the views and the model at the end, past views
//! and rows of single streams at some random positions. Needs a server in which nothing waits.
void check_folds(server& of, machine& on, std::size_t past_positions, verdict& said);

} // namespace fasti::sim

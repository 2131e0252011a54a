// SPDX-License-Identifier: Apache-2.0
//! Queries that read the log or the node itself instead of a view: status, activity, why.
#pragma once

#include "adapters/api/call.hpp"
#include "adapters/api/evaluate.hpp"

namespace fasti::api {

bool is_log_query(http::operation what) noexcept;

//! Answers at once or from the worker. False when the worker takes no more; nothing was answered.
bool answer_from_log(api_context& context, const call& asked, const question& what);

} // namespace fasti::api

// SPDX-License-Identifier: Apache-2.0
//! Queries over tokens. Authentication is tokens_view::authenticate() itself.
#pragma once

#include "domain/identity/identity.gen.hpp"
#include "projections/engine/view_set.hpp"
#include "projections/queries/answer.hpp"

namespace fasti {

query_answer list_tokens(const view_set& views, const page& part);

} // namespace fasti

// SPDX-License-Identifier: Apache-2.0
//! The declared parameters of one query, read and checked.
#pragma once

#include "adapters/api/call.hpp"
#include "domain/wire/fields.hpp"

#include <utility>

namespace fasti::api {

//! Text is borrowed from the request; what the path captured is gone with the next request.
//! Errors: fields_invalid.
template <class Params>
result<Params> read_own_params(const call& asked) {
    Params own;
    common_params common;
    field_errors errors;
    read_query(asked.in().query, asked.at.captured(), own, common, errors);
    if (!errors.empty()) {
        return to_error(std::move(errors), Params::query_name);
    }
    return own;
}

} // namespace fasti::api

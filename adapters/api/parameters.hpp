// SPDX-License-Identifier: Apache-2.0
//! The declared parameters of one query, read and checked.
#pragma once

#include "adapters/api/call.hpp"
#include "domain/wire/fields.hpp"

#include <utility>
#include <vector>

namespace fasti::api {

//! Text is borrowed from the request; what the path captured is gone with the next request.
//! Errors: fields_invalid.
template <class Params>
result<Params> read_own_params(const call& asked) {
    std::vector<query_param> given;
    given.reserve(asked.in().query.size());
    for (const http::query_pair& pair : asked.in().query) {
        given.push_back({pair.name, pair.value});
    }
    Params own;
    common_params common;
    field_errors errors;
    read_query(given, asked.at.captured(), own, common, errors);
    if (!errors.empty()) {
        return to_error(std::move(errors), Params::query_name);
    }
    return own;
}

} // namespace fasti::api

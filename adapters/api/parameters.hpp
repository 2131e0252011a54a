// SPDX-License-Identifier: Apache-2.0
//! The declared parameters of one query, read and checked.
#pragma once

#include "adapters/api/call.hpp"
#include "domain/wire/fields.hpp"

#include <utility>

namespace fasti::api {

template <class Params>
struct parameters {
    Params own;
    common_params common;
};

//! Text is borrowed from the request; what the path captured is gone with the next request.
//! Errors: fields_invalid.
template <class Params>
result<parameters<Params>> read_parameters(const call& asked) {
    parameters<Params> out;
    field_errors errors;
    read_query(asked.in().query, asked.at.captured(), out.own, out.common, errors);
    if (!errors.empty()) {
        return to_error(std::move(errors), Params::query_name);
    }
    return out;
}

} // namespace fasti::api

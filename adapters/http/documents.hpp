// SPDX-License-Identifier: Apache-2.0
//! Pages that are made of the declarations and carried in the binary.
#pragma once

#include <string_view>

namespace fasti::http {

//! This API as OpenAPI 3.1, JSON.
std::string_view openapi_json() noexcept;
//! This API for people: one HTML page, no scripts, nothing loaded. Problem types point into it.
std::string_view reference_html() noexcept;

} // namespace fasti::http

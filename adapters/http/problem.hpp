// SPDX-License-Identifier: Apache-2.0
//! Every answer that is neither 2xx nor 304: problem+json (RFC 9457). The status comes from the
//! declared error alone; the type points into the reference page.
#pragma once

#include "adapters/http/request.hpp"
#include "adapters/http/response.hpp"
#include "domain/base/result.hpp"

#include <string_view>

namespace fasti::http {

//! Fills the answer: status, type, title, detail, outcome, code, errors, actual_version, and the
//! headers that belong to a status (WWW-Authenticate, Retry-After). `status` 0 means the code's own.
void write_problem(const error& what, response& into, int status = 0);
void write_problem(error_code code, std::string_view detail, response& into, int status = 0);

//! The members alone, "{...}", for one item of a batch.
void append_problem(const error& what, int status, std::string& out);

//! "conflict", "refused", ...: what a status means as the outcome of a command.
std::string_view outcome_of_status(int status) noexcept;

//! "type/subtype" of a Content-Type or Accept entry without parameters and blanks around it.
std::string_view media_type_of(std::string_view header) noexcept;

//! A body in JSON: application/json or a type ending in +json; UTF-8 if a charset is named.
//! No body, no type needed. Errors: media_type_unsupported, naming the type.
result<void> expect_json(const request& from);

//! The weight 0..1000 an Accept header gives a type, the most specific range deciding; 1000 when
//! there is no header.
int accept_weight(std::string_view accept, std::string_view media_type) noexcept;

} // namespace fasti::http

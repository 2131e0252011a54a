// SPDX-License-Identifier: Apache-2.0
//! Many commands in one request: {"mode": "all"|"each", "commands": [{"command", "data",
//! "idempotency_key", "expect"}]}.
#pragma once

#include "adapters/api/headers.hpp"
#include "commands/pipeline/request.hpp"
#include "domain/base/result.hpp"
#include "domain/wire/json.hpp"

namespace fasti::api {

//! Fills mode, items and keys of the request. Text is borrowed from the body.
//! `expect` is a stream version, "absent" (create only) or "present".
//! Errors: fields_invalid or command_unknown naming the item, permission_denied, malformed.
result<void> read_batch(const json_value& body, const command_headers& headers,
                        command_request& into);

} // namespace fasti::api

// SPDX-License-Identifier: Apache-2.0
//! /metrics: what the process counted and where the node stands.
//! Thread: the I/O thread.
#pragma once

#include "adapters/api/context.hpp"
#include "adapters/http/response.hpp"
#include "adapters/http/server.hpp"

#include <string_view>

namespace fasti::api {

//! Series per service are for those who may see detail, the largest services first, capped.
void write_metrics(const api_context& context, bool with_services, std::string_view accept,
                   http::response& out);

//! What the server counted; a collector of the process.
void write_connection_metrics(const http::server_counters& counted, telemetry::metrics_writer& to);

} // namespace fasti::api

// SPDX-License-Identifier: Apache-2.0
//! Queries that read the log or the node itself instead of a view: status, activity, why.
//! Thread: the I/O thread; the log is read on the worker.
#pragma once

#include "adapters/api/call.hpp"
#include "adapters/api/position_waits.hpp"
#include "domain/operations/operations.gen.hpp"

namespace fasti::api {

class log_routes {
public:
    log_routes(api_context& context, position_waits& arrivals)
        : context_(context), arrivals_(arrivals) {}

    void handle(const call& asked, query<operations::get_status_params>) const;
    void handle(const call& asked, query<operations::list_activity_params>) const;
    void handle(const call& asked, query<operations::get_why_params>) const;

private:
    api_context& context_;
    position_waits& arrivals_;
};

} // namespace fasti::api

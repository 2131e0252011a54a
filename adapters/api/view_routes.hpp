// SPDX-License-Identifier: Apache-2.0
//! Views over HTTP as people look at them: where they stand, their rows at any moment, what differs
//! between two; and the snapshots that the past is answered from.
//! Thread: the I/O thread; rows are folded and written on the worker of past folds.
#pragma once

#include "adapters/api/call.hpp"
#include "adapters/api/past_folds.hpp"
#include "domain/operations/operations.gen.hpp"

#include <memory>

namespace fasti::api {

class view_routes {
public:
    view_routes(api_context& context, past_folds& past);
    ~view_routes();
    view_routes(const view_routes&) = delete;
    view_routes& operator=(const view_routes&) = delete;

    void handle(const call& asked, query<operations::list_views_params>);
    void handle(const call& asked, query<operations::get_view_params>);
    void handle(const call& asked, query<operations::get_view_difference_params>);
    void handle(const call& asked, query<operations::list_snapshots_params>);
    void handle(const call& asked, query<operations::take_snapshot_params>);

private:
    struct parts;
    std::unique_ptr<parts> parts_;
};

} // namespace fasti::api

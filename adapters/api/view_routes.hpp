// SPDX-License-Identifier: Apache-2.0
//! Views over HTTP as people look at them: where they stand, their rows at any moment, what differs
//! between two; and the snapshots that the past is answered from.
//! Thread: the I/O thread; rows are folded and written on the worker of past folds.
#pragma once

#include "adapters/api/call.hpp"
#include "adapters/api/past_folds.hpp"
#include "adapters/http/routes.gen.hpp"

#include <memory>

namespace fasti::api {

class view_routes {
public:
    view_routes(api_context& context, past_folds& past);
    ~view_routes();
    view_routes(const view_routes&) = delete;
    view_routes& operator=(const view_routes&) = delete;

    bool takes(http::operation what) const noexcept;
    void handle(const call& asked);

private:
    struct parts;
    std::unique_ptr<parts> parts_;
};

} // namespace fasti::api

// SPDX-License-Identifier: Apache-2.0
//! Queries over HTTP: on the live views at once, on past ones by workers, and blocking ones that
//! wait until their own answer changed.
//! Thread: the I/O thread.
#pragma once

#include "adapters/api/call.hpp"
#include "adapters/api/past_folds.hpp"
#include "adapters/api/position_waits.hpp"

#include <memory>

namespace fasti::api {

class query_routes {
public:
    query_routes(api_context& context, past_folds& past, position_waits& arrivals);
    ~query_routes();
    query_routes(const query_routes&) = delete;
    query_routes& operator=(const query_routes&) = delete;

    //! Any query over views.
    void handle(const call& asked);

    void start(node& live);
    //! Blocking queries are answered now with what there is.
    void drain();
    void tick();

    std::size_t waiting() const noexcept;
    //! How often commits made waiting queries be evaluated again since the start.
    std::uint64_t evaluations() const noexcept;

private:
    struct parts;
    std::unique_ptr<parts> parts_;
};

} // namespace fasti::api

// SPDX-License-Identifier: Apache-2.0
//! What was asked and how it went: requests by operation and status, their durations, and the access
//! log. Durations run from the whole request to the answer being due; answers that wait on purpose
//! (streams, blocking queries) are counted without one.
//! Thread: the I/O thread.
#pragma once

#include "adapters/api/context.hpp"
#include "adapters/http/request.hpp"
#include "adapters/http/response.hpp"
#include "adapters/http/routes.gen.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace fasti::api {

class traffic {
public:
    explicit traffic(api_context& context) : context_(context) {}

    //! A request arrived; call it before anything answers.
    void arrived(http::request& in) const { in.arrived_us = context_.time.monotonic_us(); }
    void answered(const http::request& in, const http::response& out);

    void write(telemetry::metrics_writer& to) const;

private:
    struct status_count {
        int status;
        std::uint64_t count;
    };
    struct tally {
        std::vector<status_count> statuses; //!< few, so a walk is quickest
        std::unique_ptr<telemetry::histogram> durations;
    };
    static constexpr std::size_t unrouted = http::operation_count;

    void write_line(const http::request& in, int status, std::int64_t duration_us) const;

    api_context& context_;
    std::array<tally, http::operation_count + 1> tallies_; //!< the last: what found no route
};

} // namespace fasti::api

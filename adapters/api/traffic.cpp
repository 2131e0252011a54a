// SPDX-License-Identifier: Apache-2.0
#include "adapters/api/traffic.hpp"

#include "adapters/api/headers.hpp"

#include <algorithm>
#include <string>

namespace fasti::api {
namespace {

using telemetry::metric_kind;
using telemetry::metric_label;

constexpr std::size_t trace_id_at = 3;
constexpr std::size_t trace_id_size = 32;

//! Parameters with which a query waits for something to happen.
bool waits_on_purpose(const http::request& in) {
    return std::any_of(in.query.begin(), in.query.end(), [](const http::query_pair& pair) {
        return pair.name == "wait" || pair.name == "index" || pair.name == "after";
    });
}

} // namespace

void traffic::answered(const http::request& in, const http::response& out) {
    const http::route* const to = in.routed;
    tally& into = tallies_[to == nullptr ? unrouted : static_cast<std::size_t>(to->what)];
    const auto found = std::find_if(into.statuses.begin(), into.statuses.end(),
                                    [&](const auto& one) { return one.status == out.status; });
    if (found == into.statuses.end()) {
        into.statuses.push_back({out.status, 1});
    } else {
        ++found->count;
    }
    if (in.arrived_us == 0) {
        return; // refused before anything looked at it
    }
    const std::int64_t duration_us = context_.time.monotonic_us() - in.arrived_us;
    if (to != nullptr && to->what != http::operation::stream_events && !waits_on_purpose(in)) {
        if (into.durations == nullptr) {
            into.durations = std::make_unique<telemetry::histogram>(telemetry::latency_bounds_us());
        }
        into.durations->observe(static_cast<std::uint64_t>(duration_us));
    }
    if (context_.options.access_log) {
        write_line(in, out.status, duration_us);
    }
}

//! The route's pattern, never the target: names and parameters are the callers' own business.
void traffic::write_line(const http::request& in, int status, std::int64_t duration_us) const {
    const std::string_view pattern = in.routed == nullptr ? "" : in.routed->pattern;
    const std::string_view trace = in.get(http::header_id::traceparent);
    const double seconds = static_cast<double>(duration_us) / 1e6;
    if (is_traceparent(trace)) {
        context_.log.info("request",
                          {{"method", in.verb_name},
                           {"route", pattern},
                           {"status", status},
                           {"duration_seconds", seconds},
                           {"peer", in.peer},
                           {"correlation_id", trace.substr(trace_id_at, trace_id_size)}});
    } else {
        context_.log.info("request", {{"method", in.verb_name},
                                      {"route", pattern},
                                      {"status", status},
                                      {"duration_seconds", seconds},
                                      {"peer", in.peer}});
    }
}

void traffic::write(telemetry::metrics_writer& to) const {
    const auto name_of = [](std::size_t index) {
        return index == unrouted ? std::string_view("none")
                                 : to_name(static_cast<http::operation>(index));
    };
    to.family({.name = "fasti_http_requests",
               .help = "Requests answered, by declared operation and status.",
               .kind = metric_kind::counter});
    for (std::size_t i = 0; i < tallies_.size(); ++i) {
        for (const status_count& one : tallies_[i].statuses) {
            const std::string status = std::to_string(one.status);
            const std::array<metric_label, 2> labels = {
                {{"operation", name_of(i)}, {"status", status}}};
            to.value(labels, one.count);
        }
    }
    to.family({.name = "fasti_http_request_duration_seconds",
               .help = "From a whole request to its answer; without streams and blocking queries.",
               .kind = metric_kind::histogram,
               .unit = "seconds",
               .per_unit = 1'000'000});
    for (std::size_t i = 0; i < tallies_.size(); ++i) {
        if (tallies_[i].durations != nullptr) {
            const std::array<metric_label, 1> labels = {{{"operation", name_of(i)}}};
            tallies_[i].durations->write(labels, to);
        }
    }
}

} // namespace fasti::api

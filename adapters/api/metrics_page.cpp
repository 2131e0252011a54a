// SPDX-License-Identifier: Apache-2.0
#include "adapters/api/metrics_page.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

namespace fasti::api {
namespace {

using telemetry::metric_kind;
using telemetry::metric_label;
using telemetry::metrics_writer;

void write_one(metrics_writer& out, const telemetry::metric_family& family, std::uint64_t ticks) {
    out.family(family);
    out.value({}, ticks);
}

void write_outcomes(metrics_writer& out, const node_counters& counters) {
    out.family({.name = "fasti_commands",
                .help = "Commands decided, by outcome.",
                .kind = metric_kind::counter});
    const std::array<std::pair<std::string_view, std::uint64_t>, 5> outcomes = {{
        {"appended", counters.commands_appended},
        {"already", counters.commands_already},
        {"unchanged", counters.commands_unchanged},
        {"dry_run", counters.commands_dry_run},
        {"failed", counters.commands_failed},
    }};
    for (const auto& [name, value] : outcomes) {
        const std::array<metric_label, 1> labels = {{{"outcome", name}}};
        out.value(labels, value);
    }
}

void write_log(metrics_writer& out, const node& live) {
    const node_counters& counters = live.counters();
    write_one(out,
              {.name = "fasti_log_head_position",
               .help = "Position of the newest durable event.",
               .kind = metric_kind::gauge},
              live.facts().head().last);
    write_one(out,
              {.name = "fasti_log_appends",
               .help = "Batches made durable since the start.",
               .kind = metric_kind::counter},
              counters.batches);
    write_one(out,
              {.name = "fasti_log_events",
               .help = "Events made durable since the start.",
               .kind = metric_kind::counter},
              counters.events);
    write_one(out,
              {.name = "fasti_lease_renewals",
               .help = "Leases renewed since the start.",
               .kind = metric_kind::counter},
              counters.renewals);
    write_one(out,
              {.name = "fasti_leases",
               .help = "Leases that are not expired.",
               .kind = metric_kind::gauge},
              live.leases());
    write_one(out,
              {.name = "fasti_expiry_guard_raised",
               .help = "1 while the guard against mass expiry holds expiries back.",
               .kind = metric_kind::gauge},
              live.views().registry().guard_until().has_value() ? 1 : 0);
}

void write_views(metrics_writer& out, const node& live) {
    const auto lags = live.views().lag(live.facts().head());
    out.family({.name = "fasti_view_lag_events",
                .help = "Durable events that a view does not hold yet.",
                .kind = metric_kind::gauge});
    for (const view_lag& one : lags) {
        const std::array<metric_label, 1> labels = {{{"view", one.view}}};
        out.value(labels, one.events);
    }
    out.family({.name = "fasti_view_lag_seconds",
                .help = "Recorded time between a view and the newest durable event.",
                .kind = metric_kind::gauge,
                .unit = "seconds",
                .per_unit = 1'000'000});
    for (const view_lag& one : lags) {
        const std::array<metric_label, 1> labels = {{{"view", one.view}}};
        out.value(labels, one.us);
    }
    out.family({.name = "fasti_view_parked_streams",
                .help = "Streams whose rows stand still because an event could not be read.",
                .kind = metric_kind::gauge});
    for (const view_lag& one : lags) {
        const std::array<metric_label, 1> labels = {{{"view", one.view}}};
        out.value(labels, one.parked);
    }
}

void write_self(metrics_writer& out, const api_context& context) {
    out.family({.name = "fasti_build_info",
                .help = "The version that runs; the value is always 1.",
                .kind = metric_kind::gauge});
    const std::array<metric_label, 1> labels = {{{"version", context.version}}};
    out.value(labels, std::uint64_t{1});
    write_one(out,
              {.name = "fasti_ready",
               .help = "1 while everything is served, 0 during recovery and shutdown.",
               .kind = metric_kind::gauge},
              context.now == phase::serving ? 1 : 0);
}

void write_registry(metrics_writer& out, const registry_view& registry) {
    write_one(
        out,
        {.name = "fasti_registry_services", .help = "Services known.", .kind = metric_kind::gauge},
        registry.service_count());
    write_one(out,
              {.name = "fasti_registry_instances",
               .help = "Instances known, whatever their status.",
               .kind = metric_kind::gauge},
              registry.instance_count());
    write_one(out,
              {.name = "fasti_registry_healthy_instances",
               .help = "Instances that are up.",
               .kind = metric_kind::gauge},
              registry.healthy_count());
}

//! The largest services, so that a cap leaves out those that matter least.
void write_services(metrics_writer& out, const registry_view& registry, std::size_t most) {
    std::vector<service_id> services;
    registry.services_from("", [&](service_id id) {
        services.push_back(id);
        return true;
    });
    const auto larger = [&](service_id a, service_id b) {
        return registry.members(a).size() > registry.members(b).size();
    };
    const std::size_t shown = std::min(most, services.size());
    std::partial_sort(services.begin(), services.begin() + static_cast<std::ptrdiff_t>(shown),
                      services.end(), larger);
    write_one(out,
              {.name = "fasti_registry_services_without_series",
               .help = "Services left out of the series per service by their cap.",
               .kind = metric_kind::gauge},
              services.size() - shown);
    services.resize(shown);
    out.family({.name = "fasti_registry_service_healthy_instances",
                .help = "Instances of a service that are up.",
                .kind = metric_kind::gauge});
    for (const service_id id : services) {
        const std::array<metric_label, 1> labels = {{{"service", registry.service_name(id)}}};
        out.value(labels, std::uint64_t{registry.healthy(id).size()});
    }
}

} // namespace

void write_connection_metrics(const http::server_counters& counted, metrics_writer& to) {
    write_one(to,
              {.name = "fasti_http_connections_accepted",
               .help = "Connections accepted since the start.",
               .kind = metric_kind::counter},
              counted.connections_accepted);
    write_one(to,
              {.name = "fasti_http_connections_refused",
               .help = "Connections closed at once because too many were open.",
               .kind = metric_kind::counter},
              counted.connections_refused);
    write_one(to,
              {.name = "fasti_http_connections_timed_out",
               .help = "Connections closed because a client was too slow.",
               .kind = metric_kind::counter},
              counted.connections_timed_out);
    write_one(to,
              {.name = "fasti_http_connections_open",
               .help = "Connections open now.",
               .kind = metric_kind::gauge},
              counted.connections_open);
    write_one(to,
              {.name = "fasti_http_requests_open",
               .help = "Requests that wait for their answer, streams among them.",
               .kind = metric_kind::gauge},
              counted.requests_open);
}

void write_metrics(const api_context& context, bool with_services, std::string_view accept,
                   http::response& out) {
    const auto format = telemetry::metrics_format_for(accept);
    out.content_type = telemetry::content_type_of(format);
    std::string process;
    metrics_writer writer(format, out.body);
    write_self(writer, context);
    if (context.live != nullptr) {
        const node& live = *context.live;
        write_outcomes(writer, live.counters());
        write_log(writer, live);
        write_views(writer, live);
        write_registry(writer, live.views().registry());
        write_one(writer,
                  {.name = "fasti_pipeline_commands_waiting",
                   .help = "Commands that wait for the sequencer.",
                   .kind = metric_kind::gauge},
                  context.commands_waiting());
        if (with_services) {
            write_services(writer, live.views().registry(), context.options.series_per_service_max);
        }
    }
    // The registry's own rendering ends the document.
    context.metrics.render(format, process);
    out.body += process;
}

} // namespace fasti::api

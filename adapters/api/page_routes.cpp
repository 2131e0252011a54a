// SPDX-License-Identifier: Apache-2.0
#include "adapters/api/page_routes.hpp"

#include "adapters/api/metrics_page.hpp"
#include "adapters/http/documents.hpp"
#include "domain/wire/json_writer.hpp"

#include <string>

namespace fasti::api {
namespace {

constexpr std::string_view permission_detail = "status:read";

void write_component(json_writer& out, std::string_view name, std::uint64_t value,
                     std::string_view unit) {
    out.name(name);
    out.begin_array();
    out.begin_object();
    out.text("status", "pass");
    out.number("observedValue", value);
    out.text("observedUnit", unit);
    out.end_object();
    out.end_array();
}

//! What each part says of itself: for those who may see it.
void write_components(json_writer& out, const api_context& context) {
    const node& live = *context.live;
    const ledger_head head = live.facts().head();
    out.name("checks");
    out.begin_object();
    write_component(out, "log:head", head.last, "events");
    write_component(out, "pipeline:waiting", context.commands_waiting(), "commands");
    write_component(out, "leases:live", live.leases(), "leases");
    for (const view_lag& view : live.views().lag(head)) {
        out.name("view_" + std::string(view.view) + ":lag");
        out.begin_array();
        out.begin_object();
        out.text("status", view.parked > 0 ? "warn" : "pass");
        out.number("observedValue", view.events);
        out.text("observedUnit", "events");
        if (view.parked > 0) {
            out.text("output", std::to_string(view.parked) +
                                   " streams stand still: an event could not be read.");
        }
        out.end_object();
        out.end_array();
    }
    out.end_object();
}

bool may_see_detail(const call& asked) {
    return asked.caller != nullptr && permits(asked.caller->permissions, permission_detail);
}

std::string_view sentence_of(phase now) {
    switch (now) {
        case phase::recovering: return "The server is recovering.";
        case phase::draining: return "The server is shutting down.";
        case phase::serving: break;
    }
    return {};
}

void answer_health(const call& asked, const api_context& context, bool asks_readiness) {
    const bool ready = context.now == phase::serving;
    const bool pass = ready || !asks_readiness;
    http::response& out = asked.out();
    out.status = pass ? 200 : 503;
    out.content_type = http::media::health;
    json_writer writer(out.body);
    writer.begin_object();
    writer.text("status", pass ? "pass" : "fail");
    writer.text("version", "1");
    writer.text("releaseId", context.version);
    if (!ready && asks_readiness) {
        writer.text("output",
                    std::string(sentence_of(context.now)) +
                        (context.now == phase::recovering && !context.recovery_progress.empty()
                             ? " " + context.recovery_progress
                             : ""));
        out.add_header("Retry-After", std::uint64_t{1});
    }
    if (asked.route().what == http::operation::health && context.live != nullptr &&
        may_see_detail(asked)) {
        write_components(writer, context);
    }
    writer.end_object();
    asked.to.send();
}

} // namespace

void page_routes::handle(const call& asked) {
    http::response& out = asked.out();
    switch (asked.route().what) {
        case http::operation::health_live: answer_health(asked, context_, false); return;
        case http::operation::metrics:
            write_metrics(context_, may_see_detail(asked), asked.in().get(http::header_id::accept),
                          out);
            break;
        case http::operation::openapi: out.body = http::openapi_json(); break;
        case http::operation::api_reference:
            out.content_type = http::media::html;
            out.policy = http::content_policy::page;
            out.body = http::reference_html();
            break;
        default: answer_health(asked, context_, true); return;
    }
    asked.to.send();
}

} // namespace fasti::api

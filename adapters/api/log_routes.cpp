// SPDX-License-Identifier: Apache-2.0
#include "adapters/api/log_routes.hpp"

#include "adapters/api/parameters.hpp"
#include "adapters/api/short_turn.hpp"
#include "domain/wire/json_writer.hpp"
#include "domain/wire/operations_json.gen.hpp"
#include "eventstore/port/token.hpp"
#include "projections/queries/log_queries.hpp"

#include <string>
#include <utility>

namespace fasti::api {
namespace {

void write_views(json_writer& out, const node& live, const ledger_head& head) {
    out.name("views");
    out.begin_array();
    for (const view_lag& one : live.views().lag(head)) {
        out.begin_object();
        out.text("view", one.view);
        out.number("lag_events", one.events);
        out.number("lag_seconds", static_cast<double>(one.us) / 1e6);
        out.number("parked_streams", one.parked);
        out.end_object();
    }
    out.end_array();
}

void write_leases(json_writer& out, const node& live) {
    out.number("leases", std::uint64_t{live.leases()});
    if (const auto until = live.views().registry().guard_until()) {
        out.moment("expiry_guard_until", *until);
    }
}

std::string status_document(const api_context& context) {
    const node& live = *context.live;
    const ledger_head head = live.facts().head();
    std::string body;
    json_writer out(body);
    out.begin_object();
    out.text("version", context.version);
    out.text("log_id", to_hex(live.facts().log_id().as_bytes()));
    out.text("position", live.position_token());
    out.number("head", head.last);
    out.name("last_recorded_at");
    if (head.last > 0) {
        out.moment(head.last_recorded);
    } else {
        out.null();
    }
    out.text("phase", context.now == phase::draining ? "draining" : "serving");
    out.number("uptime_seconds",
               static_cast<double>(context.time.monotonic_us() - context.started_us) / 1e6);
    out.number("services", live.views().registry().service_count());
    out.number("instances", live.views().registry().instance_count());
    out.number("healthy_instances", live.views().registry().healthy_count());
    write_leases(out, live);
    out.number("commands_waiting", std::uint64_t{context.commands_waiting()});
    write_views(out, live, head);
    out.end_object();
    return body;
}

void tell(const call& asked, const query_answer& answer, const node& live) {
    if (answer.failure.has_value()) {
        http::write_problem(*answer.failure, asked.out());
    } else {
        asked.out().body = answer.body;
    }
    asked.out().add_header("Fasti-Position", live.position_token());
    asked.to.send();
}

//! Asks `query(facts)` on the worker.
template <class Query>
void answer_from_log(api_context& context, const call& asked, const Query& query) {
    const bool taken = in_short_turn(
        context, [&facts = context.live->facts(), query] { return query(facts); },
        [&context, asked](const query_answer& made) { tell(asked, made, *context.live); });
    if (!taken) {
        asked.refuse(reads_full());
    }
}

} // namespace

void log_routes::handle(const call& asked, query<operations::get_status_params>) const {
    if (auto read = read_parameters<operations::get_status_params>(asked); !read.ok()) {
        asked.refuse(read.error());
        return;
    }
    query_answer answer;
    answer.body = status_document(context_);
    tell(asked, answer, *context_.live);
}

void log_routes::handle(const call& asked, query<operations::list_activity_params>) const {
    const auto read = read_parameters<operations::list_activity_params>(asked);
    if (!read.ok()) {
        asked.refuse(read.error());
        return;
    }
    arrivals_.pass(asked, read->common, [&context = context_, asked, what = *read] {
        answer_from_log(context, asked, [what](const ledger& facts) {
            return list_activity(facts, what.own, page_of(what.common));
        });
    });
}

void log_routes::handle(const call& asked, query<operations::get_why_params>) const {
    const auto read = read_parameters<operations::get_why_params>(asked);
    if (!read.ok()) {
        asked.refuse(read.error());
        return;
    }
    answer_from_log(context_, asked, [stream = std::string(read->own.stream)](const ledger& facts) {
        return get_why(facts, {stream});
    });
}

} // namespace fasti::api

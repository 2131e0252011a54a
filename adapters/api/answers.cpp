// SPDX-License-Identifier: Apache-2.0
#include "adapters/api/answers.hpp"

#include "domain/wire/events.gen.hpp"
#include "domain/wire/identity_json.gen.hpp"
#include "domain/wire/registry_json.gen.hpp"
#include "eventstore/port/record.hpp"
#include "eventstore/port/token.hpp"
#include "projections/queries/preview.hpp"

#include <algorithm>
#include <span>
#include <string>
#include <vector>

namespace fasti::api {
namespace {

void write_event(json_writer& out, const recorded_event& event) {
    out.begin_object();
    out.quoted_name(R"("type":)");
    out.text(event.fact.type);
    out.quoted_name(R"("stream":)");
    out.text(event.fact.stream);
    out.quoted_name(R"("stream_version":)");
    out.number(event.fact.stream_version);
    out.quoted_name(R"("position":)");
    out.number(event.at);
    out.end_object();
}

//! A token needs no escapes: it is written where it stays.
void write_position(json_writer& out, std::uint64_t epoch, position at, std::uint32_t prefix) {
    out.quoted_name(R"("position":)");
    out.out() += '"';
    write_token(epoch, at, prefix, out.out());
    out.out() += '"';
}

//! The token of the last event of an outcome, and its events. Errors: those of reading them.
result<void> write_facts(json_writer& out, const item_outcome& what, const committed_batch* batch,
                         const node& live) {
    const position last = what.first + what.count - 1;
    if (batch != nullptr && what.first >= batch->first) {
        write_position(out, live.epoch(), last, batch->hashes[last - batch->first].prefix());
        out.quoted_name(R"("events":)");
        out.begin_array();
        recorded_event event;
        for (position at = what.first; at <= last; ++at) {
            check(decode_record(batch->canonical(at - batch->first), event),
                  "what was appended can be read");
            write_event(out, event);
        }
        out.end_array();
        return {};
    }
    const auto hash = live.facts().hash_at(last);
    if (!hash.ok()) {
        return hash.error();
    }
    write_position(out, live.epoch(), last, hash.value().prefix());
    out.quoted_name(R"("events":)");
    out.begin_array();
    const auto read = live.facts().read(what.first, last, {}, [&](const recorded_event& event) {
        write_event(out, event);
        return read_more::go_on;
    });
    out.end_array();
    return read.ok() ? result<void>{} : result<void>{read.error()};
}

//! A plan holds what is stored now beside what would be: who may do `registry:write` sees that with
//! `registry:read` only.
bool may_see_plan(const command_request& request) {
    const auto& held = request.caller->permissions;
    return std::all_of(request.items.begin(), request.items.end(), [&](const command_item& item) {
        std::string needed{info_of(type_of(item.what)).permission};
        needed.replace(std::min(needed.find(':'), needed.size()), std::string::npos, ":read");
        return permits(held, needed);
    });
}

//! Types and streams; the data too for who may see the plan.
void write_plan(json_writer& out, const item_outcome& what, const node& live, bool in_full) {
    out.quoted_name(R"("position":)");
    out.text(live.position_token());
    out.quoted_name(R"("events":)");
    out.begin_array();
    event_scratch scratch;
    for (const planned_event& event : what.planned) {
        out.begin_object();
        out.quoted_name(R"("type":)");
        out.text(event.type);
        out.quoted_name(R"("stream":)");
        out.text(event.stream);
        out.quoted_name(R"("stream_version":)");
        out.number(event.stream_version);
        if (in_full) {
            out.quoted_name(R"("data":)");
            const decode_status status = visit_event(
                event.type, event.revision, event.data, scratch,
                [&](const auto& fact) { write_json(out, fact); });
            check(status == decode_status::ok, "what was planned can be read");
        }
        out.end_object();
    }
    out.end_array();
}

void write_difference(json_writer& out, std::span<const item_outcome> outcomes,
                      const command_request& request, const node& live) {
    std::vector<planned_fact> facts;
    for (const item_outcome& one : outcomes) {
        for (const planned_event& event : one.planned) {
            facts.push_back(
                {event.type, event.revision, event.stream, event.stream_version, event.data});
        }
    }
    out.quoted_name(R"("diff":)");
    out.raw(preview(live.views(), facts, {live.time().now(), request.caller->actor}));
}

} // namespace

std::string_view to_name(outcome_kind kind) noexcept {
    switch (kind) {
        case outcome_kind::appended: return "appended";
        case outcome_kind::already: return "already";
        case outcome_kind::unchanged: return "unchanged";
        case outcome_kind::dry_run: return "dry_run";
        case outcome_kind::failed: break;
    }
    return "failed";
}

void write_unchanged(json_writer& out, const node& live) {
    out.quoted_name(R"("outcome":)");
    out.text(to_name(outcome_kind::unchanged));
    out.quoted_name(R"("position":)");
    out.text(live.position_token());
    out.quoted_name(R"("events":)");
    out.begin_array();
    out.end_array();
}

result<void> write_outcome(json_writer& out, const item_outcome& what, const command_answer& answer,
                           const node& live) {
    if (what.kind == outcome_kind::unchanged) {
        write_unchanged(out, live);
        return {};
    }
    const std::size_t before = out.out().size();
    out.quoted_name(R"("outcome":)");
    out.text(to_name(what.kind));
    if (what.kind == outcome_kind::dry_run) {
        write_plan(out, what, live, may_see_plan(*answer.request));
        return {};
    }
    check(what.count > 0, "what was appended has events");
    auto told = write_facts(out, what, answer.batch, live);
    if (!told.ok()) {
        out.out().resize(before);
    }
    return told;
}

void write_renewal(json_writer& out, const renewal& what) {
    out.quoted_name(R"("lease_ms":)");
    out.number(what.lease_ms);
    out.quoted_name(R"("deadline":)");
    out.moment(what.deadline);
}

void write_renewal_item(json_writer& out, const registry::lease_name& name,
                        const std::optional<renewal>& renewed,
                        const std::optional<error>& failure) {
    out.begin_object();
    out.quoted_name(R"("service":)");
    out.text(name.service);
    out.quoted_name(R"("instance":)");
    out.text(name.instance);
    out.quoted_name(R"("status":)");
    out.number(std::int64_t{failure.has_value() ? traits_of(failure->code).http_status : 200});
    if (renewed.has_value()) {
        write_renewal(out, *renewed);
    }
    if (failure.has_value()) {
        std::string problem;
        http::append_problem(*failure, traits_of(failure->code).http_status, problem);
        out.quoted_name(R"("problem":)");
        out.raw(problem);
    }
    out.end_object();
}

namespace {

void write_failed_item(json_writer& out, const error& failure) {
    const int status = traits_of(failure.code).http_status;
    std::string problem;
    http::append_problem(failure, status, problem);
    out.begin_object();
    out.quoted_name(R"("status":)");
    out.number(std::int64_t{status});
    out.quoted_name(R"("outcome":)");
    out.text(http::outcome_of_status(status));
    out.quoted_name(R"("problem":)");
    out.raw(problem);
    out.end_object();
}

void write_item(json_writer& out, const command_answer& answer, std::size_t index,
                const token_secrets& secrets, const node& live) {
    const item_outcome& outcome = answer.outcomes[index];
    if (outcome.failure.has_value()) {
        write_failed_item(out, *outcome.failure);
        return;
    }
    const std::size_t before = out.out().size();
    out.begin_object();
    out.quoted_name(R"("status":)");
    out.number(std::int64_t{200});
    if (auto told = write_outcome(out, outcome, answer, live); !told.ok()) {
        out.out().resize(before);
        write_failed_item(out, told.error());
        return;
    }
    secrets.write(out, index, outcome);
    out.end_object();
}

} // namespace

void write_batch_answer(const call& asked, const command_answer& answer,
                        const token_secrets& secrets, const node& live) {
    const bool whole = answer.request->mode == batch_mode::all;
    const item_outcome& last = answer.outcomes.back();
    if (whole && last.failure.has_value()) {
        error why = *last.failure;
        if (!answer.failed_whole) {
            why.fields.push_back({"#/commands/" + std::to_string(answer.outcomes.size() - 1),
                                  "Because of this command nothing of the batch was done."});
        }
        http::write_problem(why, asked.out());
        return;
    }
    json_writer writer(asked.out().body);
    writer.begin_object();
    if (whole && last.kind == outcome_kind::already &&
        answer.outcomes.size() < answer.request->items.size()) {
        // The key of the whole batch was known.
        if (auto told = write_outcome(writer, last, answer, live); !told.ok()) {
            http::write_problem(told.error(), asked.out());
            return;
        }
        writer.end_object();
        return;
    }
    outcome_kind sum = outcome_kind::unchanged;
    for (const item_outcome& one : answer.outcomes) {
        if (one.kind == outcome_kind::appended || one.kind == outcome_kind::dry_run ||
            (one.kind == outcome_kind::already && sum == outcome_kind::unchanged)) {
            sum = one.kind;
        }
    }
    writer.quoted_name(R"("outcome":)");
    writer.text(to_name(sum));
    writer.quoted_name(R"("position":)");
    writer.text(live.position_token());
    writer.quoted_name(R"("items":)");
    writer.begin_array();
    for (std::size_t i = 0; i < answer.outcomes.size(); ++i) {
        write_item(writer, answer, i, secrets, live);
    }
    writer.end_array();
    if (answer.request->dry_run && may_see_plan(*answer.request)) {
        write_difference(writer, answer.outcomes, *answer.request, live);
    }
    writer.end_object();
}

result<void> write_answer(json_writer& out, const command_answer& answer,
                          const token_secrets& secrets, const node& live) {
    const item_outcome& outcome = answer.outcomes.at(0);
    out.begin_object();
    if (auto told = write_outcome(out, outcome, answer, live); !told.ok()) {
        return told;
    }
    secrets.write(out, 0, outcome);
    if (outcome.kind == outcome_kind::dry_run && may_see_plan(*answer.request)) {
        write_difference(out, answer.outcomes, *answer.request, live);
    }
    out.end_object();
    return {};
}

error as_asked(const error& why, bool by_header) {
    error told = why;
    if (by_header && told.code == error_code::version_conflict) {
        told.code = error_code::precondition_failed;
        told.message = "If-Match does not hold. " + told.message;
    }
    return told;
}

} // namespace fasti::api

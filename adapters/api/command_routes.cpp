// SPDX-License-Identifier: Apache-2.0
#include "adapters/api/command_routes.hpp"

#include "adapters/api/answers.hpp"
#include "adapters/api/batch.hpp"
#include "adapters/api/headers.hpp"
#include "adapters/api/refusals.hpp"
#include "adapters/api/secrets.hpp"

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <variant>
#include <vector>

namespace fasti::api {
namespace {

//! Sends what was written, with the position that every answer carries.
void finish(const http::responder& to, const node& live) {
    to.out().add_header("Fasti-Position", live.position_token());
    to.send();
}

result<bool> read_dry_run(const http::request& from) {
    common_params common;
    if (from.query.empty()) {
        return common.dry_run;
    }
    field_errors errors;
    read_common(from.query, {.dry_run = true}, common, errors);
    if (!errors.empty()) {
        return to_error(std::move(errors), "command");
    }
    return common.dry_run;
}

//! The body's value, absent when there is no body.
result<json_value> read_body(const call& asked, json_document& document) {
    if (auto json = http::expect_json(asked.in()); !json.ok()) {
        return std::move(json).error();
    }
    if (asked.in().body.empty()) {
        return json_value{};
    }
    const json_limits limits{.bytes_max = SIZE_MAX}; // the codec already bounds the body
    if (auto parsed = document.parse(asked.in().body, limits); !parsed.ok()) {
        return std::move(parsed).error();
    }
    return document.root();
}

//! Whether nothing but the path says what is wanted: then a renewal needs no command.
bool is_bare(const http::request& in) {
    using http::header_id;
    return in.body.empty() && in.query.empty() && !in.has(header_id::content_type) &&
           !in.has(header_id::idempotency_key) && !in.has(header_id::if_match) &&
           !in.has(header_id::if_none_match) && !in.has(header_id::fasti_reason);
}

//! A renewal appends nothing: it answers where the views stand and until when the lease holds.
void tell_renewed(const http::responder& to, const renewal& renewed, const node& live) {
    json_writer writer(to.out().body);
    writer.begin_object();
    write_unchanged(writer, live);
    write_renewal(writer, renewed);
    writer.end_object();
    finish(to, live);
}

struct prepared {
    std::unique_ptr<command_request> request;
    command_headers headers;
    json_value body;
};

//! What a single command and a batch have in common.
result<prepared> prepare(const call& asked, json_document& document) {
    prepared made;
    auto headers = read_command_headers(asked.in());
    if (!headers.ok()) {
        return std::move(headers).error();
    }
    made.headers = std::move(headers).value();
    const auto dry_run = read_dry_run(asked.in());
    if (!dry_run.ok()) {
        return dry_run.error();
    }
    const auto body = read_body(asked, document);
    if (!body.ok()) {
        return body.error();
    }
    made.body = body.value();
    made.request = std::make_unique<command_request>();
    made.request->caller = asked.caller;
    made.request->dry_run = dry_run.value();
    made.request->borrowed_bytes = asked.in().body.size();
    made.request->reason = std::move(made.headers.reason);
    made.request->trace = std::move(made.headers.trace);
    if (!made.request->trace.empty()) {
        made.request->correlation = made.request->trace.substr(3, 32);
    }
    return made;
}

} // namespace

void command_routes::handle(const call& asked) {
    switch (asked.route().kind) {
        case http::route_kind::command:
            if (asked.route().command != command_type::renew_lease || !renew_at_once(asked)) {
                run_one(asked, asked.route().command);
            }
            return;
        case http::route_kind::any_command: {
            const std::string_view name = asked.at.captured()[0].value;
            const auto type = command_type_from_name(name);
            if (!type.has_value() || info_of(*type).internal) {
                asked.refuse(error{error_code::command_unknown,
                                   "There is no command named '" + std::string(name) + "'."});
                return;
            }
            if (!permits(asked.caller->permissions, info_of(*type).permission)) {
                asked.refuse(permission_missing(info_of(*type).permission));
                return;
            }
            run_one(asked, *type);
            return;
        }
        case http::route_kind::batch: run_batch(asked); return;
        case http::route_kind::query:
        case http::route_kind::page: break;
    }
    check(false, "only routes of commands come here");
}

void command_routes::run_one(const call& asked, command_type type) {
    auto made = prepare(asked, document_);
    if (!made.ok()) {
        asked.refuse(made.error());
        return;
    }
    prepared& ready = made.value();
    std::array<path_field, http::route_captures_max> kept;
    std::size_t fields = 0;
    if (asked.route().kind == http::route_kind::command) {
        // Decoded captures live in a room that the next request uses: keep copies.
        for (const path_field& field : asked.at.captured()) {
            kept[fields++] = {field.name, ready.request->texts.keep(field.value)};
        }
    }
    const std::span<const path_field> path(kept.data(), fields);
    auto what = read_command(type, ready.body ? &ready.body : nullptr, path);
    if (!what.ok()) {
        asked.refuse(what.error());
        return;
    }
    command_request& request = *ready.request;
    request.items.push_back({.what = std::move(what).value(),
                             .idempotency_key = ready.headers.idempotency_key,
                             .expected_version = ready.headers.if_match,
                             .must_exist = ready.headers.if_match_any,
                             .must_not_exist = ready.headers.if_none_match_any});
    if (type == command_type::renew_lease && !request.dry_run) {
        renew(asked, std::move(ready.request));
    } else if (type == command_type::renew_leases) {
        renew_many(asked, std::move(ready.request));
    } else {
        submit(asked, std::move(ready.request));
    }
}

void command_routes::submit(const call& asked, std::unique_ptr<command_request> request) {
    if (std::holds_alternative<identity::create_token>(request->items[0].what)) {
        auto secrets = std::make_shared<token_secrets>(*request);
        request->done = [this, to = asked.to, secrets](command_answer& answer) {
            tell(to, answer, *secrets);
        };
    } else {
        request->done = [this, to = asked.to](command_answer& answer) { tell(to, answer, {}); };
    }
    if (!context_.live->submit(request)) {
        asked.refuse(queue_full());
    }
}

void command_routes::tell(const http::responder& to, const command_answer& answer,
                          const token_secrets& secrets) {
    const node& live = *context_.live;
    const item_outcome& outcome = answer.outcomes.at(0);
    const http::request& in = to.in();
    http::response& out = to.out();
    if (outcome.failure.has_value()) {
        const bool by_header = answer.request->items[0].expected_version.has_value();
        http::write_problem(as_asked(*outcome.failure, by_header), out);
        finish(to, live);
        return;
    }
    json_writer writer(out.body);
    if (const auto told = write_answer(writer, answer, secrets, live); !told.ok()) {
        http::write_problem(told.error(), out);
        finish(to, live);
        return;
    }
    const bool planned = outcome.kind == outcome_kind::dry_run;
    const bool created = outcome.created && in.verb == http::method::put && !planned;
    out.status = created ? 201 : 200;
    if (created) {
        out.add_header("Location", in.path);
    }
    if (outcome.stream_version > 0 && !planned) {
        out.add_header("ETag", "\"" + std::to_string(outcome.stream_version) + "\"");
    }
    finish(to, live);
}

//! The heartbeat of every instance: names that are found need no other check. False: take the long way.
bool command_routes::renew_at_once(const call& asked) {
    if (!is_bare(asked.in())) {
        return false;
    }
    const auto names = asked.at.captured();
    const auto renewed = context_.live->renew(names[0].value, names[1].value);
    if (renewed.has_value()) {
        tell_renewed(asked.to, *renewed, *context_.live);
    }
    return renewed.has_value();
}

void command_routes::renew(const call& asked, std::unique_ptr<command_request> request) {
    const auto& what = std::get<registry::renew_lease>(request->items[0].what);
    const bool conditional = request->items[0].expected_version.has_value() ||
                             request->items[0].must_exist || request->items[0].must_not_exist;
    if (!conditional) {
        if (const auto renewed = context_.live->renew(what.service, what.instance)) {
            tell_renewed(asked.to, *renewed, *context_.live);
            return;
        }
    }
    request->done = [this, asked](command_answer& answer) {
        const item_outcome& outcome = answer.outcomes.at(0);
        const auto& named = std::get<registry::renew_lease>(answer.request->items[0].what);
        if (outcome.failure.has_value()) {
            const bool by_header = answer.request->items[0].expected_version.has_value();
            http::write_problem(as_asked(*outcome.failure, by_header), asked.out());
        } else if (const auto renewed = context_.live->renew(named.service, named.instance)) {
            tell_renewed(asked.to, *renewed, *context_.live);
            return;
        } else {
            http::write_problem(renewal_overtaken(), asked.out());
        }
        finish(asked.to, *context_.live);
    };
    if (!context_.live->submit(request)) {
        asked.refuse(queue_full());
    }
}

//! Live leases are renewed at once; the others are asked of the sequencer in one request.
void command_routes::renew_many(const call& asked, std::unique_ptr<command_request> request) {
    if (request->dry_run || request->items[0].expected_version.has_value() ||
        request->items[0].must_exist || request->items[0].must_not_exist) {
        asked.refuse(error{error_code::malformed,
                           "Renewing many leases takes neither conditions nor dry_run."});
        return;
    }
    struct lease_answer {
        registry::lease_name name;
        std::optional<renewal> renewed;
    };
    const auto leases = std::make_shared<std::vector<lease_answer>>();
    for (const auto& name : std::get<registry::renew_leases>(request->items[0].what).leases) {
        leases->push_back({name, context_.live->renew(name.service, name.instance)});
    }
    request->items.clear();
    for (const lease_answer& one : *leases) {
        if (!one.renewed.has_value()) {
            registry::renew_lease doubtful;
            doubtful.service = one.name.service;
            doubtful.instance = one.name.instance;
            request->items.push_back({.what = doubtful});
        }
    }
    const auto tell = [this, asked, leases](const std::vector<item_outcome>& doubtful) {
        std::size_t next = 0;
        json_writer writer(asked.out().body);
        writer.begin_object();
        write_unchanged(writer, *context_.live);
        writer.quoted_name(R"("items":)");
        writer.begin_array();
        for (lease_answer& one : *leases) {
            std::optional<error> failure;
            if (!one.renewed.has_value()) {
                failure = doubtful.at(next++).failure;
                if (!failure.has_value()) {
                    one.renewed = context_.live->renew(one.name.service, one.name.instance);
                    failure = one.renewed.has_value() ? failure : renewal_overtaken();
                }
            }
            write_renewal_item(writer, one.name, one.renewed, failure);
        }
        writer.end_array();
        writer.end_object();
        finish(asked.to, *context_.live);
    };
    if (request->items.empty()) {
        tell({});
        return;
    }
    request->done = [tell](command_answer& answer) { tell(answer.outcomes); };
    if (!context_.live->submit(request)) {
        asked.refuse(queue_full());
    }
}

void command_routes::run_batch(const call& asked) {
    auto made = prepare(asked, document_);
    if (!made.ok()) {
        asked.refuse(made.error());
        return;
    }
    prepared& ready = made.value();
    if (auto read = read_batch(ready.body, ready.headers, *ready.request); !read.ok()) {
        asked.refuse(read.error());
        return;
    }
    auto secrets = std::make_shared<token_secrets>(*ready.request);
    ready.request->done = [this, asked, secrets](command_answer& answer) {
        write_batch_answer(asked, answer, *secrets, *context_.live);
        finish(asked.to, *context_.live);
    };
    if (!context_.live->submit(ready.request)) {
        asked.refuse(queue_full());
    }
}

} // namespace fasti::api

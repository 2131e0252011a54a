// SPDX-License-Identifier: Apache-2.0
#include "adapters/cli/calls.hpp"

#include "adapters/cli/event_lines.hpp"
#include "adapters/cli/table.hpp"
#include "domain/wire/json_writer.hpp"

#include <algorithm>
#include <map>
#include <ostream>

namespace fasti::cli {
namespace {

//! What a table shows of wide rows; the rest is in --output json.
const std::vector<std::string>& columns_of(std::string_view call) {
    static const std::map<std::string_view, std::vector<std::string>> chosen = {
        {"list_services", {"service", "healthy", "instances", "owner", "tags", "description"}},
        {"list_instances",
         {"instance", "status", "address", "port", "protocol", "version", "zone", "weight", "tags",
          "lease_ms"}},
        {"discover_instance",
         {"instance", "status", "address", "port", "protocol", "version", "zone", "weight",
          "tags"}},
        {"list_tokens",
         {"token", "name", "permissions", "created_at", "created_by", "expires_at", "revoked_at"}},
        {"list_activity", {"position", "recorded_at", "actor", "type", "stream", "reason"}},
        {"list_registry_metrics", {"service", "type", "bucket", "bucket_ms", "count"}},
    };
    static const std::vector<std::string> none;
    const auto found = chosen.find(call);
    return found == chosen.end() ? none : found->second;
}

//! Lines that teach, where the options alone do not.
std::vector<std::string> examples_of(std::string_view call) {
    static const std::map<std::string_view, std::vector<std::string>> examples = {
        {"register_service",
         {"fasti registry register-service web --owner shop --description 'The shop front.'"}},
        {"update_instance",
         {"fasti registry update web web-1 --weight 50 --reason 'half of its disk is gone'"}},
        {"renew_lease", {"fasti registry renew web web-1"}},
        {"deregister_instance", {"fasti registry deregister web web-1 --reason 'host retired'"}},
        {"drain_instance",
         {"fasti registry drain web web-1 --reason 'upgrade to 2.1'",
          "fasti registry resume web web-1"}},
        {"start_maintenance", {"fasti registry maintenance on web web-1 --reason 'disk swap'"}},
        {"end_maintenance", {"fasti registry maintenance off web web-1"}},
        {"list_services",
         {"fasti registry services --prefix web", "fasti registry services --at -5m"}},
        {"list_instances",
         {"fasti registry instances web --status expired",
          "fasti registry instances web --at 2026-01-31T12:00:00Z"}},
        {"discover_instance",
         {"fasti registry discover web --strategy round_robin --zone a",
          "fasti registry discover web --metadata team:shop --output json"}},
        {"create_token",
         {"fasti token create --name ci --permissions registry:write --permissions registry:read",
          "fasti token create --name rescue --permissions 'admin:*' --data /var/lib/fasti"}},
        {"revoke_token", {"fasti token revoke 0123456789abcdef --reason 'laptop lost'"}},
        {"list_events",
         {"fasti events list --type instance_expired --limit 20",
          "fasti events list --stream instance/web/ --output json"}},
        {"get_event", {"fasti events show 42"}},
        {"get_why", {"fasti why instance/web/web-1"}},
        {"get_status", {"fasti status", "fasti status --output json"}},
        {"list_activity", {"fasti activity --service web"}},
    };
    const auto found = examples.find(call);
    return found == examples.end() ? std::vector<std::string>{} : found->second;
}

bool is_in_path(const option_info& option) { return option.flag.empty(); }

void write_value(const option_info& option, const arguments& given, json_writer& out) {
    const std::vector<std::string>& values = given.all(option.name);
    switch (option.kind) {
        case value_kind::number: out.raw(given.text(option.name)); return;
        case value_kind::boolean: out.boolean(given.flag(option.name)); return;
        case value_kind::list:
            out.begin_array();
            for (const std::string& value : values) {
                if (!value.empty()) { // one empty text stands for no items
                    out.text(value);
                }
            }
            out.end_array();
            return;
        case value_kind::labels:
            out.begin_object();
            for (const std::string& value : values) {
                const std::size_t equals = value.find('=');
                if (equals > 0) { // "=" alone stands for no entries
                    out.name(std::string_view{value}.substr(0, equals));
                    out.text(std::string_view{value}.substr(equals + 1));
                }
            }
            out.end_object();
            return;
        case value_kind::text:
        case value_kind::choice:
        case value_kind::instant: out.text(given.text(option.name)); return;
    }
}

std::string body_of(const call_info& call, const arguments& given) {
    std::string out;
    json_writer writer{out};
    writer.begin_object();
    for (const option_info& option : call.options) {
        if (!is_in_path(option) && given.has(option.name)) {
            writer.name(option.name);
            write_value(option, given, writer);
        }
    }
    writer.end_object();
    return out;
}

void add_param(std::string& target, std::string_view name, std::string_view value) {
    target += target.find('?') == std::string::npos ? '?' : '&';
    target += std::string{name} + "=" + url_encoded(value);
}

option_spec option_from(const option_info& info) {
    option_spec out;
    out.name = info.name;
    out.flag = info.flag;
    out.kind = info.kind;
    out.required = info.required;
    out.repeated = info.repeated || info.kind == value_kind::list ||
                   info.kind == value_kind::labels;
    if (info.kind == value_kind::number) {
        out.min = info.min;
        out.max = info.max;
    }
    out.choices.assign(info.choices.begin(), info.choices.end());
    out.fallback = info.fallback;
    out.doc = info.doc;
    return out;
}

std::vector<option_spec> query_options(const call_info& call) {
    const std::string group = "When and how much";
    std::vector<option_spec> out;
    if (call.past) {
        out.push_back(
            {.name = "at",
             .flag = "--at",
             .doc = "As it was: a position, a time in RFC 3339, or back from now such as -5m.",
             .value = "WHEN",
             .group = group});
    }
    if (call.paged) {
        out.push_back({.name = "limit",
                       .flag = "--limit",
                       .kind = value_kind::number,
                       .min = 1,
                       .max = 1000,
                       .doc = "At most this many rows; without it all of them, page by page.",
                       .group = group});
        out.push_back({.name = "cursor",
                       .flag = "--cursor",
                       .doc = "Go on where an answer with --limit ended.",
                       .group = group});
    }
    if (call.wait) {
        out.push_back({.name = "index",
                       .flag = "--index",
                       .doc = "Wait until the answer is another than at this token.",
                       .value = "TOKEN",
                       .group = group});
        out.push_back({.name = "wait",
                       .flag = "--wait",
                       .doc = "How long to wait for that, such as 30s; at most 10m.",
                       .value = "TIME",
                       .group = group});
    }
    out.push_back(
        {.name = "after",
         .flag = "--after",
         .doc = "Answer once this token's position is reached: read what another command wrote.",
         .value = "TOKEN",
         .group = group});
    return out;
}

bool takes(const call_info& call, std::string_view name) {
    return std::any_of(call.options.begin(), call.options.end(),
                       [name](const option_info& option) { return option.name == name; });
}

void add_rows(json_value list, std::vector<json_value>& to) {
    for (const json_member row : list) {
        to.push_back(row.value);
    }
}

//! Whether an answer is one list of objects, or an empty one, and nothing else.
bool is_only_rows(json_value root) {
    const json_value list = rows_of(root);
    return list && !root.is(json_kind::array) && root.size() == 1 &&
           (list.size() == 0 || (*list.begin()).value.is(json_kind::object));
}

//! Follows the cursor and shows all pages as one list.
int run_pages(session& at, client& by, const call_info& call, const arguments& given) {
    std::vector<std::unique_ptr<json_text>> pages;
    std::string cursor;
    do {
        exchange_request request = request_of(call, given);
        add_param(request.target, "limit", "1000");
        if (!cursor.empty()) {
            add_param(request.target, "cursor", cursor);
        }
        exchange_answer answer = by.send(request);
        if (!answer.good()) {
            return report(at, by, answer);
        }
        pages.push_back(read_json(std::move(answer.body)));
        const json_value root = pages.back()->root();
        cursor = rows_of(root).size() > 0 ? plain_text(root.find("next")) : std::string{};
    } while (!cursor.empty());
    std::vector<json_value> rows;
    for (const std::unique_ptr<json_text>& page : pages) {
        add_rows(rows_of(page->root()), rows);
    }
    if (at.json) {
        at.around.out << "[";
        for (std::size_t i = 0; i < rows.size(); ++i) {
            at.around.out << (i == 0 ? "\n" : ",\n") << json_of(rows[i]);
        }
        at.around.out << (rows.empty() ? "]\n" : "\n]\n");
    } else {
        print_rows(rows, columns_of(call.name), at.around.out, at.colour);
    }
    return exit_success;
}

} // namespace

const std::vector<std::string>& columns_of_view(std::string_view view) {
    if (view == "instances") {
        static const std::vector<std::string> with_service = [] {
            std::vector<std::string> out = columns_of("list_instances");
            out.insert(out.begin(), "service");
            return out;
        }();
        return with_service;
    }
    return columns_of("list_" + std::string{view});
}

const call_info& call_named(std::string_view name) {
    const std::span<const call_info> calls = all_calls();
    const auto found = std::find_if(calls.begin(), calls.end(),
                                    [name](const call_info& call) { return call.name == name; });
    check(found != calls.end(), "the client asks for declared calls only");
    return *found;
}

std::string target_of(const call_info& call, const arguments& given) {
    std::string out;
    std::string_view rest = call.path;
    while (!rest.empty()) {
        const std::size_t open = rest.find('{');
        out += rest.substr(0, open);
        if (open == std::string_view::npos) {
            break;
        }
        const std::size_t close = rest.find('}', open);
        std::string_view name = rest.substr(open + 1, close - open - 1);
        const bool many = !name.empty() && name.back() == '*';
        if (many) {
            name.remove_suffix(1);
        }
        out += url_encoded(given.text(name), many);
        rest = rest.substr(close + 1);
    }
    return out;
}

exchange_request request_of(const call_info& call, const arguments& given) {
    exchange_request request;
    request.method = call.method;
    request.target = target_of(call, given);
    if (call.kind == call_kind::command) {
        request.body = body_of(call, given);
        if (request.body == "{}") {
            request.body.clear();
        }
        add_command_options(given, request);
        return request;
    }
    for (const option_info& option : call.options) {
        if (is_in_path(option)) {
            continue;
        }
        for (const std::string& value : given.all(option.name)) {
            add_param(request.target, option.name, value);
        }
    }
    for (const char* const name : {"at", "limit", "cursor", "index", "wait", "after"}) {
        if (given.has(name) && !takes(call, name)) {
            add_param(request.target, name, given.text(name));
        }
    }
    if (given.has("wait")) {
        request.timeout_ms = 11 * 60'000;
    }
    return request;
}

std::vector<option_spec> command_options() {
    const std::string group = "Every command";
    return {
        {.name = "reason",
         .flag = "--reason",
         .doc = "Why, in your words; `fasti why` shows it.",
         .group = group},
        {.name = "dry_run",
         .flag = "--dry-run",
         .kind = value_kind::boolean,
         .doc = "Show the events it would write; write nothing.",
         .group = group},
        {.name = "expect",
         .flag = "--expect",
         .kind = value_kind::number,
         .doc = "Only if the stream is at this version (If-Match); else exit 5.",
         .value = "VERSION",
         .group = group},
        {.name = "create_only",
         .flag = "--create-only",
         .kind = value_kind::boolean,
         .doc = "Only if there is none yet (If-None-Match: *); else exit 5.",
         .group = group},
        {.name = "idempotency_key",
         .flag = "--idempotency-key",
         .doc = "The same key again gives the first outcome again and does nothing.",
         .value = "KEY",
         .group = group},
        {.name = "traceparent",
         .flag = "--traceparent",
         .doc = "W3C trace context; kept with the events, its trace id as their correlation.",
         .value = "00-...",
         .group = group},
    };
}

void add_command_options(const arguments& given, exchange_request& to) {
    if (given.has("reason")) {
        to.headers.emplace_back("Fasti-Reason", url_encoded(given.text("reason")));
    }
    if (given.has("expect")) {
        to.headers.emplace_back("If-Match", "\"" + given.text("expect") + "\"");
    }
    if (given.flag("create_only")) {
        to.headers.emplace_back("If-None-Match", "*");
    }
    if (given.has("idempotency_key")) {
        to.headers.emplace_back("Idempotency-Key", "\"" + given.text("idempotency_key") + "\"");
    }
    if (given.has("traceparent")) {
        to.headers.emplace_back("traceparent", given.text("traceparent"));
    }
    if (given.flag("dry_run")) {
        add_param(to.target, "dry_run", "true");
    }
}

std::vector<option_spec> options_of(const call_info& call) {
    std::vector<option_spec> out;
    for (const option_info& info : call.options) {
        out.push_back(option_from(info));
    }
    for (option_spec& more :
         call.kind == call_kind::command ? command_options() : query_options(call)) {
        if (!takes(call, more.name)) {
            out.push_back(std::move(more));
        }
    }
    out.push_back(output_option());
    for (option_spec& more : server_options()) {
        out.push_back(std::move(more));
    }
    return out;
}

void print_outcome(json_value answer, std::ostream& out) {
    const std::string outcome = plain_text(answer.find("outcome"));
    const std::string position = plain_text(answer.find("position"));
    out << shown_text(outcome.empty() ? "done" : outcome)
        << (position.empty() ? "" : " at " + shown_text(position)) << "\n";
    for (const json_member event : answer.find("events")) {
        out << "  " << shown_text(plain_text(event.value.find("type"))) << "  "
            << shown_text(plain_text(event.value.find("stream"))) << "\n";
    }
    for (const json_member change : answer.find("diff")) { // of a dry run
        const json_value value = change.value;
        print_change(plain_text(value.find("view")) + " " + plain_text(value.find("key")),
                     value.find("before"), value.find("after"), out);
    }
    for (const json_member member : answer) {
        if (member.name != "outcome" && member.name != "position" && member.name != "events" &&
            member.name != "diff") {
            out << "  " << shown_text(member.name) << "  " << cell_text(member.value) << "\n";
        }
    }
}

void say_secret_is_shown_once(session& at) {
    at.say("The secret is shown this once: keep it now.");
}

int print_answer(session& at, const exchange_answer& answer) {
    if (at.json) {
        at.around.out << answer.body;
        if (answer.body.empty() || answer.body.back() != '\n') {
            at.around.out << "\n";
        }
        return exit_success;
    }
    const std::unique_ptr<json_text> body = read_json(answer.body);
    const json_value root = body->root();
    if (!root) {
        at.around.out << shown_text(answer.body) << "\n";
    } else if (root.find("outcome")) {
        print_outcome(root, at.around.out);
        if (root.find("secret")) {
            say_secret_is_shown_once(at);
        }
    } else if (is_only_rows(root)) {
        std::vector<json_value> rows;
        add_rows(rows_of(root), rows);
        print_rows(rows, {}, at.around.out, at.colour);
    } else {
        print_members(root, at.around.out);
    }
    return exit_success;
}

int run_call(session& at, const call_info& call, const arguments& given) {
    const std::unique_ptr<client> by = connect(at, given);
    if (by == nullptr) {
        return exit_usage;
    }
    // A wait is about one answer; without bounds a list is shown whole.
    const bool picks_one = given.has("strategy");
    if (call.paged && !given.has("limit") && !given.has("cursor") && !given.has("wait") &&
        !picks_one) {
        return run_pages(at, *by, call, given);
    }
    const exchange_answer answer = by->send(request_of(call, given));
    if (answer.status == 304) {
        at.say("Unchanged.");
        return exit_success;
    }
    if (!answer.good()) {
        return report(at, *by, answer);
    }
    if (!at.json && (call.rows || call.name == "list_events") && !picks_one) {
        const std::unique_ptr<json_text> body = read_json(answer.body);
        std::vector<json_value> rows;
        add_rows(rows_of(body->root()), rows);
        if (call.name == "list_events" && !rows.empty()) {
            for (const json_value event : rows) {
                at.around.out << event_line(event) << "\n";
            }
        } else {
            print_rows(rows, columns_of(call.name), at.around.out, at.colour);
        }
        if (const std::string next = plain_text(body->root().find("next"));
            !next.empty() && rows.size() >= given.number("limit", 100)) {
            at.say("More: --" + std::string{call.paged ? "cursor " : "from "} + next);
        }
        return exit_success;
    }
    return print_answer(at, answer);
}

std::vector<command_spec> declared_commands() {
    std::vector<command_spec> out;
    for (const call_info& call : all_calls()) {
        command_spec spec;
        spec.words.assign(call.words.begin(), call.words.end());
        spec.doc = call.doc;
        spec.examples = examples_of(call.name);
        spec.options = options_of(call);
        spec.run = [&call](session& at, const arguments& given) {
            return run_call(at, call, given);
        };
        out.push_back(std::move(spec));
    }
    return out;
}

} // namespace fasti::cli

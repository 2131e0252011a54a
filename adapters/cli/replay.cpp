// SPDX-License-Identifier: Apache-2.0
#include "adapters/cli/calls.hpp"
#include "adapters/cli/commands.hpp"
#include "adapters/cli/offline.hpp"
#include "adapters/cli/progress.hpp"
#include "adapters/cli/proof.hpp"
#include "adapters/cli/table.hpp"
#include "adapters/node/model_fold.hpp"
#include "domain/operations/operations.gen.hpp"
#include "domain/wire/json_writer.hpp"
#include "projections/engine/snapshot_format.hpp"
#include "projections/engine/snapshots.hpp"
#include "projections/queries/view_rows.hpp"

#include <algorithm>
#include <limits>
#include <memory>
#include <ostream>
#include <vector>

namespace fasti::cli {
namespace {

//! Rows of a view, or what differs in one, shown as they come.
class row_printer {
public:
    explicit row_printer(session& at) : at_(at) {}

    void row(std::string json) {
        ++rows_;
        if (at_.json) {
            at_.around.out << json << "\n";
        } else {
            kept_.push_back(read_json(std::move(json)));
        }
    }

    void difference(std::string_view key, json_value before, json_value after) {
        ++rows_;
        if (!at_.json) {
            print_change(key, before, after, at_.around.out);
            return;
        }
        std::string out;
        json_writer writer{out};
        writer.begin_object();
        writer.text("key", key);
        writer.name("before");
        writer.raw(json_of(before));
        writer.name("after");
        writer.raw(json_of(after));
        writer.end_object();
        at_.around.out << out << "\n";
    }

    int finish_rows(std::string_view view) {
        if (!at_.json) {
            std::vector<json_value> rows;
            for (const std::unique_ptr<json_text>& one : kept_) {
                rows.push_back(one->root());
            }
            print_rows(rows, columns_of_view(view), at_.around.out, at_.colour);
        }
        return exit_success;
    }

    int finish_differences() {
        at_.say(rows_ == 0 ? "No difference."
                           : counted(rows_, "row") + (rows_ == 1 ? " differs." : " differ."));
        return rows_ == 0 ? exit_success : exit_finding;
    }

private:
    session& at_;
    std::uint64_t rows_ = 0;
    std::vector<std::unique_ptr<json_text>> kept_; // for a table; in JSON nothing gathers
};

//! Page after page of one moment, which the first page fixes.
int ask_server(session& at, client& by, const arguments& given) {
    const bool differs = given.has("since");
    std::string asked = "/v1/views/" + url_encoded(given.text("view"));
    if (differs) {
        asked += "/difference?limit=1000&from=" + url_encoded(given.text("since"));
        asked += given.has("at") ? "&to=" + url_encoded(given.text("at")) : "";
    } else {
        asked += "?limit=1000&at=" + url_encoded(given.text("at"));
    }
    row_printer printer{at};
    std::string cursor;
    do {
        exchange_request request;
        request.target = asked + (cursor.empty() ? "" : "&cursor=" + url_encoded(cursor));
        exchange_answer answer = by.send(request);
        if (!answer.good()) {
            return report(at, by, answer);
        }
        const std::unique_ptr<json_text> body = read_json(std::move(answer.body));
        for (const json_member row : body->root().find("rows")) {
            if (differs) {
                printer.difference(plain_text(row.value.find("key")), row.value.find("before"),
                                   row.value.find("after"));
            } else {
                printer.row(json_of(row.value));
            }
        }
        cursor = plain_text(body->root().find("next"));
    } while (!cursor.empty());
    return differs ? printer.finish_differences() : printer.finish_rows(given.text("view"));
}

//! Everything up to a moment folded from nothing, with progress.
result<std::unique_ptr<view_set>> folded_to(session& at, const offline_log& log,
                                            const std::string& moment) {
    const auto to = position_meant(log, moment);
    if (!to) {
        return to.error();
    }
    progress_bar bar{"replay", "events", at.around.err, at.around.err_terminal};
    return rebuild(*log.facts, *to, [&bar, to](std::uint64_t done, std::uint64_t) {
        bar.show(done, *to);
        return true;
    });
}

int read_here(session& at, const arguments& given) {
    int code = 0;
    const std::unique_ptr<offline_log> log = open_offline(at, given, open_mode::read_only, code);
    if (log == nullptr) {
        return code;
    }
    const std::string view = given.text("view");
    const auto after = folded_to(at, *log, given.text("at"));
    if (!after) {
        return fail_with(at, after.error());
    }
    row_printer printer{at};
    if (!given.has("since")) {
        const auto shown = visit_rows(**after, view, [&](std::string_view, std::string_view json) {
            printer.row(std::string{json});
            return at.around.out.good();
        });
        return shown ? printer.finish_rows(view) : fail_with(at, shown.error());
    }
    const auto before = folded_to(at, *log, given.text("since"));
    if (!before) {
        return fail_with(at, before.error());
    }
    const auto shown = visit_differences(**before, **after, view, [&](const row_difference& one) {
        const std::unique_ptr<json_text> was = read_json(std::string{one.before});
        const std::unique_ptr<json_text> is = read_json(std::string{one.after});
        printer.difference(one.key, was->root(), is->root());
        return at.around.out.good();
    });
    return shown ? printer.finish_differences() : fail_with(at, shown.error());
}

int run_verify(session& at, const arguments& given) {
    return run_proof(at, given, {proof_kind::verify, {}});
}

int run_rebuild(session& at, const arguments& given) {
    return run_proof(at, given, {proof_kind::rebuild, {}});
}

int run_replay(session& at, const arguments& given) {
    const std::string view = given.text("view");
    if (!given.has("at") && !given.has("since")) {
        return run_proof(at, given, {proof_kind::compare, view});
    }
    if (view.empty()) {
        return at.fail(exit_usage, "--at and --since are about one view: say --view.");
    }
    if (given.has("data")) {
        return read_here(at, given);
    }
    const std::unique_ptr<client> by = connect(at, given);
    return by == nullptr ? exit_usage : ask_server(at, *by, given);
}

void print_snapshot(session& at, json_value kept) {
    at.around.out << "snapshot at " << plain_text(kept.find("position")) << ", "
                  << plain_text(kept.find("bytes")) << " bytes, " << kept.find("removed").size()
                  << " older ones let go\n";
}

std::string document_of(const kept_snapshot& kept) {
    std::string out;
    json_writer writer{out};
    writer.begin_object();
    writer.text("name", kept.name);
    writer.number("position", kept.at);
    writer.number("bytes", kept.bytes);
    writer.name("removed");
    writer.begin_array();
    for (const std::string& one : kept.removed) {
        writer.text(one);
    }
    writer.end_array();
    writer.end_object();
    return out;
}

//! Only adds one: which older ones go is for the server to say, which may run on the folder.
int snapshot_here(session& at, const arguments& given, std::string& document) {
    int code = 0;
    const std::unique_ptr<offline_log> log = open_offline(at, given, open_mode::read_only, code);
    if (log == nullptr) {
        return code;
    }
    ladder_limits limits;
    limits.snapshots_max = std::numeric_limits<std::size_t>::max();
    limits.bytes_max = std::numeric_limits<std::uint64_t>::max();
    model_fold model;
    extra_fold* const extras[] = {&model};
    const auto kept = keep_snapshot_beside(extras, *log->facts, log->snapshots, limits, {});
    if (!kept) {
        return fail_with(at, kept.error());
    }
    document = document_of(*kept);
    return exit_success;
}

int run_snapshot(session& at, const arguments& given) {
    std::string document;
    if (given.has("data")) {
        if (const int code = snapshot_here(at, given, document); code != exit_success) {
            return code;
        }
    } else {
        const std::unique_ptr<client> by = connect(at, given);
        if (by == nullptr) {
            return exit_usage;
        }
        exchange_request request;
        request.method = "POST";
        request.target = "/v1/snapshots";
        request.timeout_ms = given.number("timeout_ms", 600'000);
        exchange_answer answer = by->send(request);
        if (!answer.good()) {
            return report(at, *by, answer);
        }
        document = std::move(answer.body);
    }
    if (at.json) {
        at.around.out << document << "\n";
    } else {
        print_snapshot(at, read_json(document)->root());
    }
    return exit_success;
}

int list_snapshots_here(session& at, const arguments& given) {
    int code = 0;
    const std::unique_ptr<offline_log> log = find_offline(at, given, code);
    if (log == nullptr) {
        return code;
    }
    auto listed = log->snapshots.list();
    if (!listed) {
        return fail_with(at, listed.error());
    }
    std::sort(listed->begin(), listed->end(),
              [](const auto& one, const auto& other) { return one.name > other.name; });
    exchange_answer answer; // as a server's
    json_writer writer{answer.body};
    writer.begin_object();
    writer.name("snapshots");
    writer.begin_array();
    for (const stored_snapshot& one : *listed) {
        writer.begin_object();
        writer.text("name", one.name);
        writer.number("position", snapshot_position(one.name).value_or(0));
        writer.number("bytes", one.bytes);
        writer.end_object();
    }
    writer.end_array();
    writer.end_object();
    return print_answer(at, answer);
}

//! The declared call, which can also be answered from a data folder.
command_spec snapshot_list_command() {
    const call_info& call = call_named("list_snapshots");
    command_spec out;
    out.words.assign(call.words.begin(), call.words.end());
    out.doc = call.doc;
    out.examples = {"fasti snapshot list", "fasti snapshot list --data /var/lib/fasti"};
    out.options = options_of(call);
    out.options.push_back(
        data_option("List those of this data folder instead of asking a server."));
    out.run = [&call](session& at, const arguments& given) {
        return given.has("data") ? list_snapshots_here(at, given) : run_call(at, call, given);
    };
    return out;
}

command_spec rebuild_command() {
    const call_info& call = call_named("rebuild_views");
    command_spec out;
    out.words.assign(call.words.begin(), call.words.end());
    out.doc = call.doc;
    out.examples = {"fasti views rebuild"};
    out.options = {output_option()};
    for (option_spec& more : server_options()) {
        out.options.push_back(std::move(more));
    }
    out.run = run_rebuild;
    return out;
}

std::vector<std::string> view_names() {
    std::vector<std::string> out;
    for (std::size_t i = 0; i < operations::view_name_count; ++i) {
        out.emplace_back(operations::to_name(static_cast<operations::view_name>(i)));
    }
    return out;
}

void add_common(command_spec& to, std::string data_doc) {
    to.options.push_back(data_option(std::move(data_doc)));
    to.options.push_back(output_option());
    for (option_spec& more : server_options()) {
        to.options.push_back(std::move(more));
    }
}

} // namespace

std::vector<command_spec> proof_commands() {
    const std::string beside =
        "Read this data folder instead of asking a server; one may run on it.";
    command_spec verify;
    verify.words = {"verify"};
    verify.doc =
        "Prove the log (checksums, the chain of hashes, density, order of time), its indexes, every snapshot, "
        "and that all that is served equals a fold from the first event. One line for each finding; exit 1 "
        "when there are any, 78 when a log cannot be opened. Changes nothing.";
    verify.examples = {"fasti verify", "fasti verify --data /var/lib/fasti --output json"};
    verify.run = run_verify;
    add_common(verify, beside);

    command_spec replay;
    replay.words = {"replay"};
    replay.doc =
        "Fold the log from its first event. Alone: rebuild the views from nothing and say whether they equal, "
        "byte for byte, those that are served (exit 1 when not). With --at: show a view as it was. With "
        "--since: show what differs in a view between then and --at (exit 1 when something does).";
    replay.examples = {
        "fasti replay", "fasti replay --view instances --at 1000",
        "fasti replay --view instances --since -1h",
        "fasti replay --view services --since 2026-01-31T00:00:00Z --at 2026-02-01T00:00:00Z --output json"};
    replay.options = {
        {.name = "view",
         .flag = "--view",
         .kind = value_kind::choice,
         .choices = view_names(),
         .doc = "One view instead of all."},
        {.name = "at",
         .flag = "--at",
         .doc =
             "A token, a position, a time in RFC 3339, or back from now such as -5m; absent: now.",
         .value = "WHEN"},
        {.name = "since",
         .flag = "--since",
         .doc = "The earlier of two moments to compare.",
         .value = "WHEN"}};
    replay.run = run_replay;
    add_common(replay, beside);

    command_spec snapshot;
    snapshot.words = {"snapshot"};
    snapshot.doc =
        "Write a snapshot of all views, so that the next start and answers about the past are quick. "
        "Servers do that by themselves (snapshots.every_events).";
    snapshot.examples = {"fasti snapshot", "fasti snapshot --data /var/lib/fasti"};
    snapshot.run = run_snapshot;
    add_common(snapshot,
               "Write it in this data folder instead of asking a server; one may run on it.");
    std::vector<command_spec> out;
    out.push_back(std::move(verify));
    out.push_back(std::move(replay));
    out.push_back(std::move(snapshot));
    out.push_back(snapshot_list_command());
    out.push_back(rebuild_command());
    return out;
}

} // namespace fasti::cli

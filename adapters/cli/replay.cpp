// SPDX-License-Identifier: Apache-2.0
#include "adapters/cli/offline.hpp"
#include "adapters/cli/progress.hpp"
#include "adapters/cli/table.hpp"
#include "adapters/node/model_fold.hpp"
#include "domain/wire/json_writer.hpp"
#include "projections/engine/snapshots.hpp"
#include "projections/queries/view_rows.hpp"

#include <algorithm>
#include <ostream>

namespace fasti::cli {
namespace {

//! Everything up to a position folded from nothing, with progress.
result<std::unique_ptr<view_set>> rebuild_shown(session& at, const offline_log& log, position to) {
    progress_bar bar{"replay", "events", at.around.err, at.around.err_terminal};
    return rebuild(*log.facts, to, [&bar, to](std::uint64_t done, std::uint64_t) {
        bar.show(done, to);
        return true;
    });
}

//! Rebuilds all views from nothing and compares them with those that a start gives.
int replay_all(session& at, const offline_log& log, const std::string& only) {
    const position head = log.facts->head().last;
    auto fresh = rebuild_shown(at, log, head);
    if (!fresh) {
        return fail_with(at, fresh.error());
    }
    model_fold model;
    extra_fold* const extras[] = {&model};
    const auto started = recover(*log.facts, log.snapshots, head, extras, {});
    if (!started) {
        return fail_with(at, started.error());
    }
    for (const std::string& ignored : started->ignored) {
        at.say(ignored);
    }
    bool equal = true;
    table shown{{"VIEW", "POSITION", "BYTES", "RESULT"}};
    std::string json;
    json_writer writer{json};
    writer.begin_array();
    for (const view_comparison& one : compare(*started->views, **fresh)) {
        if (!only.empty() && only != one.view) {
            continue;
        }
        equal = equal && one.equal;
        shown.add({std::string{one.view}, std::to_string(head), std::to_string(one.bytes),
                   one.equal ? "equal" : "DIFFERENT"});
        writer.begin_object();
        writer.name("view");
        writer.text(one.view);
        writer.name("position");
        writer.number(head);
        writer.name("bytes");
        writer.number(one.bytes);
        writer.name("equal");
        writer.boolean(one.equal);
        writer.end_object();
    }
    writer.end_array();
    if (at.json) {
        at.around.out << json << "\n";
    } else {
        shown.print(at.around.out, at.colour);
        at.say("Compared with what snapshot " + std::to_string(started->from_snapshot) + " and " +
               std::to_string(started->events_folded) + " events after it give.");
    }
    return equal ? exit_success : exit_finding;
}

int show_rows(session& at, const view_set& views, const std::string& view) {
    std::uint64_t rows = 0;
    const auto shown = visit_rows(views, view, [&](std::string_view key, std::string_view json) {
        ++rows;
        if (at.json) {
            at.around.out << json << "\n";
        } else {
            at.around.out << shown_text(key) << "  " << shown_text(json) << "\n";
        }
        return at.around.out.good();
    });
    if (!shown) {
        return fail_with(at, shown.error());
    }
    if (rows == 0 && !at.json) {
        at.around.out << "None.\n";
    }
    return exit_success;
}

void print_difference(session& at, const row_difference& one) {
    if (at.json) {
        std::string out;
        json_writer writer{out};
        writer.begin_object();
        writer.name("key");
        writer.text(one.key);
        writer.name("before");
        writer.raw(one.before.empty() ? "null" : one.before);
        writer.name("after");
        writer.raw(one.after.empty() ? "null" : one.after);
        writer.end_object();
        at.around.out << out << "\n";
        return;
    }
    const std::unique_ptr<json_text> before = read_json(std::string{one.before});
    const std::unique_ptr<json_text> after = read_json(std::string{one.after});
    print_change(one.key, before->root(), after->root(), at.around.out);
}

int show_differences(session& at, const view_set& before, const view_set& after,
                     const std::string& view) {
    std::uint64_t rows = 0;
    const auto shown = visit_differences(before, after, view, [&](const row_difference& one) {
        ++rows;
        print_difference(at, one);
        return at.around.out.good();
    });
    if (!shown) {
        return fail_with(at, shown.error());
    }
    at.say(rows == 0 ? "No difference." : std::to_string(rows) + " rows differ.");
    return rows == 0 ? exit_success : exit_finding;
}

int run_replay(session& at, const arguments& given) {
    const std::string view = given.text("view");
    if (view.empty() && (given.has("at") || given.has("since"))) {
        return at.fail(exit_usage, "--at and --since are about one view: say --view.");
    }
    int code = 0;
    const std::unique_ptr<offline_log> log = open_offline(at, given, open_mode::read_only, code);
    if (log == nullptr) {
        return code;
    }
    if (!given.has("at") && !given.has("since")) {
        return replay_all(at, *log, view);
    }
    const auto until = position_meant(*log, given.text("at"));
    if (!until) {
        return fail_with(at, until.error());
    }
    auto after = rebuild_shown(at, *log, *until);
    if (!after) {
        return fail_with(at, after.error());
    }
    if (!given.has("since")) {
        return show_rows(at, **after, view);
    }
    const auto from = position_meant(*log, given.text("since"));
    if (!from) {
        return fail_with(at, from.error());
    }
    auto before = rebuild_shown(at, *log, *from);
    if (!before) {
        return fail_with(at, before.error());
    }
    return show_differences(at, **before, **after, view);
}

int run_snapshot(session& at, const arguments& given) {
    int code = 0;
    const std::unique_ptr<offline_log> log = open_offline(at, given, open_mode::read_only, code);
    if (log == nullptr) {
        return code;
    }
    const config settings = known_settings(at).values;
    ladder_limits limits;
    limits.snapshots_max = settings.snapshots.keep;
    limits.bytes_max = settings.snapshots.bytes_max;
    model_fold model;
    extra_fold* const extras[] = {&model};
    const auto kept = keep_snapshot_beside(extras, *log->facts, log->snapshots, limits);
    if (!kept) {
        return fail_with(at, kept.error());
    }
    if (at.json) {
        std::string out;
        json_writer writer{out};
        writer.begin_object();
        writer.name("name");
        writer.text(kept->name);
        writer.name("position");
        writer.number(kept->at);
        writer.name("bytes");
        writer.number(kept->bytes);
        writer.end_object();
        at.around.out << out << "\n";
    } else {
        at.around.out << "snapshot at " << kept->at << ", " << kept->bytes << " bytes, "
                      << kept->removed.size() << " older ones let go\n";
    }
    return exit_success;
}

} // namespace

std::vector<command_spec> replay_commands() {
    command_spec replay;
    replay.words = {"replay"};
    replay.doc =
        "Fold the log from its first event. Alone: rebuild all views from nothing and say whether they "
        "equal those that a start gives (exit 1 when not). With --at: show a view as it was. With "
        "--since: show what differs in a view between then and --at (exit 1 when something does).";
    replay.examples = {
        "fasti replay", "fasti replay --view instances --at 1000",
        "fasti replay --view instances --since -1h",
        "fasti replay --view services --since 2026-01-31T00:00:00Z --at 2026-02-01T00:00:00Z --output json"};
    replay.options = {
        {.name = "view",
         .flag = "--view",
         .kind = value_kind::choice,
         .choices = {"services", "instances", "tokens", "registry_metrics"},
         .doc = "One view instead of all."},
        {.name = "at",
         .flag = "--at",
         .doc =
             "A token, a position, a time in RFC 3339, or back from now such as -5m; absent: now.",
         .value = "WHEN"},
        {.name = "since",
         .flag = "--since",
         .doc = "The earlier of two moments to compare.",
         .value = "WHEN"},
        data_option("The data folder; absent: the default one. A server may run on it."),
        output_option()};
    replay.run = run_replay;

    command_spec snapshot;
    snapshot.words = {"snapshot"};
    snapshot.doc =
        "Write a snapshot of all views, so that the next start and answers about the past are quick. "
        "Servers do that by themselves (snapshots.every_events).";
    snapshot.examples = {"fasti snapshot", "fasti snapshot --data /var/lib/fasti"};
    snapshot.options = {
        data_option("The data folder; absent: the default one. A server may run on it."),
        output_option()};
    snapshot.run = run_snapshot;
    std::vector<command_spec> out;
    out.push_back(std::move(replay));
    out.push_back(std::move(snapshot));
    return out;
}

} // namespace fasti::cli

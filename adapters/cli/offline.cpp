// SPDX-License-Identifier: Apache-2.0
#include "adapters/cli/offline.hpp"

#include "adapters/cli/calls.hpp"
#include "adapters/cli/table.hpp"
#include "adapters/crypto/digest.hpp"
#include "adapters/crypto/token_text.hpp"
#include "adapters/crypto/uuid7_source.hpp"
#include "adapters/node/model_fold.hpp"
#include "commands/pipeline/sequencer.hpp"
#include "domain/wire/json_writer.hpp"
#include "projections/engine/snapshots.hpp"
#include "projections/queries/log_queries.hpp"

#include <ostream>

namespace fasti::cli {
namespace {

//! What the server would be asked for, decided here: the way back in when every token is lost.
std::unique_ptr<command_request> token_request(const arguments& given,
                                               const crypto::fresh_token& fresh) {
    auto request = std::make_unique<command_request>();
    request->caller = std::make_shared<principal>(
        principal{"system/offline", "", {std::string{permission_everything}}});
    request->reason = given.has("reason") ? given.text("reason") : "Made beside the data folder.";
    identity::create_token what;
    what.name = request->texts.keep(given.text("name"));
    for (const std::string& one : given.all("permissions")) {
        what.permissions.push_back(request->texts.keep(one));
    }
    if (given.has("expires_in_ms")) {
        what.expires_in_ms = given.number("expires_in_ms", 0);
    }
    what.token = request->texts.keep(fresh.parts.id);
    what.secret_sha256 = request->texts.keep(fresh.parts.secret_sha256.as_bytes());
    request->items.push_back({.what = std::move(what)});
    request->dry_run = given.flag("dry_run");
    return request;
}

void print_token(session& at, const crypto::fresh_token& fresh, const item_outcome& outcome) {
    const bool made = outcome.kind == outcome_kind::appended;
    if (at.json) {
        std::string out;
        json_writer writer{out};
        writer.begin_object();
        writer.text("outcome", made ? "appended" : "dry_run");
        if (made) {
            writer.number("position", outcome.first);
            writer.text("token", fresh.parts.id);
            writer.text("secret", fresh.text);
        }
        writer.end_object();
        at.around.out << out << "\n";
    } else if (made) {
        at.around.out << "token   " << fresh.parts.id << "\nsecret  " << fresh.text << "\n";
        say_secret_is_shown_once(at);
    } else {
        at.around.out << "dry_run: a token would be made.\n";
    }
}

//! One line for each link of the chain, the newest first.
void print_chain(session& at, json_value root) {
    for (const json_member link : root.find("chain")) {
        const auto text = [&link](std::string_view name) {
            return shown_text(plain_text(link.value.find(name)));
        };
        const std::string by = text("by");
        at.around.out << (by == "newest"  ? "  "
                          : by == "cause" ? "because of\n  "
                                          : "after\n  ")
                      << text("position") << "  " << text("recorded_at") << "  " << text("type")
                      << "  " << text("stream") << "\n      by " << text("actor");
        if (const std::string reason = text("reason"); !reason.empty()) {
            at.around.out << ": \"" << reason << "\"";
        }
        at.around.out << "\n";
    }
    if (!root.find("complete").boolean()) {
        at.say("The chain goes further back than is shown.");
    }
}

} // namespace

option_spec data_option(std::string doc) {
    return {.name = "data", .flag = "--data", .doc = std::move(doc), .value = "DIR"};
}

int exit_code_of(error_code code) {
    switch (code) {
        case error_code::configuration_invalid:
        case error_code::store_damaged:
        case error_code::format_newer:
        case error_code::format_older: return exit_damaged;
        case error_code::store_locked:
        case error_code::version_conflict: return exit_conflict;
        case error_code::fields_invalid:
        case error_code::malformed: return exit_usage;
        default: return exit_finding;
    }
}

int fail_with(session& at, const error& why, std::string_view when_locked) {
    at.fail(0, describe(why));
    if (why.code == error_code::store_locked) {
        at.say(when_locked);
    }
    return exit_code_of(why.code);
}

std::unique_ptr<offline_log> find_offline(session& at, const arguments& given, int& code) {
    const std::string data = given.has("data") ? given.text("data")
                                               : known_settings(at).values.data.dir;
    if (data.empty() || !at.with.log_folder || !at.with.snapshot_folder) {
        code = at.fail(exit_usage, "Say where the data is: --data DIR.");
        return nullptr;
    }
    auto log = std::make_unique<offline_log>(data, at.with.snapshot_folder(data));
    const auto there = log->disk.list(at.with.log_folder(data));
    if (!there || there->empty()) {
        code = at.fail(exit_usage, "There is no log in " + data + ".");
        return nullptr;
    }
    return log;
}

std::unique_ptr<offline_log> open_offline(session& at, const arguments& given, open_mode mode,
                                          int& code) {
    // Only ever opens what is there: a mistyped folder must not become a log.
    std::unique_ptr<offline_log> log = find_offline(at, given, code);
    if (log == nullptr) {
        return nullptr;
    }
    segment_options how;
    how.path = at.with.log_folder(log->data);
    how.mode = mode;
    how.report = [&at](const store_note& note) { at.say(note.text); };
    auto opened = open_segments(log->disk, how);
    if (!opened) {
        code = fail_with(at, opened.error());
        return nullptr;
    }
    log->facts = std::move(opened).value();
    return log;
}

result<position> position_meant(const offline_log& log, std::string_view text) {
    if (text.empty()) {
        return log.facts->head().last;
    }
    system_clock time;
    return resolve_at(text, *log.facts, time.now());
}

int run_offline_token(session& at, const arguments& given) {
    int code = 0;
    const std::unique_ptr<offline_log> log = open_offline(at, given, open_mode::read_write, code);
    if (log == nullptr) {
        return code;
    }
    model_fold model;
    extra_fold* const extras[] = {&model};
    auto recovered = recover(*log->facts, log->snapshots, log->facts->head().last, extras, {});
    if (!recovered) {
        return fail_with(at, recovered.error());
    }
    const std::unique_ptr<write_model> state = model.take();
    crypto::uuid7_source ids{log->time};
    sequencer decides{*log->facts, *state, log->time, ids};
    const crypto::fresh_token fresh = crypto::make_token();
    decides.stage(token_request(given, fresh));
    const auto notice = decides.commit();
    if (!notice) {
        return fail_with(at, notice.error());
    }
    if (const auto carried = log->facts->carry_on(); !carried) {
        return fail_with(at, carried.error());
    }
    const item_outcome& outcome = notice->answers.at(0).outcomes.at(0);
    if (outcome.failure) {
        return fail_with(at, *outcome.failure);
    }
    print_token(at, fresh, outcome);
    return exit_success;
}

int run_offline_why(session& at, const arguments& given) {
    int code = 0;
    const std::unique_ptr<offline_log> log = open_offline(at, given, open_mode::read_only, code);
    if (log == nullptr) {
        return code;
    }
    operations::get_why_params what;
    const std::string stream = given.text("stream");
    what.stream = stream;
    const query_answer answer = get_why(*log->facts, what);
    if (answer.failure) {
        return fail_with(at, *answer.failure);
    }
    return print_why(at, answer.body);
}

int print_why(session& at, const std::string& body) {
    if (at.json) {
        at.around.out << body << "\n";
        return exit_success;
    }
    const std::unique_ptr<json_text> read = read_json(body);
    at.around.out << shown_text(plain_text(read->root().find("stream"))) << "\n";
    print_chain(at, read->root());
    return exit_success;
}

} // namespace fasti::cli

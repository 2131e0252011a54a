// SPDX-License-Identifier: Apache-2.0
#include "adapters/cli/calls.hpp"
#include "adapters/cli/commands.hpp"
#include "adapters/cli/event_lines.hpp"
#include "adapters/cli/interrupt.hpp"
#include "adapters/cli/offline.hpp"
#include "adapters/cli/offline_events.hpp"
#include "adapters/cli/progress.hpp"
#include "adapters/cli/sse.hpp"
#include "adapters/cli/table.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <ostream>

namespace fasti::cli {
namespace {

constexpr std::uint64_t retry_ms = 1'000;
const std::string data_doc = "Read this data folder instead of asking a server; one may run on it.";

//! Prints the events of a stream until `max` were printed.
struct tail_printer {
    session& at;
    std::uint64_t left;

    bool print(const sse_event& event) {
        const std::unique_ptr<json_text> body = read_json(event.data);
        if (at.json) {
            at.around.out << event.data << "\n";
        } else {
            at.around.out << event_line(body->root()) << "\n";
        }
        at.around.out << std::flush;
        return --left > 0;
    }
};

int run_tail(session& at, const arguments& given) {
    if (given.has("data")) {
        return tail_events_here(at, given);
    }
    const std::unique_ptr<client> by = connect(at, given);
    if (by == nullptr) {
        return exit_usage;
    }
    const interrupt_scope interrupts{by.get()};
    tail_printer printer{at, given.number("max", UINT64_MAX)};
    sse_reader reader;
    exchange_request request = request_of(call_named("stream_events"), given);
    request.headers.emplace_back("Accept", "text/event-stream");
    bool followed = false;
    bool away = false;
    while (!interrupts.asked() && printer.left > 0) {
        exchange_request next = request;
        if (!reader.last_id().empty()) {
            next.headers.emplace_back("Last-Event-ID", reader.last_id());
        }
        reader.restart();
        const exchange_answer answer = by->stream(next, [&](std::string_view piece) {
            away = false;
            followed = true;
            return reader.feed(piece, [&](const sse_event& event) { return printer.print(event); });
        });
        if (interrupts.asked() || printer.left == 0) {
            break;
        }
        const int code = exit_code_of(answer.status, false);
        const bool comes_back = followed && (code == exit_unreachable || code == exit_success);
        if (!comes_back) {
            return code == exit_success ? exit_success : report(at, *by, answer);
        }
        if (!away) {
            at.say("The stream broke off; taking it up again where it was.");
        }
        away = true;
        interrupts.wait_ms(retry_ms);
    }
    return exit_success;
}

//! The position within a token "epoch.position.hash", or of a bare position; 0 for other text.
std::uint64_t position_in(std::string_view token) {
    if (const std::size_t dot = token.find('.'); dot != std::string_view::npos) {
        token.remove_prefix(dot + 1);
        token = token.substr(0, token.find('.'));
    }
    std::uint64_t position = 0;
    std::from_chars(token.data(), token.data() + token.size(), position);
    return position;
}

//! Reads page after page up to the head there was at the beginning, so that it ends.
int export_pages(session& at, client& by, const arguments& given, std::ostream& out) {
    arguments asks = given;
    asks.set("limit", {"5000"});
    const bool batch = given.text("format") == "cloudevents-batch";
    progress_bar bar{"events export", "events", at.around.err, at.around.err_terminal};
    std::uint64_t written = 0;
    std::uint64_t head = 0;
    std::uint64_t last = 0;
    out << (batch ? "[" : "");
    do {
        exchange_answer answer = by.send(request_of(call_named("list_events"), asks));
        if (!answer.good()) {
            return report(at, by, answer);
        }
        head = head == 0 ? position_in(answer.header("fasti-position")) : head;
        const std::unique_ptr<json_text> body = read_json(std::move(answer.body));
        const std::string next = plain_text(body->root().find("next"));
        const json_value events = body->root().find("events");
        for (const json_member event : events) {
            last = position_in(plain_text(event.value.find("position")));
            if (head != 0 && last > head) {
                break;
            }
            out << (batch ? (written == 0 ? "\n" : ",\n") : "") << json_of(event.value)
                << (batch ? "" : "\n");
            ++written;
        }
        bar.show(std::min(last, head), head);
        const std::uint64_t from = position_in(next);
        if (next.empty() || (head != 0 && from > head) || (events.size() == 0 && from <= last)) {
            break;
        }
        asks.set("from", {next});
    } while (out.good());
    out << (batch ? "\n]\n" : "") << std::flush;
    if (!out.good()) {
        return at.fail(exit_finding, "The export could not be written.");
    }
    at.say(counted(written, "event") + " exported.");
    return exit_success;
}

int export_to(session& at, const arguments& given, std::ostream& out) {
    if (given.has("data")) {
        return export_events_here(at, given, out);
    }
    const std::unique_ptr<client> by = connect(at, given);
    return by == nullptr ? exit_usage : export_pages(at, *by, given, out);
}

int run_export(session& at, const arguments& given) {
    if (!given.has("file")) {
        return export_to(at, given, at.around.out);
    }
    std::ofstream file{given.text("file"), std::ios::binary};
    if (!file) {
        return at.fail(exit_usage, given.text("file") + " cannot be written.");
    }
    return export_to(at, given, file);
}

//! A declared call that can be answered from a data folder too.
command_spec with_data(std::string_view name, int (*here)(session&, const arguments&)) {
    const call_info& call = call_named(name);
    command_spec out;
    for (command_spec& declared : declared_commands()) {
        if (std::equal(declared.words.begin(), declared.words.end(), call.words.begin(),
                       call.words.end())) {
            out = std::move(declared);
        }
    }
    out.options.push_back(data_option(data_doc));
    out.run = [asked = out.run, here](session& at, const arguments& given) {
        return given.has("data") ? here(at, given) : asked(at, given);
    };
    return out;
}

} // namespace

std::string event_line(json_value event) {
    const auto text = [event](std::string_view name) {
        return shown_text(plain_text(event.find(name)));
    };
    std::string type = text("type");
    if (const std::size_t dot = type.rfind('.'); dot != std::string::npos) {
        type.erase(0, dot + 1); // the reverse-DNS prefix is the same for all
    }
    const std::string position = std::to_string(position_in(text("position")));
    std::string out = std::string(position.size() < 8 ? 8 - position.size() : 0, ' ') + position +
                      "  " + text("time") + "  " + type + "  " + text("subject");
    if (const std::string who = text("authid"); !who.empty()) {
        out += "  by " + who;
    }
    if (const std::string reason = text("reason"); !reason.empty()) {
        out += "  \"" + reason + "\"";
    }
    return out;
}

std::vector<command_spec> event_commands() {
    command_spec tail;
    tail.words = {"events", "tail"};
    tail.doc =
        "Follow the log: a line for each event as it becomes durable. A broken connection is taken up "
        "again where it was, so nothing is missed and nothing comes twice.";
    tail.examples = {"fasti events tail", "fasti events tail --from 1 --max 10",
                     "fasti events tail --service web --type instance_expired --output json"};
    tail.options = options_of(call_named("stream_events"));
    tail.options.erase(
        std::remove_if(tail.options.begin(), tail.options.end(),
                       [](const option_spec& option) { return option.name == "after"; }),
        tail.options.end());
    tail.options.push_back({.name = "max",
                            .flag = "--max",
                            .kind = value_kind::number,
                            .min = 1,
                            .doc = "End after this many events."});
    tail.options.push_back(data_option(data_doc));
    tail.run = run_tail;

    command_spec out_to_file;
    out_to_file.words = {"events", "export"};
    out_to_file.doc =
        "Write events as CloudEvents to a file or stdout, up to the newest there is at the beginning.";
    out_to_file.examples = {
        "fasti events export --file log.jsonl",
        "fasti events export --service web --format cloudevents-batch > web.json"};
    for (option_spec& option : options_of(call_named("list_events"))) {
        if (option.name != "limit" && option.name != "after" && option.name != "output") {
            out_to_file.options.push_back(std::move(option));
        }
    }
    out_to_file.options.push_back({.name = "file",
                                   .flag = "--file",
                                   .doc = "Where to write; absent: stdout.",
                                   .value = "FILE"});
    out_to_file.options.push_back(
        {.name = "format",
         .flag = "--format",
         .kind = value_kind::choice,
         .choices = {"json-lines", "cloudevents-batch"},
         .fallback = "json-lines",
         .doc = "One event a line, or one JSON list (application/cloudevents-batch+json)."});
    out_to_file.options.push_back(data_option(data_doc));
    out_to_file.run = run_export;
    std::vector<command_spec> out;
    out.push_back(std::move(tail));
    out.push_back(std::move(out_to_file));
    out.push_back(with_data("list_events", list_events_here));
    out.push_back(with_data("get_event", show_event_here));
    return out;
}

} // namespace fasti::cli

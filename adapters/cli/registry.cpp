// SPDX-License-Identifier: Apache-2.0
#include "adapters/cli/calls.hpp"
#include "adapters/cli/commands.hpp"
#include "adapters/cli/interrupt.hpp"
#include "adapters/cli/table.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <ostream>

namespace fasti::cli {
namespace {

constexpr std::uint64_t hold_lease_ms = 10'000; // when none is given
constexpr std::uint64_t retry_ms = 1'000;

//! Keeps one instance registered until told to stop.
class holder {
public:
    holder(session& at, client& by, arguments given) : at_(at), by_(by), given_(std::move(given)) {
        if (!given_.has("lease_ms")) {
            given_.set("lease_ms", {std::to_string(hold_lease_ms)});
        }
    }

    int run() {
        const interrupt_scope interrupts{&by_};
        const exchange_answer first = call("register_instance");
        if (!first.good()) {
            return report(at_, by_, first);
        }
        print_answer(at_, first);
        at_.around.out.flush();
        at_.say("Holding " + name() + "; Ctrl-C ends it.");
        int code = hold(interrupts);
        if (const int left = leave(); code == exit_success) {
            code = left;
        }
        return code;
    }

private:
    std::string name() const { return given_.text("service") + "/" + given_.text("instance"); }

    exchange_answer call(std::string_view what) {
        return by_.send(request_of(call_named(what), given_));
    }

    //! Renews three times within each lease. An outage is waited out; a lease that lapsed meanwhile is
    //! registered again; being refused ends it.
    int hold(const interrupt_scope& interrupts) {
        const std::uint64_t pause = std::max<std::uint64_t>(
            given_.number("lease_ms", hold_lease_ms) / 3, 30);
        bool away = false;
        while (!interrupts.wait_ms(away ? std::min(pause, retry_ms) : pause)) {
            exchange_answer answer = call("renew_lease");
            if (answer.status == 404) {
                at_.say("The lease lapsed; registering " + name() + " again.");
                answer = call("register_instance");
            }
            if (interrupts.asked()) {
                return exit_success;
            }
            const int code = exit_code_of(answer.status, false);
            if (code == exit_unreachable) {
                if (!away) {
                    at_.say("The server is away; trying again. " + answer.trouble);
                }
                away = true;
            } else if (code != exit_success) {
                return report(at_, by_, answer);
            } else if (away) {
                at_.say("The server is back; " + name() + " is held.");
                away = false;
            }
        }
        return exit_success;
    }

    int leave() {
        const std::string how = given_.has("on_exit") ? given_.text("on_exit") : "deregister";
        if (how == "leave") {
            return exit_success;
        }
        client last{by_.access()}; // the other one was interrupted
        const exchange_answer answer = last.send(request_of(
            call_named(how == "drain" ? "drain_instance" : "deregister_instance"), given_));
        if (answer.status == 404) {
            return exit_success;
        }
        return answer.good() ? print_answer(at_, answer) : report(at_, last, answer);
    }

    session& at_;
    client& by_;
    arguments given_;
};

int run_register(session& at, const arguments& given) {
    if (!given.flag("hold")) {
        if (given.has("on_exit")) {
            return at.fail(exit_usage, "--on-exit goes with --hold.");
        }
        return run_call(at, call_named("register_instance"), given);
    }
    if (given.flag("dry_run")) {
        return at.fail(exit_usage, "--hold and --dry-run do not go together.");
    }
    const std::unique_ptr<client> by = connect(at, given);
    return by == nullptr ? exit_usage : holder{at, *by, given}.run();
}

//! What one line of `watch` tells of an instance.
std::string line_of(json_value row) {
    std::string out = plain_text(row.find("status"));
    const std::string address = plain_text(row.find("address"));
    const bool six = address.find(':') != std::string::npos;
    out += "  " + (six ? "[" + address + "]" : address) + ":" + plain_text(row.find("port"));
    for (const char* const name : {"version", "zone", "weight"}) {
        if (const std::string value = plain_text(row.find(name)); !value.empty()) {
            out += "  " + std::string{name} + "=" + value;
        }
    }
    return shown_text(out);
}

using shown_rows = std::map<std::string, std::string>;

void print_changes(session& at, const shown_rows& before, const shown_rows& now) {
    for (const auto& [name, line] : now) {
        const auto old = before.find(name);
        if (old == before.end()) {
            at.around.out << "+ " << name << "  " << line << "\n";
        } else if (old->second != line) {
            at.around.out << "~ " << name << "  " << line << "\n";
        }
    }
    for (const auto& [name, line] : before) {
        if (now.find(name) == now.end()) {
            at.around.out << "- " << name << "\n";
        }
    }
    at.around.out << std::flush;
}

int run_watch(session& at, const arguments& given) {
    const std::unique_ptr<client> by = connect(at, given);
    if (by == nullptr) {
        return exit_usage;
    }
    const interrupt_scope interrupts{by.get()};
    const call_info& call = call_named(given.flag("all") ? "list_instances" : "discover_instance");
    const std::uint64_t changes_max = given.number("max", UINT64_MAX);
    arguments asks = given;
    asks.set("limit", {"1000"});
    shown_rows before;
    std::uint64_t changes = 0;
    bool away = false;
    std::string etag;
    while (!interrupts.asked()) {
        exchange_request request = request_of(call, asks);
        const exchange_answer answer = by->send(request);
        if (interrupts.asked()) {
            break;
        }
        const bool none_yet = answer.status == 404;
        if (exit_code_of(answer.status, false) == exit_unreachable && changes > 0) {
            if (!away) {
                at.say("The server is away; trying again. " + answer.trouble);
            }
            away = true;
            interrupts.wait_ms(retry_ms);
            continue;
        }
        if (!answer.good() && !none_yet) {
            return report(at, *by, answer);
        }
        away = false;
        const std::unique_ptr<json_text> body = read_json(answer.body);
        shown_rows now;
        if (answer.good()) {
            for (const json_member row : rows_of(body->root())) {
                now[shown_text(plain_text(row.value.find("instance")))] = line_of(row.value);
            }
        }
        if (changes == 0 || now != before) {
            if (at.json) {
                at.around.out << (answer.good() ? json_of(body->root()) : "{\"instances\":[]}")
                              << "\n"
                              << std::flush;
            } else if (changes == 0 && now.empty()) {
                at.say("No instance yet; waiting.");
            } else {
                print_changes(at, before, now);
            }
            if (++changes >= changes_max) {
                break;
            }
        }
        before = std::move(now);
        const std::string index = answer.header("fasti-index").empty()
                                      ? answer.header("fasti-position")
                                      : answer.header("fasti-index");
        if (index.empty()) {
            interrupts.wait_ms(retry_ms);
        } else {
            asks.set("index", {index});
            asks.set("wait", {"60s"});
            if (none_yet) {
                interrupts.wait_ms(retry_ms); // an empty set may answer at once
            }
        }
    }
    return exit_success;
}

} // namespace

std::vector<command_spec> registry_commands() {
    command_spec hold;
    hold.words = {"registry", "register"};
    hold.doc =
        "Make an instance of a service known, or change it. With a lease it must be renewed in time, "
        "or it is taken out of discovery; --hold does that until it is interrupted.";
    hold.examples = {
        "fasti registry register web web-1 --address 10.0.0.7 --port 8080 --lease-ms 10000",
        "fasti registry register web web-1 --address 10.0.0.7 --port 8080 --hold --on-exit drain",
        "fasti registry register web web-2 --address 10.0.0.8 --port 8080 --tags blue --metadata team=shop",
        "fasti registry register web web-3 --address 10.0.0.9 --port 8080 --dry-run"};
    hold.options = options_of(call_named("register_instance"));
    const auto common = std::find_if(
        hold.options.begin(), hold.options.end(),
        [](const option_spec& option) { return !option.group.empty(); });
    const option_spec own[] = {
        {.name = "hold",
         .flag = "--hold",
         .kind = value_kind::boolean,
         .doc = "Stay, renew the lease (10 s when none is given) and clean up when interrupted.",
         .group = "Holding"},
        {.name = "on_exit",
         .flag = "--on-exit",
         .kind = value_kind::choice,
         .choices = {"deregister", "drain", "leave"},
         .fallback = "deregister",
         .doc = "What --hold does at the end.",
         .group = "Holding"}};
    hold.options.insert(common, std::begin(own), std::end(own));
    hold.run = run_register;

    command_spec watch;
    watch.words = {"registry", "watch"};
    watch.doc =
        "Follow the instances of a service: first all of them, then each change (+ new, ~ changed, - gone). "
        "An outage of the server is waited out.";
    watch.examples = {"fasti registry watch web", "fasti registry watch web --all --zone a",
                      "fasti registry watch web --output json --max 1"};
    watch.options = {{.name = "service", .required = true, .doc = "The service."},
                     {.name = "all",
                      .flag = "--all",
                      .kind = value_kind::boolean,
                      .doc = "Those that are not healthy too."},
                     {.name = "tag",
                      .flag = "--tag",
                      .repeated = true,
                      .doc = "Only instances with all of these tags."},
                     {.name = "zone", .flag = "--zone", .doc = "Only this zone."},
                     {.name = "version", .flag = "--version", .doc = "Only exactly this version."},
                     {.name = "max",
                      .flag = "--max",
                      .kind = value_kind::number,
                      .min = 1,
                      .doc = "End after this many changes, the first list counted."},
                     output_option()};
    for (option_spec& more : server_options()) {
        watch.options.push_back(std::move(more));
    }
    watch.run = run_watch;
    std::vector<command_spec> out;
    out.push_back(std::move(hold));
    out.push_back(std::move(watch));
    return out;
}

} // namespace fasti::cli

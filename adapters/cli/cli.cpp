// SPDX-License-Identifier: Apache-2.0
#include "adapters/cli/cli.hpp"

#include "adapters/cli/calls.hpp"
#include "adapters/cli/commands.hpp"
#include "adapters/cli/parse.hpp"

#include <unistd.h>
#include <algorithm>
#include <csignal>
#include <iostream>
#include <map>

namespace fasti::cli {

std::vector<command_spec> all_commands() {
    std::vector<command_spec> own;
    for (auto* const part : {config_commands, registry_commands, event_commands, entity_commands,
                             proof_commands, other_commands}) {
        for (command_spec& command : part()) {
            own.push_back(std::move(command));
        }
    }
    std::vector<command_spec> out = declared_commands();
    for (command_spec& command : own) {
        const auto same = std::find_if(
            out.begin(), out.end(),
            [&command](const command_spec& other) { return other.words == command.words; });
        if (same == out.end()) {
            out.push_back(std::move(command));
        } else {
            *same = std::move(command); // it does more than the declared call
        }
    }
    std::stable_sort(
        out.begin(), out.end(),
        [](const command_spec& one, const command_spec& other) { return one.words < other.words; });
    return out;
}

std::string_view group_doc(std::string_view words) {
    static const std::map<std::string_view, std::string_view> docs = {
        {"",
         "Fasti is an event-sourced control plane: a service registry whose every change is an event "
         "that can be read, replayed and explained."},
        {"registry", "Services, their instances, leases and discovery."},
        {"registry maintenance", "Hide an instance from discovery while people work on it."},
        {"events", "The log of everything that happened."},
        {"token", "Who may do what: bearer tokens and their permissions."},
        {"config", "The server's settings."},
        {"views", "What is folded from the events and answered from."},
    };
    const auto found = docs.find(words);
    return found == docs.end() ? std::string_view{} : found->second;
}

int run(const std::vector<std::string>& arguments_given, surroundings& around, const hooks& with) {
    const std::vector<command_spec> commands = all_commands();
    std::vector<std::string> words = arguments_given;
    if (words.size() == 1 && (words[0] == "--version" || words[0] == "-V")) {
        words[0] = "version";
    }
    const parsed asked = parse(commands, words);
    if (asked.help) {
        around.out << asked.text;
        return exit_success;
    }
    session at{around, with, commands};
    if (asked.command == nullptr) {
        around.err << (words.empty() ? "" : "fasti: ") << asked.text
                   << (asked.text.back() == '\n' ? "" : "\n");
        return exit_usage;
    }
    at.json = asked.given.text("output") == "json";
    at.colour = around.out_terminal && !at.json && at.variable("NO_COLOR").empty();
    const int code = asked.command->run(at, asked.given);
    around.out << std::flush;
    if (!around.out.good()) {
        return at.fail(exit_finding, "The results could not be written.");
    }
    return code;
}

} // namespace fasti::cli

namespace fasti {

int run_cli(int argc, char** argv, const cli::hooks& with) {
    std::signal(SIGPIPE, SIG_IGN); // a closed pipe is an error of the stream, not the end
    cli::surroundings around{
        inputs_of_process(),       std::cin, std::cout, std::cerr, isatty(STDOUT_FILENO) == 1,
        isatty(STDERR_FILENO) == 1};
    return cli::run({argv + std::min(argc, 1), argv + argc}, around, with);
}

} // namespace fasti

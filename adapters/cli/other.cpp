// SPDX-License-Identifier: Apache-2.0
#include "adapters/cli/calls.hpp"
#include "adapters/cli/commands.hpp"
#include "adapters/cli/offline.hpp"
#include "adapters/cli/parse.hpp"
#include "domain/base/permission.gen.hpp"

#include <fstream>
#include <istream>
#include <iterator>
#include <ostream>

namespace fasti::cli {
namespace {

constexpr std::string_view bash_script =
    R"(# fasti completion for bash:  source <(fasti completion bash)
_fasti() {
    local IFS=$'\n'
    COMPREPLY=($(fasti __complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _fasti fasti
)";
constexpr std::string_view zsh_script = R"(#compdef fasti
# fasti completion for zsh:  source <(fasti completion zsh)
_fasti() {
    local -a found
    found=("${(@f)$(fasti __complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    compadd -a found
}
compdef _fasti fasti
)";
constexpr std::string_view fish_script =
    R"(# fasti completion for fish:  fasti completion fish | source
complete -c fasti -f -a '(fasti __complete -- (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)'
)";

int run_completion(session& at, const arguments& given) {
    const std::string shell = given.text("shell");
    at.around.out << (shell == "bash" ? bash_script : shell == "zsh" ? zsh_script : fish_script);
    return exit_success;
}

int run_complete(session& at, const arguments& given) {
    for (const std::string& one : completions(at.commands, given.all("words"))) {
        at.around.out << one << "\n";
    }
    return exit_success;
}

int run_version(session& at, const arguments&) {
    if (at.json) {
        at.around.out << "{\"version\":\"" << at.with.version << "\"}\n";
    } else {
        at.around.out << "fasti " << at.with.version << "\n";
    }
    return exit_success;
}

//! "-" is stdin, "@file" a file, anything else the text itself; nothing after having said why.
std::optional<std::string> data_from(session& at, const std::string& given) {
    if (given == "-") {
        return std::string{std::istreambuf_iterator<char>{at.around.in}, {}};
    }
    if (given.rfind('@', 0) != 0) {
        return given;
    }
    std::ifstream file{given.substr(1), std::ios::binary};
    if (!file) {
        at.fail(exit_usage, given.substr(1) + " cannot be read.");
        return std::nullopt;
    }
    return std::string{std::istreambuf_iterator<char>{file}, {}};
}

int run_command(session& at, const arguments& given) {
    const std::optional<std::string> data = data_from(
        at, given.has("data") ? given.text("data") : "{}");
    if (!data) {
        return exit_usage;
    }
    if (!read_json(*data)->root().is(json_kind::object)) {
        return at.fail(exit_usage, "--data must be one JSON object.");
    }
    const std::unique_ptr<client> by = connect(at, given);
    if (by == nullptr) {
        return exit_usage;
    }
    exchange_request request;
    request.method = "POST";
    request.target = "/v1/commands/" + url_encoded(given.text("name"));
    request.body = *data;
    add_command_options(given, request);
    const exchange_answer answer = by->send(request);
    return answer.good() ? print_answer(at, answer) : report(at, *by, answer);
}

int run_why(session& at, const arguments& given) {
    const std::unique_ptr<client> by = connect(at, given);
    if (by == nullptr) {
        return exit_usage;
    }
    const exchange_answer answer = by->send(request_of(call_named("get_why"), given));
    return answer.good() ? print_why(at, answer.body) : report(at, *by, answer);
}

} // namespace

std::vector<command_spec> entity_commands() {
    std::vector<command_spec> out;
    for (command_spec& declared : declared_commands()) {
        const bool why = declared.words == std::vector<std::string>{"why"};
        if (!why && declared.words != std::vector<std::string>{"token", "create"}) {
            continue;
        }
        declared.options.push_back(data_option(
            why ? "Read this data folder instead of asking a server."
                : "Make it in this data folder without a server, which must not run: the way back in."));
        if (!why) {
            declared.listed_as = "Permissions";
            for (const permission_entry& known : permissions_known) {
                declared.listed.emplace_back(known.name, known.doc);
            }
        }
        declared.run = [why, asked = declared.run](session& at, const arguments& given) {
            if (!given.has("data")) {
                return why ? run_why(at, given) : asked(at, given);
            }
            return why ? run_offline_why(at, given) : run_offline_token(at, given);
        };
        out.push_back(std::move(declared));
    }
    return out;
}

std::vector<command_spec> other_commands() {
    command_spec any;
    any.words = {"command"};
    any.doc =
        "Send any command by its declared name, its fields as JSON. `registry`, `token` and the others "
        "have a sub-command for each; this is for scripts that hold JSON already.";
    any.examples = {
        R"(fasti command register_service --data '{"service": "web", "owner": "shop"}')",
        "fasti command register_instance --data @instance.json --dry-run",
        "generate | fasti command update_instance --data -"};
    any.options = {
        {.name = "name", .required = true, .doc = "Declared name, such as register_instance."},
        {.name = "data",
         .flag = "--data",
         .fallback = "{}",
         .doc = "The fields: a JSON object, @FILE, or - for stdin.",
         .value = "JSON"}};
    for (option_spec& more : command_options()) {
        any.options.push_back(std::move(more));
    }
    any.options.push_back(output_option());
    for (option_spec& more : server_options()) {
        any.options.push_back(std::move(more));
    }
    any.run = run_command;

    command_spec version;
    version.words = {"version"};
    version.doc = "Print the version of this binary.";
    version.options = {output_option()};
    version.run = run_version;

    command_spec completion;
    completion.words = {"completion"};
    completion.doc = "Print the script that completes fasti's words in a shell.";
    completion.examples = {"source <(fasti completion bash)", "fasti completion fish | source"};
    completion.options = {{.name = "shell",
                           .kind = value_kind::choice,
                           .required = true,
                           .choices = {"bash", "zsh", "fish"},
                           .doc = "bash, zsh or fish."}};
    completion.run = run_completion;

    command_spec complete;
    complete.words = {"__complete"};
    complete.doc = "What may stand where the last word is; asked by the completion scripts.";
    complete.options = {{.name = "words", .repeated = true, .doc = "The words so far."}};
    complete.run = run_complete;
    complete.hidden = true;

    std::vector<command_spec> out;
    out.push_back(std::move(any));
    out.push_back(std::move(version));
    out.push_back(std::move(completion));
    out.push_back(std::move(complete));
    return out;
}

} // namespace fasti::cli

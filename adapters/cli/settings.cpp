// SPDX-License-Identifier: Apache-2.0
#include "adapters/cli/commands.hpp"
#include "adapters/cli/offline.hpp"
#include "adapters/cli/table.hpp"
#include "domain/wire/json_writer.hpp"

#include <ostream>

namespace fasti::cli {
namespace {

//! One flag for each setting, named by it in the arguments.
std::vector<option_spec> setting_options() {
    std::vector<option_spec> out;
    out.push_back(
        {.name = "config",
         .flag = "--config",
         .doc =
             "The settings file, else FASTI_CONFIG, else /etc/fasti/fasti.toml as root and $XDG_CONFIG_HOME/fasti/fasti.toml otherwise.",
         .value = "FILE"});
    for (const config_key& key : config_keys) {
        option_spec option;
        option.name = key.name;
        option.flag = "--" + std::string{key.flag};
        option.kind = key.kind == config_kind::boolean ? value_kind::boolean : value_kind::text;
        option.repeated = key.kind == config_kind::list;
        option.choices.assign(key.choices.begin(), key.choices.end());
        option.doc = key.doc;
        const std::size_t dot = key.name.find('.');
        option.group = "Settings of " + std::string{key.name.substr(0, dot)};
        switch (key.kind) {
            case config_kind::path: option.value = "PATH"; break;
            case config_kind::endpoint: option.value = "ADDRESS:PORT"; break;
            case config_kind::number:
                option.value = key.unit == config_unit::ms      ? "TIME"
                               : key.unit == config_unit::bytes ? "SIZE"
                                                                : "N";
                break;
            case config_kind::choice:
                for (const std::string_view choice : key.choices) {
                    option.value += (option.value.empty() ? "" : "|") + std::string{choice};
                }
                break;
            default: break;
        }
        const config standard;
        option.fallback = shown_value(key, standard);
        out.push_back(std::move(option));
    }
    return out;
}

config_inputs inputs_from(const session& at, const arguments& given) {
    config_inputs inputs = at.around.inputs;
    if (given.has("config")) {
        inputs.file = given.text("config");
    }
    for (const config_key& key : config_keys) {
        std::string joined;
        for (const std::string& value : given.all(key.name)) {
            joined += (joined.empty() ? "" : ",") + value;
        }
        if (given.has(key.name)) {
            inputs.flags.emplace_back(key.flag, joined);
        }
    }
    return inputs;
}

//! Loads and says what is wrong or odd; nothing when it is wrong.
std::optional<loaded_config> load_and_tell(const session& at, const config_inputs& inputs) {
    result<loaded_config> loaded = load_config(inputs);
    if (!loaded) {
        at.fail(exit_damaged, describe(loaded.error()));
        return std::nullopt;
    }
    for (const std::string& warning : loaded->warnings) {
        at.say("fasti: " + warning);
    }
    return std::move(loaded).value();
}

int run_serve(session& at, const arguments& given) {
    const config_inputs inputs = inputs_from(at, given);
    std::optional<loaded_config> loaded = load_and_tell(at, inputs);
    if (!loaded) {
        return exit_damaged;
    }
    const result<void> served = at.with.serve(std::move(*loaded),
                                              [inputs] { return load_config(inputs); });
    if (!served) {
        return fail_with(at, served.error(),
                         "Stop that one first, or give this server another folder with --data.");
    }
    return exit_success;
}

int run_check(session& at, const arguments& given) {
    const std::optional<loaded_config> loaded = load_and_tell(at, inputs_from(at, given));
    if (!loaded) {
        return exit_damaged;
    }
    at.around.out << (loaded->file.empty() ? "No settings file; " : loaded->file + " is good; ")
                  << counted(config_key_count, "setting") << ", "
                  << counted(loaded->warnings.size(), "warning") << ".\n";
    return exit_success;
}

int run_show(session& at, const arguments& given) {
    const std::optional<loaded_config> loaded = load_and_tell(at, inputs_from(at, given));
    if (!loaded) {
        return exit_damaged;
    }
    if (!at.json) {
        table shown{{"KEY", "VALUE", "FROM", "RELOAD"}};
        for (std::size_t i = 0; i < config_key_count; ++i) {
            const config_key& key = config_keys[i];
            const std::string value = shown_value(key, loaded->values);
            shown.add({std::string{key.name}, value.empty() ? "-" : shown_text(value),
                       shown_text(loaded->sources[i].where), key.reload ? "SIGHUP" : ""});
        }
        shown.print(at.around.out, at.colour);
        return exit_success;
    }
    std::string out;
    json_writer writer{out};
    writer.begin_object();
    for (std::size_t i = 0; i < config_key_count; ++i) {
        const config_key& key = config_keys[i];
        writer.name(key.name);
        writer.begin_object();
        writer.text("value", shown_value(key, loaded->values));
        writer.text("from", loaded->sources[i].where);
        writer.boolean("reload", key.reload);
        writer.end_object();
    }
    writer.end_object();
    at.around.out << out << "\n";
    return exit_success;
}

} // namespace

std::vector<command_spec> config_commands() {
    command_spec serve;
    serve.words = {"serve"};
    serve.doc =
        "Run a server. It says where it listens and where its data is; SIGTERM lets requests under way "
        "finish, SIGHUP reads the settings that can change again.";
    serve.examples = {
        "fasti serve --data ./data --listen 127.0.0.1:8400",
        "fasti serve --listen 0.0.0.0:8400 --tls-cert server.pem --tls-key server.key",
        "FASTI_LOG__LEVEL=debug fasti serve",
        "fasti serve --config /etc/fasti/fasti.toml --registry-reap-ms 10m"};
    serve.options = setting_options();
    serve.run = run_serve;

    command_spec checks;
    checks.words = {"config", "check"};
    checks.doc =
        "Say everything that is wrong with the settings, without starting a server. Exit 78 when something is.";
    checks.examples = {"fasti config check --config fasti.toml"};
    checks.options = setting_options();
    checks.run = run_check;

    command_spec show;
    show.words = {"config", "show"};
    show.doc = "Print every setting, where its value comes from, and whether SIGHUP reloads it.";
    show.examples = {"fasti config show",
                     "fasti config show --listen 127.0.0.1:9000 --output json"};
    show.options = setting_options();
    show.options.push_back(output_option());
    show.run = run_show;
    std::vector<command_spec> out;
    out.push_back(std::move(serve));
    out.push_back(std::move(checks));
    out.push_back(std::move(show));
    return out;
}

} // namespace fasti::cli

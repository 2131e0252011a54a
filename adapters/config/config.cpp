// SPDX-License-Identifier: Apache-2.0
#include "adapters/config/config.hpp"

#include "adapters/config/values.hpp"

#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

extern char** environ; // NOLINT: POSIX names it so

namespace fasti {
namespace {

using config_detail::refusal;
using config_detail::set_list;
using config_detail::set_number;
using config_detail::set_text;

constexpr std::size_t file_bytes_max = 1024U * 1024U;

//! Variables of the client, of the shell scripts and of crash tests: ours, but no settings of the server.
constexpr std::string_view other_variables[] = {
    "FASTI_CONFIG", "FASTI_ADDR", "FASTI_TOKEN",  "FASTI_TOKEN_FILE", "FASTI_CACERT",
    "FASTI_PRESET", "FASTI_JOBS", "FASTI_BINARY", "FASTI_BUILD_DIR",  "FASTI_RECORD_FILES"};

std::optional<std::string> variable(const config_inputs& inputs, std::string_view name) {
    for (const auto& [key, value] : inputs.environment) {
        if (key == name && !value.empty()) {
            return value;
        }
    }
    return std::nullopt;
}

//! $XDG_x/fasti, else $HOME/<below>/fasti, else empty.
std::string xdg_folder(const config_inputs& inputs, std::string_view name, std::string_view below) {
    if (const auto folder = variable(inputs, name); folder && folder->front() == '/') {
        return *folder + "/fasti";
    }
    if (const auto home = variable(inputs, "HOME")) {
        return *home + "/" + std::string{below} + "/fasti";
    }
    return {};
}

void set_default_folder(const config_inputs& inputs, loaded_config& into) {
    config_source& source = into.sources[0]; // data.dir is declared first; checked below
    check(config_keys[0].name == "data.dir", "data.dir is the first key");
    source.where = "default";
    if (const auto folder = variable(inputs, "STATE_DIRECTORY")) {
        into.values.data.dir = folder->substr(0, folder->find(':'));
        source = {config_origin::service_manager, "STATE_DIRECTORY"};
    } else if (inputs.root) {
        into.values.data.dir = "/var/lib/fasti";
    } else {
        into.values.data.dir = xdg_folder(inputs, "XDG_DATA_HOME", ".local/share");
    }
}

//! Gathers faults of all sources, so that one run of `config check` shows them all.
struct loading {
    loaded_config out;
    std::vector<field_error> faults;

    void refuse(std::string_view key, const std::string& where, const std::string& what) {
        std::string pointer = "#/" + std::string{key};
        std::replace(pointer.begin(), pointer.end(), '.', '/');
        const std::string named = key.empty() ? where : std::string{key} + " (" + where + ")";
        faults.push_back({std::move(pointer), named + " " + what});
    }

    void took(const config_key& key, config_source source, const refusal& refused) {
        if (refused) {
            refuse(key.name, source.where, *refused);
        } else {
            out.sources[static_cast<std::size_t>(&key - config_keys.data())] = std::move(source);
        }
    }
};

void apply_file(loading& work, std::string_view text, std::string_view name) {
    config_detail::file_content content = config_detail::read_toml(text);
    for (config_detail::file_value& found : content.values) {
        config_source source{config_origin::file,
                             std::string{name} + ":" + std::to_string(found.line)};
        refusal refused;
        if (auto* words = std::get_if<std::string>(&found.value)) {
            refused = set_text(*found.key, *words, work.out.values);
        } else if (const bool* flag = std::get_if<bool>(&found.value)) {
            refused = set_text(*found.key, *flag ? "true" : "false", work.out.values);
        } else if (const std::int64_t* number = std::get_if<std::int64_t>(&found.value)) {
            refused = *number < 0 ? "must be " + config_detail::expectation(*found.key)
                                  : set_number(*found.key, static_cast<std::uint64_t>(*number),
                                               work.out.values);
        } else {
            refused = set_list(*found.key,
                               std::move(*std::get_if<std::vector<std::string>>(&found.value)),
                               work.out.values);
        }
        work.took(*found.key, std::move(source), refused);
    }
    for (const config_detail::file_fault& fault : content.faults) {
        work.refuse(fault.key, std::string{name} + ":" + std::to_string(fault.line), fault.what);
    }
}

void apply_environment(loading& work, const config_inputs& inputs) {
    std::vector<std::string_view> known{std::begin(other_variables), std::end(other_variables)};
    for (const config_key& key : config_keys) {
        known.push_back(key.environment);
    }
    for (const auto& [name, text] : inputs.environment) {
        if (name.rfind("FASTI_", 0) != 0) {
            continue;
        }
        const auto* const key = std::find_if(
            config_keys.begin(), config_keys.end(),
            [&name = name](const config_key& one) { return one.environment == name; });
        if (key != config_keys.end()) {
            work.took(*key, {config_origin::environment, name},
                      set_text(*key, text, work.out.values));
        } else if (std::find(known.begin(), known.end(), name) == known.end()) {
            const std::optional<std::string_view> near = nearest_name(name, known);
            work.out.warnings.push_back(
                name + " is no setting and is ignored" +
                (near ? "; did you mean " + std::string{*near} + "?" : std::string{"."}));
        }
    }
}

void apply_flags(loading& work, const config_inputs& inputs) {
    for (const auto& [flag, text] : inputs.flags) {
        const auto* const key = std::find_if(
            config_keys.begin(), config_keys.end(),
            [&flag = flag](const config_key& one) { return one.flag == flag; });
        check(key != config_keys.end(), "only declared flags are handed to the configuration");
        work.took(*key, {config_origin::flag, "--" + flag}, set_text(*key, text, work.out.values));
    }
}

//! What no single key can know.
void check_together(loading& work) {
    const config& values = work.out.values;
    if (values.data.dir.empty()) {
        work.refuse("data.dir", "default",
                    "is unknown: neither HOME nor XDG_DATA_HOME is set; say --data");
    }
    if (values.http.tls_cert.empty() != values.http.tls_key.empty()) {
        const bool cert = values.http.tls_cert.empty();
        work.refuse(cert ? "http.tls_cert" : "http.tls_key", "default",
                    std::string{"is missing: TLS needs it beside "} +
                        (cert ? "http.tls_key" : "http.tls_cert"));
    }
    const std::optional<endpoint> at = endpoint_from(values.http.listen);
    if (at && !is_loopback(at->host) && values.http.tls_cert.empty() &&
        !values.http.insecure_plaintext) {
        work.refuse(
            "http.listen", values.http.listen,
            "is outside loopback and would be plaintext: set http.tls_cert and http.tls_key, "
            "or say --insecure-plaintext");
    }
}

result<loaded_config> finish(loading&& work) {
    if (work.faults.empty()) {
        return std::move(work.out);
    }
    const std::size_t count = work.faults.size();
    return error{
        error_code::configuration_invalid,
        std::to_string(count) + (count == 1 ? " fault" : " faults") + " in the configuration.",
        std::move(work.faults)};
}

//! Nothing to read is an empty text; a file asked for by name must be there.
result<std::string> read_file(const std::string& path, bool must_exist) {
    errno = 0;
    std::ifstream file{path, std::ios::binary};
    if (!file) {
        if (!must_exist && (errno == ENOENT || errno == ENOTDIR)) {
            return std::string{};
        }
        return error{
            error_code::configuration_invalid,
            "The configuration file " + path + " cannot be read: " + std::strerror(errno) + "."};
    }
    std::string text(file_bytes_max + 1, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
    if (file.bad() || text.size() > file_bytes_max) {
        return error{error_code::configuration_invalid,
                     "The configuration file " + path + " cannot be read or is over 1 MiB."};
    }
    return text;
}

} // namespace

result<loaded_config> load_config(const config_inputs& inputs, std::string_view file_text,
                                  std::string_view name) {
    loading work;
    for (config_source& source : work.out.sources) {
        source.where = "default";
    }
    set_default_folder(inputs, work.out);
    work.out.file = name;
    apply_file(work, file_text, name);
    apply_environment(work, inputs);
    apply_flags(work, inputs);
    check_together(work);
    return finish(std::move(work));
}

result<loaded_config> load_config(const config_inputs& inputs) {
    std::optional<std::string> path = inputs.file;
    if (!path) {
        path = variable(inputs, "FASTI_CONFIG");
    }
    const bool named = path.has_value();
    if (!named) {
        const std::string folder = inputs.root ? "/etc/fasti"
                                               : xdg_folder(inputs, "XDG_CONFIG_HOME", ".config");
        path = folder.empty() ? std::string{} : folder + "/fasti.toml";
    }
    if (path->empty()) {
        return load_config(inputs, {}, {});
    }
    result<std::string> text = read_file(*path, named);
    if (!text) {
        return std::move(text).error();
    }
    const bool absent = !named && access(path->c_str(), F_OK) != 0;
    return load_config(inputs, *text, absent ? std::string{} : *path);
}

config_changes apply_reload(loaded_config& running, const loaded_config& fresh) {
    config_changes changes;
    config values = fresh.values;
    for (std::size_t i = 0; i < config_key_count; ++i) {
        const config_key& key = config_keys[i];
        if (same_value(key, running.values, fresh.values)) {
            continue;
        }
        if (!key.reload) {
            changes.need_restart.push_back(key.name);
            continue;
        }
        changes.applied.push_back(key.name);
        running.sources[i] = fresh.sources[i];
        const config_member to = key.member(running.values);
        const config_member from = key.member(values);
        std::visit([&from](auto* place) { *place = **std::get_if<decltype(place)>(&from); }, to);
    }
    return changes;
}

std::string describe(const error& failure) {
    std::string out = failure.message;
    for (const field_error& field : failure.fields) {
        out += "\n  " + field.detail;
    }
    return out;
}

config_inputs inputs_of_process() {
    config_inputs inputs;
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
        const std::string_view text{*entry};
        const std::size_t equals = text.find('=');
        if (equals != std::string_view::npos) {
            inputs.environment.emplace_back(text.substr(0, equals), text.substr(equals + 1));
        }
    }
    inputs.root = geteuid() == 0;
    return inputs;
}

} // namespace fasti

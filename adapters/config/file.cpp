// SPDX-License-Identifier: Apache-2.0
// The one unit that knows toml++.
#include "adapters/config/values.hpp"

#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include <algorithm>

namespace fasti::config_detail {
namespace {

const config_key* key_named(std::string_view name) {
    const auto* const found = std::find_if(
        config_keys.begin(), config_keys.end(),
        [name](const config_key& key) { return key.name == name; });
    return found == config_keys.end() ? nullptr : found;
}

bool is_section(std::string_view name) {
    return std::any_of(config_keys.begin(), config_keys.end(), [name](const config_key& key) {
        return key.name.size() > name.size() && key.name.substr(0, name.size()) == name &&
               key.name[name.size()] == '.';
    });
}

std::string unknown_key(const std::string& name) {
    std::vector<std::string_view> known;
    for (const config_key& key : config_keys) {
        known.push_back(key.name);
    }
    const std::optional<std::string_view> near = nearest_name(name, known);
    return near ? "is no setting; did you mean `" + std::string{*near} + "`?" : "is no setting";
}

void read_array(const config_key& key, const toml::array& items, file_content& out) {
    const std::size_t line = items.source().begin.line;
    std::vector<std::string> texts;
    for (const toml::node& item : items) {
        const toml::value<std::string>* text = item.as_string();
        if (text == nullptr) {
            out.faults.push_back({line, std::string{key.name}, "must be " + expectation(key)});
            return;
        }
        texts.push_back(text->get());
    }
    out.values.push_back({&key, line, std::move(texts)});
}

void read_value(const config_key& key, const toml::node& node, file_content& out) {
    const std::size_t line = node.source().begin.line;
    const bool takes_text = key.kind != config_kind::boolean && key.kind != config_kind::list;
    if (const auto* text = node.as_string(); text != nullptr && takes_text) {
        out.values.push_back({&key, line, text->get()});
    } else if (const auto* flag = node.as_boolean();
               flag != nullptr && key.kind == config_kind::boolean) {
        out.values.push_back({&key, line, flag->get()});
    } else if (const auto* number = node.as_integer();
               number != nullptr && key.kind == config_kind::number) {
        out.values.push_back({&key, line, number->get()});
    } else if (const auto* items = node.as_array();
               items != nullptr && key.kind == config_kind::list) {
        read_array(key, *items, out);
    } else {
        out.faults.push_back({line, std::string{key.name}, "must be " + expectation(key)});
    }
}

//! Two levels, section and key; a dotted or nested spelling of the same name is the same to TOML.
void read_table(const std::string& prefix, const toml::table& table, file_content& out) {
    for (const auto& [name, node] : table) {
        const std::string path = prefix + std::string{name.str()};
        if (const config_key* key = key_named(path)) {
            read_value(*key, node, out);
        } else if (const toml::table* inner = node.as_table();
                   inner != nullptr && prefix.empty() && is_section(path)) {
            read_table(path + ".", *inner, out);
        } else {
            out.faults.push_back({name.source().begin.line, path, unknown_key(path)});
        }
    }
}

} // namespace

file_content read_toml(std::string_view text) {
    file_content out;
    const toml::parse_result parsed = toml::parse(text);
    if (!parsed) {
        out.faults.push_back({parsed.error().source().begin.line,
                              {},
                              "is not TOML: " + std::string{parsed.error().description()}});
        return out;
    }
    read_table({}, parsed.table(), out);
    const auto by_line = [](const auto& one, const auto& other) { return one.line < other.line; };
    std::stable_sort(out.faults.begin(), out.faults.end(), by_line);
    return out;
}

} // namespace fasti::config_detail

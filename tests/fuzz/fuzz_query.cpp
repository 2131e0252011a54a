// SPDX-License-Identifier: Apache-2.0
// Any path leads to a route or is refused, and any parameters are those of its query or refused by name.
// Shape: "path?name=value&name=value", the parameters not encoded.
#include "adapters/http/router.hpp"
#include "domain/base/check.hpp"
#include "domain/wire/identity_json.gen.hpp"
#include "domain/wire/operations_json.gen.hpp"
#include "domain/wire/registry_json.gen.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace fasti;

std::vector<query_param> split(std::string_view text) {
    std::vector<query_param> out;
    while (!text.empty()) {
        const std::string_view pair = text.substr(0, text.find('&'));
        const std::size_t equals = pair.find('=');
        out.push_back({pair.substr(0, equals),
                       equals == std::string_view::npos ? "" : pair.substr(equals + 1)});
        text.remove_prefix(std::min(text.size(), pair.size() + 1));
    }
    return out;
}

template <class Params>
void play(const std::vector<query_param>& given, std::span<const path_field> path) {
    Params params;
    common_params common;
    field_errors errors;
    read_query(given, path, params, common, errors);
    for (const field_error& one : errors.take()) {
        check(one.pointer.starts_with('#') && one.detail.ends_with('.'),
              "a fault has a place and a sentence");
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const std::string_view path = text.substr(0, text.find('?'));
    const auto given = split(text.substr(std::min(text.size(), path.size() + 1)));
    std::string room;
    for (const http::method verb : {http::method::get, http::method::put, http::method::other}) {
        const http::route_match found = http::match(verb, path, room);
        if (found.status != http::route_status::found) {
            check(found.status != http::route_status::no_method || !found.allow.empty(),
                  "405 names what is taken");
            continue;
        }
        for (const path_field& one : found.captured()) {
            check(!one.name.empty() && !one.value.empty(), "a capture has name and value");
        }
        play<registry::list_services_params>(given, found.captured());
        play<registry::list_instances_params>(given, found.captured());
        play<registry::discover_instance_params>(given, found.captured());
        play<registry::get_instance_params>(given, found.captured());
        play<identity::list_tokens_params>(given, found.captured());
        play<operations::list_events_params>(given, found.captured());
        play<operations::get_event_params>(given, found.captured());
        play<operations::get_why_params>(given, found.captured());
    }
    return 0;
}

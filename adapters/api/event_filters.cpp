// SPDX-License-Identifier: Apache-2.0
#include "adapters/api/event_filters.hpp"

#include "adapters/api/cloudevents.hpp"
#include "domain/registry/streams.hpp"
#include "domain/wire/events.gen.hpp"
#include "domain/wire/fields.hpp"

#include <algorithm>
#include <utility>

namespace fasti::api {
namespace {

std::string unknown_type(std::string_view name) {
    std::vector<std::string_view> known;
    for (std::size_t i = 0; i < event_type_count; ++i) {
        known.push_back(to_name(static_cast<event_type>(i)));
    }
    std::string text = "There is no event type '" + std::string(name) + "'";
    const std::string_view nearest = nearest_name(known, name);
    if (!nearest.empty()) {
        text += "; did you mean '" + std::string(nearest) + "'?";
    } else {
        text += '.';
    }
    return text;
}

void append_part(std::string_view text, std::string& out) {
    out += std::to_string(text.size());
    out += ':';
    out += text;
}

} // namespace

result<event_filter> make_event_filter(const asked_filter& asked, const principal& caller) {
    event_filter out;
    field_errors errors;
    for (std::string_view name : asked.types) {
        if (name.starts_with(event_type_prefix)) {
            name.remove_prefix(event_type_prefix.size());
        }
        if (!event_type_from_name(name)) {
            errors.add("type", unknown_type(name));
        }
        out.types.emplace_back(name);
    }
    if (!errors.empty()) {
        return to_error(std::move(errors), "events");
    }
    std::sort(out.types.begin(), out.types.end());
    out.types.erase(std::unique(out.types.begin(), out.types.end()), out.types.end());
    out.stream_prefix = asked.stream.value_or("");
    if (asked.service.has_value()) {
        out.streams_under = registry::streams_about(*asked.service);
    }
    if (asked.tenant.has_value()) {
        out.tenant = std::string(*asked.tenant);
    }
    if (!caller.tenant.empty()) {
        if (out.tenant.has_value() && *out.tenant != caller.tenant) {
            return error{error_code::permission_denied,
                         "The token belongs to another tenant than the one asked for."};
        }
        out.tenant = caller.tenant;
    }
    return out;
}

std::string key_of(const event_filter& filter) {
    std::string key;
    for (const std::string& type : filter.types) {
        append_part(type, key);
    }
    key += '/';
    append_part(filter.stream_prefix, key);
    for (const std::string& stream : filter.streams_under) {
        append_part(stream, key);
    }
    key += '/';
    if (filter.tenant.has_value()) {
        append_part(*filter.tenant, key);
    }
    key += '/';
    append_part(filter.actor, key);
    return key;
}

} // namespace fasti::api

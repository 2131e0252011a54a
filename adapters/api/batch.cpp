// SPDX-License-Identifier: Apache-2.0
#include "adapters/api/batch.hpp"

#include "adapters/api/refusals.hpp"
#include "commands/pipeline/sequencer.hpp"

#include <array>
#include <string>
#include <utility>

namespace fasti::api {
namespace {

constexpr std::array<std::string_view, 2> batch_members = {"mode", "commands"};
constexpr std::array<std::string_view, 4> item_members = {"command", "data", "idempotency_key",
                                                          "expect"};

template <std::size_t Count>
void refuse_unknown(const json_value& object, const std::array<std::string_view, Count>& known,
                    field_errors& errors) {
    for (const json_member member : object) {
        bool found = false;
        for (const std::string_view name : known) {
            found = found || name == member.name;
        }
        if (!found) {
            const std::string_view near = nearest_name(known, member.name);
            errors.add(member.name, near.empty() ? "There is no such field."
                                                 : "There is no such field; '" + std::string(near) +
                                                       "' is meant perhaps.");
        }
    }
}

void read_expect(const json_value& value, command_item& item, field_errors& errors) {
    if (const auto version = value.as_unsigned()) {
        item.expected_version = version;
    } else if (value.is(json_kind::text) && value.text() == "absent") {
        item.must_not_exist = true;
    } else if (value.is(json_kind::text) && value.text() == "present") {
        item.must_exist = true;
    } else {
        errors.add("expect", "Must be a stream version, \"absent\" or \"present\".");
    }
}

void read_key(const json_value& value, command_item& item, field_errors& errors) {
    if (!value.is(json_kind::text) || value.text().empty() ||
        value.text().size() > receipt_key_bytes_max) {
        errors.add("idempotency_key", "Must be a text of 1 to 255 bytes.");
        return;
    }
    item.idempotency_key = value.text();
}

//! What is wrong with the name of the command; faults of its fields name themselves.
error at_command(error why, field_errors& errors) {
    if (why.fields.empty()) {
        errors.add("command", why.message);
        why.fields = errors.take();
    }
    return why;
}

result<void> read_item(const json_value& value, field_errors& errors, command_request& into) {
    if (!value.is(json_kind::object)) {
        errors.add("", "Must be an object.");
        return to_error(std::move(errors), "command");
    }
    refuse_unknown(value, item_members, errors);
    command_item item;
    if (const json_value expect = value.find("expect")) {
        read_expect(expect, item, errors);
    }
    if (const json_value key = value.find("idempotency_key")) {
        read_key(key, item, errors);
    }
    const json_value name = value.find("command");
    if (!name.is(json_kind::text)) {
        errors.add("command", "Must be the name of a command.");
    } else if (name.text() == registry::renew_leases::type_name) {
        errors.add("command", "Cannot be part of a batch: send each lease as renew_lease, or "
                              "renew_leases alone.");
    }
    if (!errors.empty()) {
        return to_error(std::move(errors), "command");
    }
    const json_value data = value.find("data");
    const auto type = command_type_from_name(name.text());
    if (type.has_value() && !info_of(*type).internal &&
        !permits(into.caller->permissions, info_of(*type).permission)) {
        return at_command(permission_missing(info_of(*type).permission), errors);
    }
    const std::size_t mark = errors.enter("data");
    auto what = read_command(name.text(), data ? &data : nullptr, {}, errors);
    errors.leave(mark);
    if (!what.ok()) {
        return at_command(std::move(what).error(), errors);
    }
    item.what = std::move(what).value();
    into.items.push_back(std::move(item));
    return {};
}

result<batch_mode> read_mode(const json_value& body) {
    const json_value mode = body.find("mode");
    if (mode.is(json_kind::text) && mode.text() == "all") {
        return batch_mode::all;
    }
    if (mode.is(json_kind::text) && mode.text() == "each") {
        return batch_mode::each;
    }
    field_errors errors;
    errors.add("mode", "Must be \"all\" (all of them or none) or \"each\".");
    return to_error(std::move(errors), "batch");
}

//! One key for the whole request: of the batch itself, or of each item by its number.
result<void> spread_key(std::string_view key, command_request& into) {
    if (key.empty()) {
        return {};
    }
    if (into.mode == batch_mode::all) {
        into.batch_key = key;
        return {};
    }
    if (key.size() + 1 + std::to_string(into.items.size() - 1).size() > receipt_key_bytes_max) {
        return error{error_code::malformed,
                     "The Idempotency-Key is too long for a batch of mode each: '#' and the number "
                     "of each command are added to it, and all of it has at most 255 bytes."};
    }
    std::string numbered;
    for (std::size_t i = 0; i < into.items.size(); ++i) {
        if (into.items[i].idempotency_key.empty()) {
            numbered.assign(key).append("#").append(std::to_string(i));
            into.items[i].idempotency_key = into.texts.keep(numbered);
        }
    }
    return {};
}

} // namespace

result<void> read_batch(const json_value& body, const command_headers& headers,
                        command_request& into) {
    if (headers.if_match.has_value() || headers.if_match_any || headers.if_none_match_any) {
        return error{error_code::malformed,
                     "If-Match and If-None-Match name one resource; in a batch use 'expect'."};
    }
    field_errors errors;
    if (!body.is(json_kind::object)) {
        errors.add("", "Must be an object with 'mode' and 'commands'.");
        return to_error(std::move(errors), "batch");
    }
    refuse_unknown(body, batch_members, errors);
    const json_value commands = body.find("commands");
    if (!commands.is(json_kind::array) || commands.size() == 0 ||
        commands.size() > commands_per_request_max) {
        errors.add("commands", "Must be a list of 1 to " +
                                   std::to_string(commands_per_request_max) + " commands.");
    }
    if (!errors.empty()) {
        return to_error(std::move(errors), "batch");
    }
    const auto mode = read_mode(body);
    if (!mode.ok()) {
        return mode.error();
    }
    into.mode = mode.value();
    into.items.reserve(commands.size());
    std::size_t index = 0;
    field_errors at_items("#/commands");
    for (const json_member item : commands) {
        const std::size_t mark = at_items.enter(index++);
        if (auto read = read_item(item.value, at_items, into); !read.ok()) {
            return read;
        }
        at_items.leave(mark);
    }
    return spread_key(headers.idempotency_key, into);
}

} // namespace fasti::api

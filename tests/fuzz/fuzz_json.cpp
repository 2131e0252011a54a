// SPDX-License-Identifier: Apache-2.0
// Any bytes are one JSON document or refused; any document is a command or refused with each fault named.
// What is accepted as a command comes back the same through its own JSON and through its stored form.
#include "domain/base/utf8.hpp"
#include "domain/wire/commands.gen.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

namespace {

using namespace fasti;

void write_again(const json_value& value, json_writer& out) {
    switch (value.kind()) {
        case json_kind::text: out.text(value.text()); break;
        case json_kind::boolean: out.boolean(value.boolean()); break;
        case json_kind::array:
            out.begin_array();
            for (const json_member item : value) {
                write_again(item.value, out);
            }
            out.end_array();
            break;
        case json_kind::object:
            out.begin_object();
            for (const json_member member : value) {
                out.name(member.name);
                write_again(member.value, out);
            }
            out.end_object();
            break;
        default:
            if (const auto number = value.as_unsigned()) {
                out.number(*number);
            } else {
                out.null();
            }
    }
}

void play_command(command_type type, const json_value& body) {
    const result<command> made = read_command(type, &body, {});
    if (!made) {
        check(made.error().code == error_code::command_unknown || !made.error().fields.empty(),
              "a refused command names what is wrong");
        return;
    }
    std::string text;
    json_writer writer(text);
    write_command_json(writer, made.value());
    json_document document;
    check(document.parse(text).ok(), "a command's JSON is JSON");
    const json_value root = document.root();
    const result<command> again = read_command(type, &root, {});
    check(again.ok() && again.value() == made.value(), "a command's JSON means the same command");
    std::string bytes;
    encode_command(made.value(), bytes);
    const auto stored = decode_command(bytes);
    check(stored && *stored == made.value(), "a command's stored form means the same command");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string text(reinterpret_cast<const char*>(data), size);
    json_document document;
    if (!document.parse(text)) {
        return 0;
    }
    std::string again;
    json_writer writer(again);
    write_again(document.root(), writer);
    check(is_utf8(again), "what was read is UTF-8");
    json_document second;
    check(second.parse(again).ok(), "what was read can be written and read again");
    for (std::size_t i = 0; i < command_type_count; ++i) {
        play_command(static_cast<command_type>(i), document.root());
    }
    return 0;
}

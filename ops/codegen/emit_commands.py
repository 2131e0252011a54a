# SPDX-License-Identifier: Apache-2.0
"""domain/wire/commands.gen.{hpp,cpp}: every command of every context in one variant, and what is known of each."""

import cpp
from emit_events import by_length


def emit(model):
    contexts = [c for c in model.contexts if c.commands]
    sources = ", ".join(c.source for c in contexts)
    return {"domain/wire/commands.gen.hpp": _header(model, contexts, sources),
            "domain/wire/commands.gen.cpp": _source(model, contexts, sources)}


def _header(model, contexts, sources):
    commands = model.commands
    lines = cpp.head(sources, header=True)
    lines += ["//! Every command there is: one variant, one table, one way in from JSON.", ""]
    lines += [f'#include "domain/{c.name}/{c.name}.gen.hpp"' for c in contexts]
    lines += ['#include "domain/wire/fields.hpp"', '#include "domain/wire/json.hpp"',
              '#include "domain/wire/json_writer.hpp"', "", "#include <cstddef>", "#include <cstdint>",
              "#include <optional>", "#include <span>", "#include <string>", "#include <string_view>",
              "#include <variant>", "", "namespace fasti {", ""]
    lines += cpp.variant("command", [f"{c.context}::{c.name}" for c in commands])
    lines += ["", "//! In the order of the variant. Numbers are not stored and may change.",
              "enum class command_type : std::uint16_t {"]
    lines += [f"    {c.name}," for c in commands]
    lines += ["};", f"inline constexpr std::size_t command_type_count = {len(commands)};", "",
              "std::string_view to_name(command_type type) noexcept;",
              "std::optional<command_type> command_type_from_name(std::string_view name) noexcept;",
              "inline command_type type_of(const command& what) noexcept {",
              "    return static_cast<command_type>(what.index());", "}", "",
              "struct command_info {", "    std::string_view name;", "    std::string_view context;",
              "    std::string_view permission;     //!< empty: internal", "    std::string_view stream_pattern; //!< empty: no stream",
              "    std::string_view doc;", "    std::string_view method;         //!< of its first route; empty: internal",
              "    std::string_view path;", "    std::span<const std::string_view> emits;",
              "    std::span<const error_code> may_fail;", "    bool internal; //!< made by the server only",
              "    bool record;   //!< its receipt keeps the canonical command", "};", "",
              "const command_info& info_of(command_type type) noexcept;", "",
             
              "//! A command from outside: fields from the path and the body (null: none).",
              "//! Text is borrowed from both. `errors` points at where the body stands in the request.",
              "//! Errors: command_unknown (also for internal commands), fields_invalid naming each field.",
              "result<command> read_command(command_type type, const json_value* body, std::span<const path_field> path,",
              "                             field_errors& errors);",
              "result<command> read_command(std::string_view name, const json_value* body, std::span<const path_field> path,",
              "                             field_errors& errors);",
              "//! The body is the whole request's.",
              "template <class Which>",
              "result<command> read_command(const Which& which, const json_value* body, std::span<const path_field> path) {",
              "    field_errors errors;", "    return read_command(which, body, path, errors);", "}", "",
              "//! The name, a NUL and the stored form: what body hashes and receipts are made of.",
              "void encode_command(const command& what, std::string& out);",
              "//! The reverse. Nothing for an unknown name or malformed bytes; text is borrowed.",
              "std::optional<command> decode_command(std::string_view bytes);",
              "void write_command_json(json_writer& out, const command& what);",
              "//! Appends the name of the command's stream; false when it has none.",
              "bool append_command_stream(const command& what, std::string& out);", "", "} // namespace fasti", ""]
    return lines


def _tables(commands):
    """Names and what is known of each command."""
    lines = ["constexpr std::array<std::string_view, command_type_count> names = {"]
    lines += [f"    {cpp.literal(c.name)}," for c in commands] + ["};", ""]
    for c in commands:
        if c.emits:
            listed = ", ".join(cpp.literal(e) for e in c.emits)
            lines.append(f"constexpr std::array<std::string_view, {len(c.emits)}> {c.name}_emits = {{{listed}}};")
        if c.may_fail:
            listed = ", ".join(f"error_code::{e}" for e in c.may_fail)
            lines.append(f"constexpr std::array<error_code, {len(c.may_fail)}> {c.name}_may_fail = {{{listed}}};")
    lines += ["", "constexpr std::array<command_info, command_type_count> infos = {{"]
    for c in commands:
        method, path = (c.routes[0].method, c.routes[0].path) if c.routes else ("", "")
        parts = [cpp.literal(t) for t in (c.name, c.context, c.permission, c.stream.pattern if c.stream else "",
                                          c.doc, method, path)]
        parts += [f"{c.name}_emits" if c.emits else "{}", f"{c.name}_may_fail" if c.may_fail else "{}",
                  "true" if c.internal else "false", "true" if c.record else "false"]
        lines.append("    {" + ", ".join(parts) + "},")
    return lines + ["}};", ""]


def _helpers():
    return ["template <class Command>",
              "result<command> read_one(const json_value* body, std::span<const path_field> path, field_errors& errors) {",
              "    result<command> out = command(std::in_place_type<Command>);",
              "    read_json(body, path, *std::get_if<Command>(&out.value()), errors);",
              "    if (!errors.empty()) { return to_error(std::move(errors), Command::type_name); }",
              "    return out;", "}", "", "template <class Command>",
              "std::optional<command> decode_one(std::string_view bytes) {",
              "    std::optional<command> out(std::in_place, std::in_place_type<Command>);",
              "    if (!decode(bytes, *std::get_if<Command>(&*out))) { return std::nullopt; }", "    return out;", "}", "",
              "error unknown_command(std::string_view name) {",
              "    std::string message = \"There is no command `\" + std::string(name.substr(0, 128)) + \"`\";",
              "    std::array<std::string_view, command_type_count> outside{};",
              "    for (std::size_t i = 0; i < names.size(); ++i) {",
              "        outside[i] = infos[i].internal ? std::string_view{} : names[i];", "    }",
              "    if (const std::string_view near = nearest_name(outside, name); !near.empty()) {",
              "        message += \"; `\" + std::string(near) + \"` is near\";", "    }",
              "    return error{error_code::command_unknown, message + '.'};", "}", "",
              "} // namespace", ""]


def _source(model, contexts, sources):
    commands = model.commands
    lines = cpp.head(sources) + ['#include "domain/wire/commands.gen.hpp"', ""]
    lines += [f'#include "domain/wire/{c.name}_{kind}.gen.hpp"' for c in contexts for kind in ("json", "stored")]
    lines += ["", "#include <array>", "#include <type_traits>", "", "namespace fasti {", "namespace {", ""]
    lines += _tables(commands) + _helpers()
    lines += ["std::string_view to_name(command_type type) noexcept { return names[static_cast<std::size_t>(type)]; }",
              "const command_info& info_of(command_type type) noexcept { return infos[static_cast<std::size_t>(type)]; }",
              "",
              "std::optional<command_type> command_type_from_name(std::string_view name) noexcept {",
              "    switch (name.size()) {"]
    for length, found in by_length([c.name for c in commands]):
        lines.append(f"    case {length}:")
        lines += [f"        if (name == {cpp.literal(n)}) {{ return command_type::{n}; }}" for n in found]
        lines.append("        break;")
    lines += ["    default: break;", "    }", "    return std::nullopt;", "}", "",
              "result<command> read_command(command_type type, const json_value* body, std::span<const path_field> path,",
              "                             field_errors& errors) {", "    switch (type) {"]
    for c in commands:
        if not c.internal:
            lines.append(f"    case command_type::{c.name}: "
                         f"return read_one<{c.context}::{c.name}>(body, path, errors);")
    lines += ["    default: return unknown_command(to_name(type));", "    }", "}", "",
              "result<command> read_command(std::string_view name, const json_value* body, std::span<const path_field> path,",
              "                             field_errors& errors) {",
              "    const std::optional<command_type> type = command_type_from_name(name);",
              "    if (!type) { return unknown_command(name); }",
              "    return read_command(*type, body, path, errors);", "}", "",
              "void encode_command(const command& what, std::string& out) {",
              "    std::visit([&out]<class Command>(const Command& one) {",
              "        out += Command::type_name;", "        out += '\\0';", "        encode(one, out);", "    }, what);", "}", "",
              "std::optional<command> decode_command(std::string_view bytes) {",
              "    const std::size_t end = bytes.find('\\0');",
              "    if (end == std::string_view::npos) { return std::nullopt; }",
              "    const std::optional<command_type> type = command_type_from_name(bytes.substr(0, end));",
              "    if (!type) { return std::nullopt; }", "    bytes.remove_prefix(end + 1);", "    switch (*type) {"]
    lines += [f"    case command_type::{c.name}: return decode_one<{c.context}::{c.name}>(bytes);" for c in commands]
    lines += ["    }", "    return std::nullopt;", "}", "",
              "void write_command_json(json_writer& out, const command& what) {",
              "    std::visit([&out](const auto& one) { write_json(out, one); }, what);", "}", "",
              "bool append_command_stream(const command& what, std::string& out) {",
              "    return std::visit([&out]<class Command>(const Command& one) {",
              "        if constexpr (requires { append_stream_of(one, out); }) {",
              "            append_stream_of(one, out);", "            return true;", "        } else {",
              "            return false;", "        }", "    }, what);", "}", "", "} // namespace fasti", ""]
    return lines

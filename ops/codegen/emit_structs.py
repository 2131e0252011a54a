# SPDX-License-Identifier: Apache-2.0
"""domain/<context>/<context>.gen.{hpp,cpp}: enums, structs, limits, stream names, decide and evolve."""

import cpp

FIXED_LIMITS = ("min", "max", "min_bytes", "max_bytes", "min_items", "max_items", "max_key_bytes", "max_value_bytes")


def emit(model):
    files = {}
    for context in model.contexts:
        files[f"domain/{context.name}/{context.name}.gen.hpp"] = _header(context)
        source = _source(context)
        if source:
            files[f"domain/{context.name}/{context.name}.gen.cpp"] = source
    return files


def _used_streams(context):
    """Streams with the structs that name them."""
    used = {name: [] for name in context.streams}
    for one in list(context.commands.values()) + list(context.events.values()):
        if one.stream is not None:
            used[one.stream.name].append(one.name)
    for one in context.queries.values():
        if one.stream is not None:
            used[one.stream.name].append(f"{one.name}_params")
    return used


def _struct(name, doc, fields, constants=()):
    lines = [f"//! {cpp.sentence(doc)}", f"struct {name} {{"]
    lines += [f"    {c}" for c in constants]
    if constants and fields:
        lines.append("")
    for one in fields:
        note = f" //!< {cpp.sentence(one.doc)}" if one.doc else ""
        lines.append(f"    {cpp.member_type(one)} {one.name} = {cpp.default(one)};{note}")
    if constants or fields:
        lines.append("")
    lines += [f"    bool operator==(const {name}&) const = default;", "};", ""]
    return lines


def _limits(owner, fields):
    lines = []
    for one in fields:
        for key in FIXED_LIMITS:
            value = getattr(one, key)
            if value is None or (one.named is not None and getattr(one.named, key, None) == value):
                continue
            bound, _, unit = key.partition("_")
            name = "_".join(p for p in (owner, one.name, unit, bound) if p)
            kind = "std::uint64_t" if key in ("min", "max") else "std::size_t"
            lines.append(f"inline constexpr {kind} {name} = {value};")
    return lines


def _type_declarations(context):
    lines = []
    for one in context.types.values():
        if one.kind == "enum":
            lines += [f"//! {cpp.sentence(one.doc)}", f"enum class {one.name} : std::uint8_t {{"]
            lines += [f"    {value}," for value in one.values]
            lines += ["};", f"inline constexpr std::size_t {one.name}_count = {len(one.values)};",
                      f"std::string_view to_name({one.name} value) noexcept;",
                      f"std::optional<{one.name}> {one.name}_from_name(std::string_view text) noexcept;", ""]
        elif one.kind == "text":
            for key in ("min_bytes", "max_bytes"):
                if getattr(one, key) is not None:
                    bound = key.split("_")[0]
                    lines.append(f"inline constexpr std::size_t {one.name}_bytes_{bound} = {getattr(one, key)};")
            lines += [f"//! {cpp.sentence(one.doc)}",
                      f"bool is_valid_{one.name}(std::string_view text) noexcept;", ""]
    for one in context.types.values():
        if one.kind == "struct":
            lines += _struct(one.name, one.doc, one.fields)
    return lines


def _stream_declarations(context):
    lines = []
    for stream, users in _used_streams(context).items():
        params = ", ".join(f"std::string_view {p}" for p in context.streams[stream].params)
        more = f"{params}, " if params else ""
        lines += [f"//! {cpp.sentence(context.streams[stream].doc)} `{context.streams[stream].pattern}`",
                  f"std::string {stream}_stream({params});",
                  f"void append_{stream}_stream({more}std::string& out);"]
        for one in users:
            name = "of" if params else ""
            lines += [f"std::string stream_of(const {one}&{' ' + name if name else ''});",
                      f"void append_stream_of(const {one}&{' ' + name if name else ''}, std::string& out);"]
        lines.append("")
    return lines


def _contract(context):
    """decide and evolve, which a person writes; the linker names what is missing."""
    if not context.commands:
        return []
    lines = cpp.variant("command", list(context.commands)) + [""]
    lines += cpp.variant("event", list(context.events)) + [""]
    lines += ["//! What decide looks at and evolve changes. Written by hand in state.hpp.", "class state;", "",
              "//! The events that follow from a command in a state; none: nothing to change.",
              "//! Text of the events is borrowed from the command, the context and the state."]
    for name in context.commands:
        lines.append(f"result<std::vector<event>> decide(const state& now, const {name}& what, "
                     "const decision_context& context);")
    lines += ["", "//! What a recorded event makes of the state. Never fails: what was recorded did happen."]
    for name in context.events:
        lines.append(f"void evolve(state& now, const {name}& what, const event_context& context);")
    return lines + [""]


def _header(context):
    lines = cpp.head(context.source, header=True)
    lines += [f"//! {cpp.sentence(context.doc)}",
              "//! Structs are views: their text is borrowed from the request, the stored bytes or the state.", "",
              '#include "domain/base/context.hpp"', '#include "domain/base/instant.hpp"',
              '#include "domain/base/label.hpp"', '#include "domain/base/result.hpp"', "",
              "#include <cstdint>", "#include <optional>", "#include <string>", "#include <string_view>",
              "#include <variant>", "#include <vector>", "", f"namespace fasti::{context.name} {{", ""]
    lines += _type_declarations(context)
    limits = []
    for one in context.commands.values():
        limits += _limits(one.name, one.fields)
    for one in context.queries.values():
        limits += _limits(one.name, one.params)
    if limits:
        lines += ["// Limits of fields and parameters.", *limits, ""]
    for title, tables, revision in (("Commands", context.commands, False), ("Events", context.events, True)):
        if tables:
            lines += [f"// {title}.", ""]
        for one in tables.values():
            constants = [f"static constexpr std::string_view type_name = {cpp.literal(one.name)};"]
            if revision:
                constants.append(f"static constexpr std::uint32_t revision_now = {one.revision};")
                for old, fields in sorted(one.history.items()):
                    lines += _struct(f"{one.name}_r{old}", f"Revision {old} of `{one.name}`.", fields)
            lines += _struct(one.name, one.doc, one.fields, constants)
            for old in sorted(one.history) if revision else ():
                by = "What" if old in one.only_added else "Written by hand: what"
                lines += [f"//! {by} an event of revision {old} means today.",
                          f"void upcast(const {one.name}_r{old}& old, {one.name}& now);", ""]
    if context.rows:
        lines += ["// Rows of views.", ""]
    for one in context.rows.values():
        lines += _struct(one.name, one.doc, one.fields)
    if context.queries:
        lines += ["// Parameters of queries.", ""]
    for one in context.queries.values():
        constants = [f"static constexpr std::string_view query_name = {cpp.literal(one.name)};"]
        if one.list_name:
            constants.append(f"static constexpr std::string_view list_name = {cpp.literal(one.list_name)};")
        lines += _struct(f"{one.name}_params", one.doc, one.params, constants)
    lines += _stream_declarations(context)
    lines += _contract(context)
    return lines + [f"}} // namespace fasti::{context.name}", ""]


# ---------------------------------------------------------------- definitions

def _enum_functions(one):
    lines = [f"std::string_view to_name({one.name} value) noexcept {{", "    switch (value) {"]
    lines += [f"    case {one.name}::{v}: return {cpp.literal(v)};" for v in one.values]
    lines += ["    }", "    return {};", "}", "",
              f"std::optional<{one.name}> {one.name}_from_name(std::string_view text) noexcept {{"]
    for value in one.values:
        lines.append(f"    if (text == {cpp.literal(value)}) {{ return {one.name}::{value}; }}")
    return lines + ["    return std::nullopt;", "}", ""]


def _text_function(one):
    lines = []
    if not one.atoms:
        lines += [f"bool is_valid_{one.name}(std::string_view text) noexcept {{"]
        tests = []
        if one.min_bytes:
            tests.append(f"text.size() >= {one.name}_bytes_min")
        if one.max_bytes is not None:
            tests.append(f"text.size() <= {one.name}_bytes_max")
        tests.append("!has_control(text)")
        return lines + [f"    return {' && '.join(tests)};", "}", ""]
    lines = ["namespace {", ""]
    for i, atom in enumerate(one.atoms, start=1):
        members = "".join(sorted(atom.members))
        lines.append(f"constexpr char_class {one.name}_{i}{{{cpp.literal(members)}}};")
    lines += ["", "} // namespace", "", f"//! {one.pattern}",
              f"bool is_valid_{one.name}(std::string_view text) noexcept {{", "    std::size_t at = 0;"]
    for i, atom in enumerate(one.atoms, start=1):
        most = "char_class::no_limit" if atom.most is None else atom.most
        lines.append(f"    if (!{one.name}_{i}.skip(text, at, {{{atom.least}, {most}}})) {{ return false; }}")
    return lines + ["    return at == text.size();", "}", ""]


def _stream_functions(stream, users):
    params = ", ".join(f"std::string_view {p}" for p in stream.params)
    more = f"{params}, " if params else ""
    passed = ", ".join(stream.params)
    lines = [f"void append_{stream.name}_stream({more}std::string& out) {{"]
    for piece in stream.pieces:
        lines.append(f"    out += {piece[1:-1] if piece.startswith('{') else cpp.literal(piece)};")
    lines += ["}", f"std::string {stream.name}_stream({params}) {{", "    std::string out;",
              f"    append_{stream.name}_stream({passed + ', ' if passed else ''}out);", "    return out;", "}"]
    for one in users:
        of = " of" if stream.params else ""
        got = ", ".join(f"of.{p}" for p in stream.params)
        lines += [f"std::string stream_of(const {one}&{of}) {{ return {stream.name}_stream({got}); }}",
                  f"void append_stream_of(const {one}&{of}, std::string& out) {{ "
                  f"append_{stream.name}_stream({got + ', ' if got else ''}out); }}"]
    return lines + [""]


def _source(context):
    body = []
    for one in context.types.values():
        if one.kind == "enum":
            body += _enum_functions(one)
        elif one.kind == "text":
            body += _text_function(one)
    for name, users in _used_streams(context).items():
        body += _stream_functions(context.streams[name], users)
    if not body:
        return None
    lines = cpp.head(context.source)
    lines += [f'#include "domain/{context.name}/{context.name}.gen.hpp"', "", '#include "domain/base/char_class.hpp"',
              "", f"namespace fasti::{context.name} {{", ""]
    return lines + body + [f"}} // namespace fasti::{context.name}", ""]

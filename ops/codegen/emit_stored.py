# SPDX-License-Identifier: Apache-2.0
"""domain/wire/<context>_stored.gen.{hpp,cpp}: the stored form of events, commands and rows.

Reading is one straight line: fields stand in ascending order, so each is tried once, in order.
"""

import cpp

VARINT, LENGTH = 0, 2


def tag_of(one):
    kind = one.kind
    wire = LENGTH if kind in ("text", "bytes", "list", "labels", "struct") else VARINT
    return one.number << 3 | wire


def stored(fields):
    return sorted((one for one in fields if not one.internal), key=lambda one: one.number)


# ---------------------------------------------------------------- writing

def _put_value(one, value, tag):
    """Statement that writes one plain value with its tag."""
    if one.kind in ("text", "bytes"):
        return f"wire::put_text(out, {tag}, {value});"
    if one.kind == "bool":
        return f"wire::put_number(out, {tag}, {value} ? 1U : 0U);"
    if one.kind == "instant":
        return f"wire::put_number(out, {tag}, wire::zigzag({value}.us));"
    if one.kind == "enum":
        return f"wire::put_number(out, {tag}, static_cast<std::uint64_t>({value}));"
    if one.kind == "struct":
        return f"wire::put_nested(out, {tag}, [&] {{ encode({value}, out); }});"
    return f"wire::put_number(out, {tag}, {value});"


def _put_list(one, value, tag):
    if one.kind == "labels":
        return [f"wire::put_labels(out, {tag}, {value});"]
    return [f"for (const auto& item : {value}) {{ {_put_value(one.item, 'item', tag)} }}"]


def _is_present(one, value):
    if one.kind in ("text", "bytes"):
        return f"!{value}.empty()"
    if one.kind == "bool":
        return value
    if one.kind == "instant":
        return f"{value}.us != 0"
    if one.kind == "enum":
        return f"static_cast<std::uint64_t>({value}) != 0"
    return f"{value} != 0"


def _encode_field(one):
    value, tag = f"what.{one.name}", tag_of(one)
    if one.kind in ("list", "labels"):
        if not one.optional:
            return ["    " + line for line in _put_list(one, value, tag)]
        # Presence of an empty list says something: it goes into a message of its own.
        inner_tag = 1 << 3 | (LENGTH if one.kind == "labels" else tag_of(one.item) & 7)
        inner = " ".join(_put_list(one, f"*{value}", inner_tag))
        return [f"    if ({value}) {{ wire::put_nested(out, {tag}, [&] {{ {inner} }}); }}"]
    if one.optional:
        return [f"    if ({value}) {{ {_put_value(one, '*' + value if one.kind != 'instant' else f'(*{value})', tag)} }}"]
    if one.kind == "struct":
        return ["    " + _put_value(one, value, tag)]
    return [f"    if ({_is_present(one, value)}) {{ {_put_value(one, value, tag)} }}"]


def encode_function(name, fields):
    used = stored(fields)
    lines = [f"void encode(const {name}& {'what' if used else ''}, std::string& {'out' if used else ''}) {{"]
    for one in used:
        lines += _encode_field(one)
    return lines + ["}", ""]


# ---------------------------------------------------------------- reading

def _get_value(one, value, empty, reader="in"):
    """Expression that reads one plain value."""
    if one.kind in ("text", "bytes"):
        return f"{reader}.text({value}, wire::empty_is::{empty})"
    if one.kind == "bool":
        return f"{reader}.boolean({value}, wire::empty_is::{empty})"
    if one.kind == "instant":
        return f"{reader}.moment({value}, wire::empty_is::{empty})"
    if one.kind == "enum":
        return f"{reader}.enumerator({value}, {one.type_name}_count, wire::empty_is::{empty})"
    if one.kind == "struct":
        return f"get_message({reader}, {value})"
    return f"{reader}.number({value}, wire::empty_is::{empty})"


def _decode_items(one, value, tag, reader):
    if one.kind == "labels":
        return f"while ({reader}.take<{tag}>()) {{ if (!{reader}.entry({value})) {{ return false; }} }}"
    get = _get_value(one.item, f"{value}.emplace_back()", "written", reader)
    return f"while ({reader}.take<{tag}>()) {{ if (!{get}) {{ return false; }} }}"


def _decode_field(one):
    value, tag = f"out.{one.name}", tag_of(one)
    if one.kind in ("list", "labels"):
        if not one.optional:
            return [f"    {value}.clear();", "    " + _decode_items(one, value, tag, "in")]
        inner_tag = 1 << 3 | (LENGTH if one.kind == "labels" else tag_of(one.item) & 7)
        return [f"    {value}.reset();", f"    if (in.take<{tag}>()) {{", "        std::string_view bytes;",
                "        if (!in.text(bytes, wire::empty_is::written)) { return false; }",
                "        wire::proto_reader inner(bytes);", f"        {value}.emplace();",
                "        " + _decode_items(one, f"(*{value})", inner_tag, "inner"),
                "        if (!inner.at_end()) { return false; }", "    }"]
    if one.optional:
        return [f"    {value}.reset();",
                f"    if (in.take<{tag}>() && !{_get_value(one, value + '.emplace()', 'written')}) {{ return false; }}"]
    if one.kind == "struct":
        return [f"    if (!in.take<{tag}>() || !{_get_value(one, value, 'written')}) {{ return false; }}"]
    return [f"    {value} = {{}};",
            f"    if (in.take<{tag}>() && !{_get_value(one, value, 'left_out')}) {{ return false; }}"]


def _decode_body(fields):
    lines = ["    wire::proto_reader in(data);"]
    for one in stored(fields):
        lines += _decode_field(one)
    for one in fields:
        if one.internal:
            lines.append(f"    out.{one.name} = {{}};")
    return lines + ["    return in.at_end();"]


def decode_function(name, fields):
    out = "out" if fields else ""
    return [f"bool decode(std::string_view data, {name}& {out}) {{"] + _decode_body(fields) + ["}", ""]


def _upcast(one, revision):
    """Fields that came later keep the value that the struct gives them."""
    fields = one.history[revision]
    old, now = ("old", "now") if fields else ("", "")
    return [f"void upcast(const {one.name}_r{revision}& {old}, {one.name}& {now}) {{",
            *(f"    now.{field.name} = old.{field.name};" for field in fields), "}", ""]


def _event_functions(one):
    lines = encode_function(one.name, one.fields)
    for revision in sorted(one.only_added):
        lines += _upcast(one, revision)
    for revision, fields in sorted(one.history.items()):
        lines += ["namespace {", "", *decode_function(f"{one.name}_r{revision}", fields), "} // namespace", ""]
    out = "out" if one.fields or one.history else ""
    lines += [f"bool decode(std::string_view data, std::uint32_t revision, {one.name}& {out}) {{"]
    for revision in sorted(one.history):
        lines += [f"    if (revision == {revision}) {{", f"        {one.name}_r{revision} old;",
                  "        if (!decode(data, old)) { return false; }",
                  f"        out = {one.name}{{}};", "        upcast(old, out);", "        return true;", "    }"]
    lines.append(f"    if (revision != {one.name}::revision_now) {{ return false; }}")
    return lines + _decode_body(one.fields) + ["}", ""]


# ---------------------------------------------------------------- files

def emit(model):
    files = {}
    for context in model.contexts:
        if context.commands or context.events or context.rows:
            files[f"domain/wire/{context.name}_stored.gen.hpp"] = _header(context)
            files[f"domain/wire/{context.name}_stored.gen.cpp"] = _source(context)
    return files


def _structs(context):
    return [one for one in context.types.values() if one.kind == "struct"]


def _header(context):
    lines = cpp.head(context.source, header=True)
    lines += ["//! Stored form: canonical Protocol Buffers bytes. encode appends; decode replaces every field of",
              "//! `out`, keeps the room of its lists, borrows text from `data`, and accepts exactly the bytes that",
              "//! encode writes (UTF-8 aside, which was checked when the text came in). After false, `out` is",
              "//! to be decoded into again, not read.", "",
              f'#include "domain/{context.name}/{context.name}.gen.hpp"', "",
              "#include <cstdint>", "#include <string>", "#include <string_view>", "",
              f"namespace fasti::{context.name} {{", ""]
    for title, names in (("Events. Older revisions are read too and brought up to date.", context.events),):
        if names:
            lines.append(f"// {title}")
        for name in names:
            lines += [f"void encode(const {name}& what, std::string& out);",
                      f"bool decode(std::string_view data, std::uint32_t revision, {name}& out);"]
    for title, names in (("Commands, without their internal fields.", context.commands),
                         ("Rows, for snapshots.", context.rows)):
        if names:
            lines += ["", f"// {title}"]
        for name in names:
            lines += [f"void encode(const {name}& what, std::string& out);",
                      f"bool decode(std::string_view data, {name}& out);"]
    return lines + ["", f"}} // namespace fasti::{context.name}", ""]


def _source(context):
    lines = cpp.head(context.source)
    lines += [f'#include "domain/wire/{context.name}_stored.gen.hpp"', "", '#include "domain/wire/proto.hpp"', "",
              f"namespace fasti::{context.name} {{", ""]
    if _structs(context):
        lines += ["namespace {", ""]
        for one in _structs(context):
            lines += encode_function(one.name, one.fields) + decode_function(one.name, one.fields)
        lines += ["template <class Message>", "bool get_message(wire::proto_reader& in, Message& out) {",
                  "    std::string_view bytes;",
                  "    return in.text(bytes, wire::empty_is::written) && decode(bytes, out);", "}", "",
                  "} // namespace", ""]
    for one in context.events.values():
        lines += _event_functions(one)
    for one in list(context.commands.values()) + list(context.rows.values()):
        lines += encode_function(one.name, one.fields) + decode_function(one.name, one.fields)
    return lines + [f"}} // namespace fasti::{context.name}", ""]

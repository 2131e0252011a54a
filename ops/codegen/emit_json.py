# SPDX-License-Identifier: Apache-2.0
"""domain/wire/<context>_json.gen.{hpp,cpp}: JSON of events, rows and commands; query parameters."""

import cpp
from model import INTEGERS

FLAT = ("text", "bytes", "bool", "instant", "enum", "labels")


def text_rule(one):
    """Braced text_rule of a text field."""
    rule = f"{{{one.min_bytes or 0}, {one.max_bytes if one.max_bytes is not None else 'SIZE_MAX'}"
    if one.named is not None:
        rule += f", is_valid_{one.type_name}, {cpp.literal(one.named.pattern or '')}"
    return rule + "}"


def number_rule(one):
    return f"{{{one.min or 0}U, {one.max if one.max is not None else INTEGERS[one.kind]}U}}"


def choices(named):
    return cpp.literal(", ".join(named.values))


# ---------------------------------------------------------------- writing

def _write_value(one, value):
    if one.kind in ("text", "bytes"):
        return f"out.text({value});"
    if one.kind == "bool":
        return f"out.boolean({value});"
    if one.kind == "instant":
        return f"out.moment({value});"
    if one.kind == "enum":
        return f"out.text(to_name({value}));"
    if one.kind == "labels":
        return f"out.labels({value});"
    if one.kind == "struct":
        return f"write_json(out, {value});"
    if one.kind == "list" and one.item.kind == "text":
        return f"out.texts({value});"
    if one.kind == "list":
        return f"out.begin_array(); for (const auto& item : {value}) {{ {_write_value(one.item, 'item')} }} out.end_array();"
    return f"out.number({value});"


def _is_flat(one):
    """Whether json_members writes it: everything but declared structs, lists of other things, doubles."""
    return one.kind in FLAT or one.kind in INTEGERS or one.kind == "list" and one.item.kind == "text"


def _write_flat(name, shown):
    """Room for all members is made once: rows and events are what answers consist of."""
    values = {one.name: f"what.{one.name}" for one in shown}
    quoted = {one.name: f',"{one.name}":' for one in shown}
    sizes = []
    for one in shown:
        value = f"to_name({values[one.name]})" if one.kind == "enum" and not one.optional else values[one.name]
        if one.optional:
            inner = f"to_name(*{value})" if one.kind == "enum" else f"*{value}"
            sizes.append(f"({value} ? json_bytes({inner}) : 0)")
        else:
            sizes.append(f"json_bytes({value})")
    lines = [f"void write_json(json_writer& out, const {name}& what) {{",
             f"    json_members to(out, {sum(map(len, quoted.values()))} +",
             *(f"                         {size} +" for size in sizes[:-1]),
             f"                         {sizes[-1]});"]
    for one in shown:
        value = ("*" if one.optional else "") + values[one.name]
        write = f"to.member({cpp.literal(quoted[one.name])}); {_write_value(one, value).replace('out.', 'to.', 1)}"
        lines.append(f"    if ({values[one.name]}) {{ {write} }}" if one.optional else f"    {write}")
    return lines + ["    to.end();", "}", ""]


def _write(name, fields):
    shown = [one for one in fields if one.json and not one.internal]
    if shown and all(map(_is_flat, shown)):
        return _write_flat(name, shown)
    lines = [f"void write_json(json_writer& out, const {name}& {'what' if shown else ''}) {{",
             "    out.begin_object();"]
    for one in shown:
        quoted = cpp.literal(f'"{one.name}":')
        value = f"what.{one.name}"
        if one.optional:
            lines.append(f"    if ({value}) {{ out.quoted_name({quoted}); {_write_value(one, '*' + value)} }}")
        else:
            lines.append(f"    out.quoted_name({quoted}); {_write_value(one, value)}")
    return lines + ["    out.end_object();", "}", ""]


# ---------------------------------------------------------------- reading JSON

def _read_value(one, value, target):
    name = f"names[{value}]"
    if one.kind == "text":
        return f"wire::read_text(value, {name}, {text_rule(one)}, {target}, errors);"
    if one.kind == "bool":
        return f"wire::read_bool(value, {name}, {target}, errors);"
    if one.kind in INTEGERS:
        return f"wire::read_number(value, {name}, {number_rule(one)}, {target}, errors);"
    if one.kind == "enum":
        return (f"wire::read_enumerator(value, {name}, {one.type_name}_from_name, {choices(one.named)}, "
                f"{target}, errors);")
    if one.kind == "labels":
        return (f"wire::read_labels(value, {name}, {{{one.max_items}, {one.max_key_bytes}, {one.max_value_bytes}}}, "
                f"{target}, errors);")
    limits = f"{{{one.min_items or 0}, {one.max_items}}}"
    if one.item.kind == "struct":
        return f"wire::read_structs(value, {name}, {limits}, {target}, errors);"
    return f"wire::read_texts(value, {name}, {limits}, {text_rule(one.item)}, {target}, errors);"


def _target(one):
    return f"out.{one.name}.emplace()" if one.optional else f"out.{one.name}"


def _mask(fields, pick):
    return f"0x{sum(1 << i for i, one in enumerate(fields) if pick(one)):X}U"


def _names(fields):
    listed = ", ".join(cpp.literal(one.name) for one in fields)
    return f"    static constexpr std::array<std::string_view, {len(fields)}> names = {{{listed}}};"


def _read_members(fields, indent):
    pad = " " * indent
    lines = [f"{pad}std::size_t index = 0;" if fields else "", f"{pad}for (const auto [name, value] : object) {{"]
    if not fields:
        return lines[1:] + [f"{pad}    wire::add_unknown(names, name, errors);", f"{pad}}}"]
    lines += [f"{pad}    index = wire::find_name(names, name, index);", f"{pad}    switch (index) {{"]
    for i, one in enumerate(fields):
        lines.append(f"{pad}    case {i}: {_read_value(one, i, _target(one))} break;")
    return lines + [f"{pad}    default: wire::add_unknown(names, name, errors); index = 0; continue;", f"{pad}    }}",
                    f"{pad}    seen |= std::uint64_t{{1}} << index++;", f"{pad}}}"]


def _read_struct(one):
    """A declared struct inside a command."""
    lines = [f"void read_json(const json_value& object, {one.name}& out, field_errors& errors) {{",
             _names(one.fields), "    out = {};", "    if (!wire::is_object(object, errors)) { return; }",
             "    std::uint64_t seen = 0;", *_read_members(one.fields, 4),
             f"    wire::add_missing(names, {_mask(one.fields, lambda f: f.required)} & ~seen, errors);", "}", ""]
    return lines


def _read_command(one):
    fields = [f for f in one.fields if not f.internal]
    in_path = [p for route in one.routes for p in route.params]
    path = " path" if in_path else ""
    out = " out" if one.fields else ""
    lines = [f"void read_json(const json_value* body, std::span<const path_field>{path}, {one.name}&{out}, "
             "field_errors& errors) {", _names(fields)]
    if one.fields:
        lines += ["    out = {};"]
    if fields:
        lines += ["    std::uint64_t seen = 0;"]
    lines += ["    if (body != nullptr) {", "        const json_value& object = *body;",
              "        if (!wire::is_object(object, errors)) { return; }", *_read_members(fields, 8), "    }"]
    if in_path:
        lines += ["    for (const path_field& one : path) {",
                  "        const std::size_t index = wire::find_name(names, one.name, 0);", "        switch (index) {"]
        for i, f in enumerate(fields):
            if f.name in in_path:
                lines.append(f"        case {i}: wire::take_path_text(one, {text_rule(f)}, (seen >> {i} & 1U) != 0, "
                             f"out.{f.name}, errors); break;")
        lines += ["        default: continue;", "        }", "        seen |= std::uint64_t{1} << index;", "    }"]
    if fields:
        lines.append(f"    wire::add_missing(names, {_mask(fields, lambda f: f.required)} & ~seen, errors);")
    return lines + ["}", ""]


# ---------------------------------------------------------------- reading query parameters

def _take_value(one, index, target):
    """Statement that reads `one.value`, a path field or parameter."""
    name = f"names[{index}]"
    if one.kind == "text":
        return f"wire::take_text(one.value, {name}, {text_rule(one)}, {target}, errors);"
    if one.kind == "bool":
        return f"wire::take_bool(one.value, {name}, {target}, errors);"
    if one.kind == "enum":
        return (f"wire::take_enumerator(one.value, {name}, {one.type_name}_from_name, {choices(one.named)}, "
                f"{target}, errors);")
    return f"wire::take_number(one.value, {name}, {number_rule(one)}, {target}, errors);"


def _param_target(one):
    if one.repeated:
        return f"out.{one.name}.emplace_back()"
    return _target(one)


def allowed(query):
    """Braced common_allowed of a query. One that has a parameter of the name itself reads it itself."""
    own = {one.name for one in query.params}
    flags = [("after", "after" not in own and query.takes_after), ("past", query.past),
             ("wait", query.wait), ("paged", query.paged)]
    return "{" + ", ".join(f".{name} = true" for name, on in flags if on) + "}"


def _read_query(one):
    in_path = [p for route in one.routes for p in route.params]
    path = " path" if in_path else ""
    out = " out" if one.params else ""
    lines = [f"void read_query(std::span<const query_param> given, std::span<const path_field>{path},",
             f"                {one.name}_params&{out}, common_params& common, field_errors& errors) {{",
             _names(one.params)]
    if one.params:
        lines += ["    out = {};", "    std::uint64_t seen = 0;"]
    lines += ["    common = {};", f"    wire::common_reader shared({allowed(one)}, common, errors);"]
    if in_path:
        lines += ["    for (const path_field& one : path) {",
                  "        switch (const std::size_t index = wire::find_name(names, one.name, 0)) {"]
        for i, p in enumerate(one.params):
            if p.name in in_path:
                lines.append(f"        case {i}: {_take_value(p, i, _target(p))} seen |= std::uint64_t{{1}} << index; break;")
        lines += ["        default: break;", "        }", "    }"]
    lines.append("    for (const query_param& one : given) {")
    if one.params:
        lines += ["        switch (const std::size_t index = wire::find_name(names, one.name, 0)) {"]
        for i, p in enumerate(one.params):
            if p.name in in_path:
                lines.append(f"        case {i}: errors.add(names[index], \"Is given by the path.\"); break;")
                continue
            guard = "" if p.repeated else f"if (wire::is_first(seen, index, names[{i}], errors)) "
            step = f"{guard}{{ {_take_value(p, i, _param_target(p))} }}" if guard else \
                _take_value(p, i, _param_target(p)) + f" seen |= std::uint64_t{{1}} << index;"
            lines.append(f"        case {i}: {step} break;")
        lines += ["        default:",
                  "            if (!shared.take(one)) { shared.add_unknown(names, one.name); }",
                  "            break;", "        }", "    }",
                  f"    wire::add_missing(names, {_mask(one.params, lambda f: f.required)} & ~seen, errors);"]
    else:
        lines += ["        if (!shared.take(one)) { shared.add_unknown(names, one.name); }", "    }"]
    return lines + ["}", ""]


# ---------------------------------------------------------------- files

def emit(model):
    files = {}
    for context in model.contexts:
        files[f"domain/wire/{context.name}_json.gen.hpp"] = _header(context)
        files[f"domain/wire/{context.name}_json.gen.cpp"] = _source(context)
    return files


def _structs(context):
    return [one for one in context.types.values() if one.kind == "struct"]


def _outside(context):
    return [one for one in context.commands.values() if not one.internal]


def _header(context):
    lines = cpp.head(context.source, header=True)
    lines += ["//! JSON at the edge. Readers collect everything that is wrong; what they read is to be used only when",
              "//! `errors` stayed empty. Text is borrowed from the document, path and parameters.", "",
              f'#include "domain/{context.name}/{context.name}.gen.hpp"', '#include "domain/wire/fields.hpp"',
              '#include "domain/wire/json.hpp"', '#include "domain/wire/json_writer.hpp"', "",
              "#include <span>", "", f"namespace fasti::{context.name} {{", ""]
    for one in _structs(context):
        lines += [f"void write_json(json_writer& out, const {one.name}& what);",
                  f"void read_json(const json_value& object, {one.name}& out, field_errors& errors);", ""]
    for title, names in (("Events.", context.events), ("Commands, without internal fields.", context.commands),
                         ("Rows.", context.rows)):
        if names:
            lines.append(f"// {title}")
            lines += [f"void write_json(json_writer& out, const {name}& what);" for name in names] + [""]
    if _outside(context):
        lines.append("// Commands from outside; a null body is an empty one.")
        lines += [f"void read_json(const json_value* body, std::span<const path_field> path, {c.name}& out, "
                  "field_errors& errors);" for c in _outside(context)] + [""]
    if context.queries:
        lines.append("// Queries: path fields and parameters, their own and the common ones they take.")
        for name in context.queries:
            lines += ["void read_query(std::span<const query_param> given, std::span<const path_field> path,",
                      f"                {name}_params& out, common_params& common, field_errors& errors);"]
        lines.append("")
    return lines + [f"}} // namespace fasti::{context.name}", ""]


def _source(context):
    lines = cpp.head(context.source)
    lines += [f'#include "domain/wire/{context.name}_json.gen.hpp"', "", '#include "domain/wire/read.hpp"', "",
              "#include <array>", "#include <cstdint>", "", f"namespace fasti::{context.name} {{", ""]
    for one in _structs(context):
        lines += _write(one.name, one.fields) + _read_struct(one)
    for tables in (context.events, context.commands, context.rows):
        for one in tables.values():
            lines += _write(one.name, one.fields)
    for one in _outside(context):
        lines += _read_command(one)
    for one in context.queries.values():
        lines += _read_query(one)
    return lines + [f"}} // namespace fasti::{context.name}", ""]

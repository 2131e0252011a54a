# SPDX-License-Identifier: Apache-2.0
"""tests/support/fields.gen.hpp: visits the fields of every struct by name, for tests that make samples."""

import cpp


def _spec(one):
    """field_spec of a field: what a valid value must keep to."""
    named = one.type_name if one.named is not None and one.kind == "text" else ""
    item = one.item.type_name if one.item is not None and one.item.kind == "text" else ""
    high = one.max if one.max is not None else {"u16": 2**16 - 1, "u32": 2**32 - 1}.get(one.kind, 2**64 - 1)
    parts = [cpp.literal(one.name), cpp.literal(named or item), f"{one.min or 0}U", f"{high}U",
             one.min_bytes or 0, one.max_bytes if one.max_bytes is not None else 64,
             one.min_items or 0, one.max_items if one.max_items is not None else 4,
             "true" if one.internal else "false", "true" if one.json else "false", one.number, one.since]
    return "{" + ", ".join(str(p) for p in parts) + "}"


def _visit(context, name, fields):
    of = " of" if fields else ""
    visit = " visit" if fields else ""
    lines = ["template <class Visitor>", f"void for_each_field({context}::{name}&{of}, Visitor&&{visit}) {{"]
    lines += [f"    visit(field_spec{_spec(one)}, of.{one.name});" for one in fields]
    return lines + ["}", ""]


def emit(model):
    contexts = [c for c in model.contexts if c.commands or c.events or c.rows]
    lines = cpp.head(", ".join(c.source for c in contexts), header=True)
    lines += ["//! The fields of every struct, one call each, with what a valid value must keep to.", ""]
    lines += [f'#include "domain/{c.name}/{c.name}.gen.hpp"' for c in contexts]
    lines += ["", "#include <cstddef>", "#include <cstdint>", "#include <string_view>", "#include <tuple>", "",
              "namespace fasti::test {", "",
              "struct field_spec {", "    std::string_view name;", "    std::string_view text_type; //!< declared type of text or of a list's texts; empty: plain text",
              "    std::uint64_t min;", "    std::uint64_t max;", "    std::size_t min_bytes;",
              "    std::size_t max_bytes;", "    std::size_t min_items;", "    std::size_t max_items;",
              "    bool internal; //!< not in commands from outside", "    bool json;     //!< shown in JSON",
              "    std::uint32_t number; //!< in the stored form",
              "    std::uint32_t since;  //!< the revision of the event that brought it", "};", ""]
    for context in contexts:
        for one in context.types.values():
            if one.kind == "struct":
                lines += _visit(context.name, one.name, one.fields)
        for tables in (context.events, context.commands, context.rows):
            for one in tables.values():
                lines += _visit(context.name, one.name, one.fields)
    for kind, pick in (("events", lambda c: c.events), ("commands", lambda c: c.commands), ("rows", lambda c: c.rows)):
        names = [f"{c.name}::{name}" for c in contexts for name in pick(c)]
        lines += [f"using all_{kind} = std::tuple<"]
        lines += [f"    {n}{',' if n != names[-1] else '>;'}" for n in names]
    return {"tests/support/fields.gen.hpp": lines + ["", "} // namespace fasti::test", ""]}

# SPDX-License-Identifier: Apache-2.0
"""domain/<context>/records.gen.hpp: the fields that a command, its events and a row have in common, named once."""

import cpp


def emit(model):
    return {f"domain/{context.name}/records.gen.hpp": _header(context)
            for context in model.contexts if context.records}


def _header(context):
    lines = cpp.head(context.source, header=True)
    lines += ["//! What is kept of a thing: the fields that commands, events and rows have in common, so that nobody",
              "//! lists them again.", "",
              f'#include "domain/{context.name}/{context.name}.gen.hpp"', "",
              "#include <array>", "#include <string_view>", "#include <utility>", "",
              f"namespace fasti::{context.name} {{", ""]
    for one in context.records.values():
        lines += _record(context, one)
    return lines + [f"}} // namespace fasti::{context.name}", ""]


def _record(context, one):
    fields = context.events[one.event].fields
    texts = [f.name for f in fields if f.kind == "text" and not f.optional]
    others = [f.name for f in fields if f.name not in texts]
    lines = [f"// {cpp.sentence(one.doc)}", "",
             f"//! Its texts, of whatever struct has them, in the order of `{one.event}`.",
             "template <class Of>",
             f"inline constexpr std::array<std::string_view Of::*, {len(texts)}> {one.name}_texts = {{",
             *[f"    &Of::{name}{',' if name != texts[-1] else '};'}" for name in texts],
             "//! Its other fields, for those who keep them by hand to say which they know.",
             f"inline constexpr std::string_view {one.name}_other_fields = {cpp.literal(' '.join(others))};", "",
             "template <class To, class From>", f"To with_{one.name}_fields(From&& from) {{", "    return To{"]
    for field in fields:
        owns = field.kind in ("list", "labels")
        lines.append(f"        .{field.name} = {'std::forward<From>(from)' if owns else 'from'}.{field.name},")
    lines += ["    };", "}", ""]
    if one.change:
        change = context.commands[one.change]
        given = [f.name for f in change.fields if f.optional]
        lines += [f"//! What `{one.change}` gives takes the place of what was.",
                  f"inline void take_fields({one.event}& known, const {one.change}& given) {{",
                  *[f"    if (given.{name}) {{ known.{name} = *given.{name}; }}" for name in given], "}", ""]
    return lines

# SPDX-License-Identifier: Apache-2.0
"""adapters/cli/commands.gen.{hpp,cpp}: the client's sub-commands as data, for the code that builds the command line."""

import cpp
from model import INTEGERS

KINDS = {"text": "text", "bool": "boolean", "u16": "number", "u32": "number", "u64": "number", "enum": "choice",
         "instant": "instant", "labels": "labels", "list": "list"}


def emit(model):
    found = [(one, "command", [f for f in one.fields if not f.internal]) for one in model.commands if one.cli]
    found += [(one, "query", one.params) for one in model.queries if one.cli]
    sources = ", ".join(c.source for c in model.contexts)
    return {"adapters/cli/commands.gen.hpp": _header(sources, len(found)),
            "adapters/cli/commands.gen.cpp": _source(sources, found)}


def _header(sources, count):
    return cpp.head(sources, header=True) + [
        "//! What the client can be told: one entry for each declared command or query with `cli`.", "",
        "#include <cstddef>", "#include <cstdint>", "#include <span>", "#include <string_view>", "",
        "namespace fasti::cli {", "",
        "enum class value_kind : std::uint8_t {",
        "    text,", "    number,  //!< whole, from min to max", "    boolean, //!< a flag without value",
        "    choice,  //!< one of choices", "    instant, //!< RFC 3339",
        "    list,    //!< texts; the flag may be repeated", "    labels,  //!< key=value; the flag may be repeated",
        "};", "",
        "struct option_info {",
        "    std::string_view name;  //!< as declared: the member of the body or the query parameter",
        "    std::string_view flag;  //!< \"--lease-ms\"; empty: positional",
        "    value_kind kind;", "    bool required;", "    bool repeated; //!< query parameters: one pair for each value",
        "    std::uint64_t min;", "    std::uint64_t max;",
        "    std::string_view fallback; //!< the declared default, to be told; empty: none",
        "    std::span<const std::string_view> choices;", "    std::string_view doc;", "};", "",
        "enum class call_kind : std::uint8_t { command, query };", "",
        "struct call_info {",
        "    std::string_view name;  //!< as declared",
        "    std::span<const std::string_view> words; //!< {\"registry\", \"register\"}",
        "    call_kind kind;", "    std::string_view method;", "    std::string_view path; //!< with {captures}, filled by the positional options",
        "    std::span<const option_info> options; //!< positional ones first, in the order of the path",
        "    bool paged; //!< takes --limit and --cursor", "    bool past;  //!< takes --at",
        "    bool wait;  //!< takes --index and --wait", "    bool rows;  //!< answers many rows",
        "    std::string_view doc;", "};", "",
        f"inline constexpr std::size_t call_count = {count};",
        "std::span<const call_info> all_calls() noexcept;", "", "} // namespace fasti::cli", ""]


def flag(name):
    return "--" + name.replace("_", "-")


def _bounds(one):
    if one.kind in INTEGERS:
        return one.min or 0, one.max if one.max is not None else INTEGERS[one.kind]
    if one.kind in ("list", "labels"):
        return one.min_items or 0, one.max_items or 0
    return one.min_bytes or 0, one.max_bytes or 0


def _fallback(one):
    if one.default is None:
        return ""
    return {True: "true", False: "false"}.get(one.default, str(one.default)) if isinstance(one.default, bool) else \
        str(one.default)


def _option(owner, one, in_path):
    low, high = _bounds(one)
    choices = f"{owner}_{one.name}_choices" if one.kind == "enum" else "{}"
    yes_no = ["true" if b else "false" for b in (one.required, one.repeated or one.kind in ("list", "labels"))]
    parts = [cpp.literal(one.name), cpp.literal("" if one.name in in_path else flag(one.name)),
             f"value_kind::{KINDS[one.kind]}", *yes_no, f"{low}U", f"{high}U", cpp.literal(_fallback(one)), choices,
             cpp.literal(one.doc)]
    return "    {" + ", ".join(parts) + "},"


def _source(sources, found):
    lines = cpp.head(sources) + ['#include "adapters/cli/commands.gen.hpp"', "", "#include <array>", "",
                                 "namespace fasti::cli {", "namespace {", ""]
    rows = []
    for one, kind, fields in found:
        in_path = one.routes[0].params
        ordered = sorted((f for f in fields if f.name in in_path), key=lambda f: in_path.index(f.name))
        ordered += [f for f in fields if f.name not in in_path]
        words = one.cli.split()
        lines.append(f"constexpr std::array<std::string_view, {len(words)}> {one.name}_words = "
                     f"{{{', '.join(cpp.literal(w) for w in words)}}};")
        for f in ordered:
            if f.kind == "enum":
                values = ", ".join(cpp.literal(v) for v in f.named.values)
                lines.append(f"constexpr std::array<std::string_view, {len(f.named.values)}> "
                             f"{one.name}_{f.name}_choices = {{{values}}};")
        if ordered:
            lines.append(f"constexpr std::array<option_info, {len(ordered)}> {one.name}_options = {{{{")
            lines += [_option(one.name, f, in_path) for f in ordered] + ["}};"]
        flags = [getattr(one, k, False) for k in ("paged", "past", "wait")] + [bool(getattr(one, "rows", ""))]
        rows.append("    {" + ", ".join(
            [cpp.literal(one.name), f"{one.name}_words", f"call_kind::{kind}", cpp.literal(one.routes[0].method),
             cpp.literal(one.routes[0].path), f"{one.name}_options" if ordered else "{}"]
            + ["true" if f else "false" for f in flags] + [cpp.literal(one.doc)]) + "},")
    lines += ["", "constexpr std::array<call_info, call_count> calls = {{", *rows, "}};", "", "} // namespace", "",
              "std::span<const call_info> all_calls() noexcept { return calls; }", "", "} // namespace fasti::cli", ""]
    return lines

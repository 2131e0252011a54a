# SPDX-License-Identifier: Apache-2.0
"""adapters/http/routes.gen.{hpp,cpp}: every route as a table and as a tree of path segments."""

from dataclasses import dataclass, field

import cpp
from model import Route

VERBS = {"GET": "method::get", "PUT": "method::put", "POST": "method::post", "PATCH": "method::patch",
         "DELETE": "method::delete_"}


@dataclass
class Entry:
    """One method of one pattern."""
    operation: str
    kind: str
    route: Route
    permission: str
    command: str  # of kind command
    doc: str


@dataclass
class Node:
    literals: dict = field(default_factory=dict)
    capture: "Node | None" = None
    tail: "Node | None" = None
    entries: list = field(default_factory=list)
    index: int = 0
    first_literal: int = 0
    first_entry: int = 0


FIXED = (Entry("run_command", "any_command", Route("POST", "/v1/commands/{command}"), "", "",
               "Any command by its name."),
         Entry("run_commands", "batch", Route("POST", "/v1/commands"), "", "", "Many commands in one request."))


def entries(model):
    found = []
    for one in model.commands:
        found += [Entry(one.name, "command", r, one.permission, one.name, one.doc) for r in one.routes]
    for one in model.queries:
        found += [Entry(one.name, "query", r, one.permission, "", one.doc) for r in one.routes]
    for one in model.pages:
        found += [Entry(one.name, "page", r, "", "", one.doc) for r in one.routes]
    return found + list(FIXED)


def operations(model):
    """Names in the order of the enumeration, commands first."""
    seen = []
    for entry in entries(model):
        if entry.operation not in seen:
            seen.append(entry.operation)
    return seen


def build_tree(found):
    root = Node()
    for entry in found:
        node = root
        for segment in entry.route.segments:
            if segment.endswith("*}"):
                node.tail = node.tail or Node()
                node = node.tail
            elif segment.startswith("{"):
                node.capture = node.capture or Node()
                node = node.capture
            else:
                node = node.literals.setdefault(segment, Node())
        node.entries.append(entry)
    return root


def flatten(root):
    """Nodes breadth-first, numbered; also their literals and entries in that order."""
    nodes, literals, ordered = [root], [], []
    for node in nodes:
        node.index = nodes.index(node)
        node.first_literal, node.first_entry = len(literals), len(ordered)
        literals += sorted(node.literals.items())
        ordered += sorted(node.entries, key=lambda e: e.route.method)
        nodes += [child for _, child in sorted(node.literals.items())]
        nodes += [child for child in (node.capture, node.tail) if child]
    return nodes, literals, ordered


def allow(node):
    methods = {e.route.method for e in node.entries}
    if "GET" in methods:
        methods.add("HEAD")
    return ", ".join(sorted(methods))


def emit(model):
    found = entries(model)
    sources = ", ".join(c.source for c in model.contexts)
    nodes, literals, ordered = flatten(build_tree(found))
    most = max(len(e.route.params) for e in found)
    return {"adapters/http/routes.gen.hpp": _header(model, sources, most),
            "adapters/http/routes.gen.cpp": _source(model, sources, (nodes, literals, ordered))}


def _header(model, sources, most):
    names = operations(model)
    return cpp.head(sources, header=True) + [
        "//! Every route of the server, from the declarations.", "",
        '#include "adapters/http/request.hpp"', '#include "domain/wire/commands.gen.hpp"', "",
        "#include <array>", "#include <cstdint>", "#include <optional>", "#include <span>", "#include <string_view>",
        "", "namespace fasti::http {", "", "//! What a route is for: a command, a query or a page by its declared name.",
        "enum class operation : std::uint16_t {", *[f"    {n}," for n in names], "};",
        f"inline constexpr std::size_t operation_count = {len(names)};",
        "std::string_view to_name(operation value) noexcept;", "",
        "enum class route_kind : std::uint8_t {",
        "    command,     //!< one declared command", "    query,", "    page,        //!< public",
        "    any_command, //!< the command's name is captured", "    batch,", "};", "",
        f"inline constexpr std::size_t route_captures_max = {most};", "",
        "struct route {", "    operation what;", "    route_kind kind;", "    method verb;",
        "    command_type command;        //!< of kind command",
        "    std::string_view pattern;", "    std::string_view permission; //!< empty: public, or decided by the command",
        "    std::array<std::string_view, route_captures_max> captures;", "};", "",
        "std::span<const route> all_routes() noexcept;", "",
        "//! One place in the tree of segments; 0 as a child is none (0 is the root).",
        "struct trie_node {", "    std::uint16_t first_literal;", "    std::uint16_t literal_count;",
        "    std::uint16_t capture;", "    std::uint16_t tail;", "    std::uint16_t first_route;",
        "    std::uint16_t route_count;", "    std::string_view allow;", "};", "",
        "const trie_node& trie_node_at(std::uint16_t index) noexcept;",
        "std::optional<std::uint16_t> trie_literal(const trie_node& of, std::string_view segment) noexcept;",
        "std::span<const route> trie_routes(const trie_node& of) noexcept;", "",
        "} // namespace fasti::http", ""]


def _route_row(entry):
    captures = ", ".join(cpp.literal(p) for p in entry.route.params)
    command = f"command_type::{entry.command}" if entry.command else "command_type{}"
    return (f"    {{operation::{entry.operation}, route_kind::{entry.kind}, {VERBS[entry.route.method]}, {command}, "
            f"{cpp.literal(entry.route.path)}, {cpp.literal(entry.permission)}, {{{captures}}}}},")


def _source(model, sources, tree):
    nodes, literals, ordered = tree
    lines = cpp.head(sources) + ['#include "adapters/http/routes.gen.hpp"', "", "namespace fasti::http {", "namespace {",
                                 "", f"constexpr std::array<route, {len(ordered)}> routes = {{{{"]
    lines += [_route_row(entry) for entry in ordered]
    lines += ["}};", "", "struct literal {", "    std::string_view text;", "    std::uint16_t node;", "};", "",
              f"constexpr std::array<literal, {len(literals)}> literals = {{{{"]
    lines += [f"    {{{cpp.literal(text)}, {child.index}}}," for text, child in literals]
    lines += ["}};", "", f"constexpr std::array<trie_node, {len(nodes)}> nodes = {{{{"]
    for node in nodes:
        lines.append(f"    {{{node.first_literal}, {len(node.literals)}, {node.capture.index if node.capture else 0}, "
                     f"{node.tail.index if node.tail else 0}, {node.first_entry}, {len(node.entries)}, "
                     f"{cpp.literal(allow(node))}}},")
    lines += ["}};", "", f"constexpr std::array<std::string_view, operation_count> names = {{"]
    lines += [f"    {cpp.literal(n)}," for n in operations(model)]
    return lines + [
        "};", "", "} // namespace", "",
        "std::string_view to_name(operation value) noexcept { return names[static_cast<std::size_t>(value)]; }",
        "std::span<const route> all_routes() noexcept { return routes; }",
        "const trie_node& trie_node_at(std::uint16_t index) noexcept { return nodes[index]; }", "",
        "std::optional<std::uint16_t> trie_literal(const trie_node& of, std::string_view segment) noexcept {",
        "    for (const literal& one : std::span(literals).subspan(of.first_literal, of.literal_count)) {",
        "        if (one.text == segment) { return one.node; }", "    }", "    return std::nullopt;", "}", "",
        "std::span<const route> trie_routes(const trie_node& of) noexcept {",
        "    return std::span(routes).subspan(of.first_route, of.route_count);", "}", "",
        "} // namespace fasti::http", ""]

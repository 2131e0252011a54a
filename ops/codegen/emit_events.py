# SPDX-License-Identifier: Apache-2.0
"""domain/wire/events.gen.{hpp,cpp}: all event types of all contexts, and dispatch from stored bytes."""

import cpp


def by_length(names):
    """Names grouped by length, shortest first."""
    groups = {}
    for name in names:
        groups.setdefault(len(name), []).append(name)
    return sorted(groups.items())


def emit(model):
    contexts = [c for c in model.contexts if c.events]
    sources = ", ".join(c.source for c in contexts)
    return {"domain/wire/events.gen.hpp": _header(model, contexts, sources),
            "domain/wire/events.gen.cpp": _source(model, contexts, sources)}


def _header(model, contexts, sources):
    events = model.events
    lines = cpp.head(sources, header=True)
    lines += ["//! Every event type there is, and the way from stored bytes to a typed visitor.", ""]
    lines += [f'#include "domain/wire/{c.name}_stored.gen.hpp"' for c in contexts]
    lines += ['#include "domain/wire/json_writer.hpp"']
    lines += ["", "#include <cstddef>", "#include <cstdint>", "#include <optional>", "#include <string_view>",
              "#include <utility>", "", "namespace fasti {", "",
              "//! Numbers are not stored and may change; the name is what a log keeps.",
              "enum class event_type : std::uint16_t {"]
    lines += [f"    {e.name}," for e in events]
    lines += ["};", f"inline constexpr std::size_t event_type_count = {len(events)};", "",
              "std::string_view to_name(event_type type) noexcept;",
              "std::optional<event_type> event_type_from_name(std::string_view name) noexcept;", "",
              "enum class decode_status : std::uint8_t { ok, unknown_type, unknown_revision, malformed };",
              "std::string_view to_name(decode_status status) noexcept;", "",
              "//! One event of each type to decode into, so that lists keep their room from event to event.",
              "struct event_scratch {"]
    lines += [f"    {e.context}::{e.name} {e.name} = {{}};" for e in events]
    lines += ["};", "", "namespace wire {", "",
              "template <class Event, class Visitor>",
              "decode_status visit_as(std::uint32_t revision, std::string_view data, Event& scratch, Visitor& visitor) {",
              "    if (revision == 0 || revision > Event::revision_now) { return decode_status::unknown_revision; }",
              "    if (!decode(data, revision, scratch)) { return decode_status::malformed; }",
              "    visitor(std::as_const(scratch));", "    return decode_status::ok;", "}", "",
              "} // namespace wire", "",
              "//! Decodes and calls `visitor(const <context>::<event>&)`; the event is borrowed for the call.",
              "template <class Visitor>",
              "decode_status visit_event(event_type type, std::uint32_t revision, std::string_view data,",
              "                          event_scratch& scratch, Visitor&& visitor) {", "    switch (type) {"]
    lines += [f"    case event_type::{e.name}: return wire::visit_as(revision, data, scratch.{e.name}, visitor);"
              for e in events]
    lines += ["    }", "    return decode_status::unknown_type;", "}", "",
              "//! The same by name.", "template <class Visitor>",
              "decode_status visit_event(std::string_view type, std::uint32_t revision, std::string_view data,",
              "                          event_scratch& scratch, Visitor&& visitor) {",
              "    const std::optional<event_type> known = event_type_from_name(type);",
              "    if (!known) { return decode_status::unknown_type; }",
              "    return visit_event(*known, revision, data, scratch, visitor);", "}", "",
              "//! The event's data as a JSON object.",
              "decode_status write_event_json(std::string_view type, std::uint32_t revision, std::string_view data,",
              "                               event_scratch& scratch, json_writer& out);", "",
              "} // namespace fasti", ""]
    return lines


def _source(model, contexts, sources):
    events = model.events
    lines = cpp.head(sources) + ['#include "domain/wire/events.gen.hpp"', ""]
    lines += [f'#include "domain/wire/{c.name}_json.gen.hpp"' for c in contexts]
    lines += ["", "namespace fasti {", "", "std::string_view to_name(event_type type) noexcept {",
              "    switch (type) {"]
    lines += [f"    case event_type::{e.name}: return {cpp.literal(e.name)};" for e in events]
    lines += ["    }", "    return {};", "}", "",
              "std::optional<event_type> event_type_from_name(std::string_view name) noexcept {",
              "    switch (name.size()) {"]
    for length, names in by_length([e.name for e in events]):
        lines.append(f"    case {length}:")
        lines += [f"        if (name == {cpp.literal(n)}) {{ return event_type::{n}; }}" for n in names]
        lines.append("        break;")
    lines += ["    default: break;", "    }", "    return std::nullopt;", "}", "",
              "std::string_view to_name(decode_status status) noexcept {", "    switch (status) {"]
    for name in ("ok", "unknown_type", "unknown_revision", "malformed"):
        lines.append(f'    case decode_status::{name}: return "{name}";')
    return lines + ["    }", "    return {};", "}", "",
                    "decode_status write_event_json(std::string_view type, std::uint32_t revision, "
                    "std::string_view data,",
                    "                               event_scratch& scratch, json_writer& out) {",
                    "    return visit_event(type, revision, data, scratch, "
                    "[&out](const auto& event) { write_json(out, event); });", "}", "", "} // namespace fasti", ""]

# SPDX-License-Identifier: Apache-2.0
"""Reads domain/*/*.toml into the model, and refuses what does not fit: no emitter reads TOML.

All faults of a run are collected and told together, each with file and place.
"""

import re
import tomllib
from pathlib import Path

import patterns
from field_reader import BUILTIN, FieldReader
from linker import Linker
from model import Command, Context, Error, Event, Model, Page, Query, Record, Row, Stream, Type, View


class DeclarationError(Exception):
    """All faults found, one a line."""


KEYS = {
    "type": {"base", "pattern", "min_bytes", "max_bytes", "enum", "field", "doc"},
    "stream": {"pattern", "doc"},
    "permission": {"doc"},
    "error": {"status", "retry", "doc"},
    "command": {"doc", "stream", "permission", "http", "cli", "emits", "may_fail", "internal", "record", "field",
                "answer"},
    "event": {"revision", "doc", "stream", "field", "history"},
    "view": {"doc", "row", "fold"},
    "row": {"doc", "field"},
    "record": {"doc", "event", "same", "change"},
    "query": {"doc", "permission", "http", "cli", "row", "rows", "paged", "past", "wait", "answer", "list", "may_fail",
              "stream", "param"},
    "page": {"doc", "http"},
}
BASE_SECTIONS = {"error"}


class Loader(FieldReader):
    def __init__(self, root):
        super().__init__()
        self.root = Path(root)

    # ------------------------------------------------------------ sections

    def load_types(self, context, tables):
        source = context.source
        for name, value in tables.items():
            where = f"type.{name}"
            self.name(source, where, name)
            if name in BUILTIN:
                self.fault(source, where, "is the name of a built-in type")
            if not self.table(source, where, value, KEYS["type"]):
                continue
            shapes = [key for key in ("base", "enum", "field") if key in value]
            if len(shapes) != 1:
                self.fault(source, where, "needs exactly one of `base`, `enum`, `field`")
                continue
            kind = {"base": "text", "enum": "enum", "field": "struct"}[shapes[0]]
            one = Type(name=name, kind=kind, doc=value.get("doc", ""), context=context.name,
                       values=[] if value.get("enum") == "views" else value.get("enum", []),
                       of_views=value.get("enum") == "views", min_bytes=value.get("min_bytes"),
                       max_bytes=value.get("max_bytes"), pattern=value.get("pattern"))
            if kind == "text" and value["base"] != "text":
                self.fault(source, where, "`base` can only be `text`")
            if one.pattern is not None:
                self.load_pattern(source, where, one)
            for entry in one.values:
                self.name(source, where, entry)
            if len(set(one.values)) != len(one.values):
                self.fault(source, where, "an enum value stands twice")
            context.types[name] = one
        for name, value in tables.items():
            if isinstance(value, dict) and "field" in value:
                context.types[name].fields = self.fields(source, f"type.{name}.field", context, value["field"])

    def load_pattern(self, source, where, one):
        try:
            one.atoms = patterns.parse_pattern(one.pattern)
        except patterns.PatternError as fault:
            self.fault(source, where, f"pattern: {fault}")
            return
        longest = patterns.longest(one.atoms)
        if one.max_bytes is None:
            one.max_bytes = longest
        if one.min_bytes is None:
            one.min_bytes = patterns.shortest(one.atoms)

    def load_errors(self, source, tables, context, into):
        for name, value in tables.items():
            where = f"error.{name}"
            self.name(source, where, name)
            if not self.table(source, where, value, KEYS["error"], needed=("status", "retry", "doc")):
                continue
            status, retry = value.get("status", 500), value.get("retry", "never")
            if not isinstance(status, int) or not 400 <= status <= 599:
                self.fault(source, where, f"status {status} is no HTTP error status")
            if retry not in ("never", "same", "fresh"):
                self.fault(source, where, f"retry `{retry}` is not never, same or fresh")
            into[name] = Error(name, status, retry, value.get("doc", ""), context)

    def load_streams(self, context, tables):
        for name, value in tables.items():
            where = f"stream.{name}"
            self.name(context.source, where, name)
            if self.table(context.source, where, value, KEYS["stream"], needed=("pattern", "doc")):
                if not re.fullmatch(r"[a-z_]+(/\{[a-z_]+\})*", value.get("pattern", "")):
                    self.fault(context.source, where, "pattern is `kind/{field}/{field}`")
                context.streams[name] = Stream(name, value.get("pattern", ""), value.get("doc", ""))

    def load_commands(self, context, tables):
        source = context.source
        for name, value in tables.items():
            where = f"command.{name}"
            self.name(source, where, name)
            internal = isinstance(value, dict) and value.get("internal", False)
            needed = ("doc", "emits", "field") if internal else ("doc", "emits", "may_fail", "field", "permission",
                                                                  "http")
            if not self.table(source, where, value, KEYS["command"], needed=needed):
                continue
            if internal and ("http" in value or "cli" in value or "permission" in value):
                self.fault(source, where, "an internal command has no http, cli or permission")
            fields = self.fields(source, f"{where}.field", context, value.get("field", {}), extra=("internal",))
            if not internal:
                self.check_bounds(source, f"{where}.field", fields)
            context.commands[name] = Command(
                name=name, doc=value.get("doc", ""), context=context.name, fields=fields,
                stream=self.stream(context, where, value, fields), permission=value.get("permission", ""),
                routes=self.routes(source, where, value.get("http", [])), cli=value.get("cli", ""),
                emits=value.get("emits", []), may_fail=value.get("may_fail", []), internal=internal,
                record=value.get("record", False), answer=self.answer(source, where, value.get("answer", {})))

    def answer(self, source, place, tables):
        found = []
        for name, value in tables.items():
            where = f"{place}.answer.{name}"
            self.name(source, where, name)
            if self.table(source, where, value, {"type", "doc"}, needed=("type", "doc")):
                if value.get("type") not in ("text", "u32", "instant", "objects"):
                    self.fault(source, where, "type is text, u32, instant or objects")
                found.append((name, value.get("type", ""), value.get("doc", "")))
        return found

    def event_fields(self, context, where, tables):
        fields = self.fields(context.source, where, context, tables, extra=("number", "json", "since"))
        seen = {}
        for one in fields:
            raw = tables[one.name]
            if "number" not in raw:
                self.fault(context.source, f"{where}.{one.name}", "`number` is missing: event numbers are for ever")
            if not isinstance(one.number, int) or not 1 <= one.number <= 2047:
                self.fault(context.source, f"{where}.{one.name}", "number is not within 1 to 2047")
            if one.number in seen:
                self.fault(context.source, f"{where}.{one.name}",
                           f"number {one.number} is already that of `{seen[one.number]}`")
            if one.kind in ("list", "labels") and one.optional:
                self.fault(context.source, f"{where}.{one.name}", "a list of an event is not optional")
            if one.kind == "bytes" and one.json:
                self.fault(context.source, f"{where}.{one.name}", "bytes have no JSON form: say `json = false`")
            seen[one.number] = one.name
        return fields

    def load_events(self, context, tables):
        source = context.source
        for name, value in tables.items():
            where = f"event.{name}"
            self.name(source, where, name)
            if not self.table(source, where, value, KEYS["event"], needed=("revision", "doc", "field")):
                continue
            revision = value.get("revision", 1)
            fields = self.event_fields(context, f"{where}.field", value.get("field", {}))
            history = {}
            for old, table in value.get("history", {}).items():
                place = f"{where}.history.{old}"
                if self.table(source, place, table, {"field"}, needed=("field",)) and old.isdigit():
                    history[int(old)] = self.event_fields(context, f"{place}.field", table.get("field", {}))
            if not isinstance(revision, int) or revision < 1:
                self.fault(source, where, "revision begins at 1")
            told = set(history)
            if isinstance(revision, int):
                self.history_of_additions(source, where, fields, history, revision)
            self.check_numbers(source, where, fields, history)
            context.events[name] = Event(name=name, doc=value.get("doc", ""), context=context.name,
                                         revision=revision, fields=fields, history=history,
                                         only_added=set(history) - told,
                                         stream=self.stream(context, where, value, fields))

    def history_of_additions(self, source, where, fields, history, revision):
        """Revisions that `since` tells: today's fields without those that came later."""
        for one in fields:
            if not isinstance(one.since, int) or not 1 <= one.since <= revision:
                self.fault(source, where, f"`{one.name}`: since is not within 1 to {revision}, the revision now")
                return
        if any(not 1 <= old < revision for old in history):
            self.fault(source, where, f"a history is of a revision before {revision}")
        for old in range(1, revision):
            then = [one for one in fields if one.since <= old]
            if old in history:
                continue
            if len(then) == len(fields) or any(later > old for later in history):
                self.fault(source, where, f"revision {revision} needs a history of each revision before it, or `since` "
                                          "at the fields that were added")
                return
            history[old] = then

    def check_numbers(self, source, where, fields, history):
        """A number keeps its meaning over all revisions: same name, same kind."""
        meaning = {}
        for revision in sorted(history) + [None]:
            for one in history[revision] if revision is not None else fields:
                is_now = (one.name, one.kind, one.type_name)
                if meaning.setdefault(one.number, is_now) != is_now:
                    self.fault(source, where, f"field number {one.number} is reused: it was "
                                              f"`{meaning[one.number][0]}` of type {meaning[one.number][2]}")

    def load_rows(self, context, tables):
        for name, value in tables.items():
            where = f"row.{name}"
            self.name(context.source, where, name)
            if self.table(context.source, where, value, KEYS["row"], needed=("doc", "field")):
                fields = self.fields(context.source, f"{where}.field", context, value.get("field", {}),
                                     extra=("json",))
                context.rows[name] = Row(name, value.get("doc", ""), context.name, fields)

    def load_records(self, context, tables):
        for name, value in tables.items():
            where = f"record.{name}"
            self.name(context.source, where, name)
            if self.table(context.source, where, value, KEYS["record"], needed=("doc", "event", "same")):
                context.records[name] = Record(name, value.get("doc", ""), context.name, value.get("event", ""),
                                               value.get("same", []), value.get("change", ""))

    def load_views(self, context, tables):
        for name, value in tables.items():
            where = f"view.{name}"
            self.name(context.source, where, name)
            if self.table(context.source, where, value, KEYS["view"], needed=("doc", "row")):
                if value.get("row") not in context.rows:
                    self.fault(context.source, where, f"row `{value.get('row')}` is unknown")
                context.views[name] = View(name, value.get("doc", ""), context.name, value.get("row", ""),
                                           value.get("fold", ""))

    def load_queries(self, context, tables):
        source = context.source
        for name, value in tables.items():
            where = f"query.{name}"
            self.name(source, where, name)
            if not self.table(source, where, value, KEYS["query"], needed=("doc", "permission", "http", "param")):
                continue
            params = self.fields(source, f"{where}.param", context, value.get("param", {}), extra=("repeated",))
            self.check_bounds(source, f"{where}.param", params)
            if any(one.kind in ("list", "labels") for one in params):
                self.fault(source, where, "a parameter is plain or `repeated`, no list")
            for key in ("row", "rows"):
                if key in value and value[key] not in context.rows:
                    self.fault(source, where, f"{key} `{value[key]}` is unknown")
            if ("rows" in value) != ("list" in value):
                self.fault(source, where, "`rows` and `list`, the name of the member that holds them, go together")
            if value.get("wait") and not value.get("past"):
                self.fault(source, where, "`wait` needs `past`: only what is answered from views can be waited for")
            wait = value.get("wait", False)
            if isinstance(wait, str) and not self.names_text_param(wait, params):
                self.fault(source, where, "`wait` is true, or names a text parameter: \"{service}\" or \"{prefix}*\"")
            answers = [key for key in ("row", "rows", "answer") if key in value]
            if not answers:
                self.fault(source, where, "needs one of `row`, `rows`, `answer`")
            if value.get("answer", "document") not in ("document", "event", "events", "report", "stream"):
                self.fault(source, where, "answer is document, event, events, report or stream")
            context.queries[name] = Query(
                name=name, doc=value.get("doc", ""), context=context.name, params=params,
                permission=value.get("permission", ""), routes=self.routes(source, where, value.get("http", [])),
                cli=value.get("cli", ""), row=value.get("row", ""), rows=value.get("rows", ""),
                paged=value.get("paged", False), past=value.get("past", False), wait=bool(wait),
                watched=wait if isinstance(wait, str) else "",
                answer=value.get("answer", ""), list_name=value.get("list", ""), may_fail=value.get("may_fail", []),
                stream=self.stream(context, where, value, params))

    def names_text_param(self, text, params):
        named = re.fullmatch(r"\{([a-z_]+)\}\*?", text)
        return named and any(one.name == named[1] and one.kind == "text" and not one.repeated for one in params)

    def load_pages(self, context, tables):
        for name, value in tables.items():
            where = f"page.{name}"
            self.name(context.source, where, name)
            if self.table(context.source, where, value, KEYS["page"], needed=("doc", "http")):
                context.pages[name] = Page(name, value.get("doc", ""), context.name,
                                           self.routes(context.source, where, value.get("http", [])))

    # ------------------------------------------------------------ whole files

    def read(self, path):
        try:
            return tomllib.loads(path.read_text(encoding="utf-8"))
        except tomllib.TOMLDecodeError as fault:
            self.faults.append(f"{path.relative_to(self.root)}: {fault}")
            return {}

    def load_context(self, path):
        source = str(path.relative_to(self.root))
        tables = self.read(path)
        for key in tables:
            if key not in KEYS and key not in ("context", "doc"):
                self.fault(source, key, "unknown section")
        context = Context(tables.get("context", ""), tables.get("doc", ""), source)
        if context.name != path.stem:
            self.fault(source, "context", f"must be \"{path.stem}\", as the file is called")
        self.load_types(context, tables.get("type", {}))
        self.load_streams(context, tables.get("stream", {}))
        for name, value in tables.get("permission", {}).items():
            if not re.fullmatch(r"[a-z_]+:([a-z_]+|\*)", name):
                self.fault(source, f"permission.{name}", "is `area:action`")
            if self.table(source, f"permission.{name}", value, KEYS["permission"]):
                context.permissions[name] = value.get("doc", "")
        self.load_errors(source, tables.get("error", {}), context.name, context.errors)
        self.load_commands(context, tables.get("command", {}))
        self.load_events(context, tables.get("event", {}))
        self.load_rows(context, tables.get("row", {}))
        self.load_records(context, tables.get("record", {}))
        self.load_views(context, tables.get("view", {}))
        self.load_queries(context, tables.get("query", {}))
        self.load_pages(context, tables.get("page", {}))
        return context

    def version(self):
        path = self.root / "CMakeLists.txt"
        found = re.search(r"project\(\w+ VERSION ([0-9.]+)", path.read_text(encoding="utf-8")) if path.is_file() else None
        return found[1] if found else "0.0.0"

    def load(self):
        base_path = self.root / "domain/base/base.toml"
        base = self.read(base_path)
        for key in base:
            if key not in BASE_SECTIONS:
                self.fault("domain/base/base.toml", key, "unknown section")
        base_errors = {}
        self.load_errors("domain/base/base.toml", base.get("error", {}), "base", base_errors)
        paths = [p for p in sorted(self.root.glob("domain/*/*.toml")) if p != base_path]
        model = Model(base_errors, [self.load_context(path) for path in paths], self.version())
        Linker(self, model).link()
        if self.faults:
            raise DeclarationError("\n".join(self.faults))
        return model


def load(root):
    """The checked model of all declarations under root, or DeclarationError."""
    return Loader(root).load()

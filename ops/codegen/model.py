# SPDX-License-Identifier: Apache-2.0
"""Declarations as data: reads domain/*/*.toml, refuses what does not fit, resolves names.

Everything the emitters need is in the classes below; no emitter reads TOML. All faults of a run are
collected and told together, each with file and place.
"""

import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

import patterns

BUILTIN = ("text", "bytes", "bool", "u16", "u32", "u64", "instant", "list", "labels")
INTEGERS = {"u16": 2**16 - 1, "u32": 2**32 - 1, "u64": 2**64 - 1}
NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*\Z")
METHODS = ("GET", "PUT", "POST", "PATCH", "DELETE")
CPP_KEYWORDS = set("""alignas alignof and asm auto bitand bitor bool break case catch char class compl concept
const constexpr continue decltype default delete do double else enum explicit export extern false float for friend
goto if inline int long mutable namespace new noexcept not nullptr operator or private protected public register
requires return short signed sizeof static struct switch template this throw true try typedef typeid typename union
unsigned using virtual void volatile wchar_t while xor state""".split())


class DeclarationError(Exception):
    """All faults found, one a line."""


@dataclass
class Type:
    name: str
    kind: str  # text, enum, struct
    doc: str
    context: str
    values: list = field(default_factory=list)
    of_views: bool = False  # an enum of all declared views
    fields: list = field(default_factory=list)
    pattern: str | None = None
    atoms: list | None = None
    min_bytes: int | None = None
    max_bytes: int | None = None


@dataclass
class Field:
    name: str
    kind: str  # text bytes bool u16 u32 u64 instant list labels enum struct
    type_name: str
    doc: str
    number: int
    named: Type | None = None  # the declared type of a text, enum or struct field
    item: "Field | None" = None  # of a list
    optional: bool = False
    repeated: bool = False  # query parameters only
    internal: bool = False
    json: bool = True
    since: int = 1  # event fields only: the revision that brought it
    default: object = None
    min: int | None = None
    max: int | None = None
    min_bytes: int | None = None
    max_bytes: int | None = None
    min_items: int | None = None
    max_items: int | None = None
    max_key_bytes: int | None = None
    max_value_bytes: int | None = None

    @property
    def required(self):
        return not (self.optional or self.repeated or self.internal or self.default is not None
                    or (self.kind in ("list", "labels") and not self.min_items))


@dataclass
class Route:
    method: str
    path: str

    @property
    def segments(self):
        return self.path.strip("/").split("/") if self.path != "/" else []

    @property
    def params(self):
        return [s[1:-1].rstrip("*") for s in self.segments if s.startswith("{")]

    @property
    def tail(self):
        return bool(self.segments) and self.segments[-1].endswith("*}")

    def shape(self):
        """Two routes of one shape cannot be told apart."""
        return self.method, tuple("{}" if s.startswith("{") else s for s in self.segments)


@dataclass
class Stream:
    name: str
    pattern: str
    doc: str

    @property
    def pieces(self):
        """Literal texts and {fields} in turn."""
        return [p for p in re.split(r"(\{[a-z_]+\})", self.pattern) if p]

    @property
    def params(self):
        return [p[1:-1] for p in self.pieces if p.startswith("{")]


@dataclass
class Error:
    name: str
    status: int
    retry: str
    doc: str
    context: str


@dataclass
class Command:
    name: str
    doc: str
    context: str
    fields: list
    stream: Stream | None
    permission: str
    routes: list
    cli: str
    emits: list
    may_fail: list
    internal: bool
    record: bool
    answer: list  # members that its answer has beside outcome, position and events; told, not generated


@dataclass
class Event:
    name: str
    doc: str
    context: str
    revision: int
    fields: list
    history: dict  # revision -> fields
    only_added: set  # revisions that lack fields of today and differ in nothing else: their upcast is generated
    stream: Stream | None = None


@dataclass
class Row:
    name: str
    doc: str
    context: str
    fields: list


@dataclass
class View:
    name: str
    doc: str
    context: str
    row: str
    fold: str  # its class; empty: folded together with others


@dataclass
class Query:
    name: str
    doc: str
    context: str
    params: list
    permission: str
    routes: list
    cli: str
    row: str
    rows: str
    paged: bool
    past: bool
    wait: bool
    answer: str
    list_name: str  # the member that holds the rows of a list
    may_fail: list
    stream: Stream | None = None  # that alone decides the answer


@dataclass
class Page:
    name: str
    doc: str
    context: str
    routes: list


@dataclass
class Context:
    name: str
    doc: str
    source: str
    types: dict = field(default_factory=dict)
    streams: dict = field(default_factory=dict)
    permissions: dict = field(default_factory=dict)
    errors: dict = field(default_factory=dict)
    commands: dict = field(default_factory=dict)
    events: dict = field(default_factory=dict)
    views: dict = field(default_factory=dict)
    rows: dict = field(default_factory=dict)
    queries: dict = field(default_factory=dict)
    pages: dict = field(default_factory=dict)


@dataclass
class Model:
    base_errors: dict
    contexts: list
    version: str = ""  # of the project, as CMakeLists.txt says

    @property
    def errors(self):
        found = list(self.base_errors.values())
        for context in self.contexts:
            found += context.errors.values()
        return found

    @property
    def commands(self):
        return [c for context in self.contexts for c in context.commands.values()]

    @property
    def events(self):
        return [e for context in self.contexts for e in context.events.values()]

    @property
    def queries(self):
        return [q for context in self.contexts for q in context.queries.values()]

    @property
    def pages(self):
        return [p for context in self.contexts for p in context.pages.values()]

    @property
    def permissions(self):
        return {name: doc for context in self.contexts for name, doc in context.permissions.items()}


FIELD_KEYS = {"type", "of", "doc", "optional", "default", "min", "max", "min_bytes", "max_bytes", "min_items",
              "max_items", "max_key_bytes", "max_value_bytes"}
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
    "query": {"doc", "permission", "http", "cli", "row", "rows", "paged", "past", "wait", "answer", "list", "may_fail",
              "stream", "param"},
    "page": {"doc", "http"},
}
BASE_SECTIONS = {"error"}


class Loader:
    def __init__(self, root):
        self.root = Path(root)
        self.faults = []

    def fault(self, source, place, what):
        self.faults.append(f"{source}: [{place}] {what}")

    # ------------------------------------------------------------ small checks

    def table(self, source, place, value, allowed, needed=("doc",)):
        if not isinstance(value, dict):
            self.fault(source, place, "must be a table")
            return False
        for key in value:
            if key not in allowed:
                self.fault(source, place, f"unknown key `{key}`; known: {', '.join(sorted(allowed))}")
        for key in needed:
            if key not in value:
                self.fault(source, place, f"`{key}` is missing")
        return True

    def name(self, source, place, name):
        if not NAME.match(name):
            self.fault(source, place, f"`{name}` is not snake_case")
        elif name in CPP_KEYWORDS:
            self.fault(source, place, f"`{name}` is a C++ keyword or taken")

    def routes(self, source, place, value):
        found = []
        for text in [value] if isinstance(value, str) else value:
            method, _, path = text.partition(" ")
            if method not in METHODS or not path.startswith("/"):
                self.fault(source, place, f"http `{text}` is not `METHOD /path`")
                continue
            route = Route(method, path)
            for i, segment in enumerate(route.segments):
                is_param = re.fullmatch(r"\{[a-z][a-z0-9_]*\*?\}", segment)
                if not is_param and not re.fullmatch(r"[A-Za-z0-9._~-]+", segment):
                    self.fault(source, place, f"http `{text}`: segment `{segment}` is not understood")
                if segment.endswith("*}") and i + 1 != len(route.segments):
                    self.fault(source, place, f"http `{text}`: a tail stands last")
            found.append(route)
        return found

    # ------------------------------------------------------------ fields

    def one_type(self, source, place, context, name):
        """Kind and declared type of a type name; ('', None) after telling a fault."""
        if name in BUILTIN:
            return name, None
        if name in context.types:
            return context.types[name].kind, context.types[name]
        self.fault(source, place, f"type `{name}` is unknown")
        return "", None

    def fields(self, source, place, context, tables, extra=()):
        found = []
        for number, (name, value) in enumerate(tables.items(), start=1):
            where = f"{place}.{name}"
            self.name(source, where, name)
            if not self.table(source, where, value, FIELD_KEYS | set(extra), needed=("type",)):
                continue
            one = self.one_field(source, where, context, (name, number, value))
            if one:
                found.append(one)
        return found

    def one_field(self, source, where, context, what):
        name, number, value = what
        kind, named = self.one_type(source, where, context, value.get("type", "text"))
        if not kind:
            return None
        one = Field(name=name, kind=kind, type_name=value.get("type", "text"), doc=value.get("doc", ""),
                    number=value.get("number", number), named=named)
        for key in ("optional", "repeated", "internal", "json", "since", "default", "min", "max", "min_bytes", "max_bytes",
                    "min_items", "max_items", "max_key_bytes", "max_value_bytes"):
            if key in value:
                setattr(one, key, value[key])
        if named and kind == "text":
            one.min_bytes = one.min_bytes if one.min_bytes is not None else named.min_bytes
            one.max_bytes = one.max_bytes if one.max_bytes is not None else named.max_bytes
        if kind == "list":
            item_kind, item_type = self.one_type(source, where, context, value.get("of", ""))
            if item_kind not in ("text", "struct"):
                self.fault(source, where, "a list needs `of`, which is a kind of text or a declared struct")
                return None
            one.item = Field(name=name, kind=item_kind, type_name=value["of"], doc="", number=1, named=item_type)
            if item_type and item_kind == "text":
                one.item.min_bytes, one.item.max_bytes = item_type.min_bytes, item_type.max_bytes
        elif "of" in value:
            self.fault(source, where, "`of` is for lists")
        self.check_limits(source, where, one, value)
        return one

    def check_limits(self, source, where, one, value):
        fits = {"min": INTEGERS, "max": INTEGERS, "min_bytes": ("text", "bytes"), "max_bytes": ("text", "bytes"),
                "min_items": ("list", "labels"), "max_items": ("list", "labels"), "max_key_bytes": ("labels",),
                "max_value_bytes": ("labels",)}
        for key, kinds in fits.items():
            if key in value and one.kind not in kinds:
                self.fault(source, where, f"`{key}` does not fit type `{one.type_name}`")
        if one.kind in INTEGERS:
            for key in ("min", "max", "default"):
                limit = value.get(key, 0)
                if not isinstance(limit, int) or isinstance(limit, bool) or not 0 <= limit <= INTEGERS[one.kind]:
                    self.fault(source, where, f"`{key}` is out of range for {one.kind}")
        if one.optional and one.default is not None:
            self.fault(source, where, "a field is optional or has a default, not both")
        if one.repeated and one.kind in ("list", "labels", "struct"):
            self.fault(source, where, "a repeated parameter is of a plain type")

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

    def stream(self, context, where, value, fields):
        name = value.get("stream")
        if name is None:
            return None
        if name not in context.streams:
            self.fault(context.source, where, f"stream `{name}` is unknown")
            return None
        stream = context.streams[name]
        by_name = {one.name: one for one in fields}
        for param in stream.params:
            if param not in by_name or by_name[param].kind != "text":
                self.fault(context.source, where, f"stream `{name}` needs the text field `{param}`")
        return stream

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

    def check_bounds(self, source, where, fields):
        """What comes from outside is bounded, each field by its own limit."""
        for one in fields:
            needed = {"text": ("max_bytes",), "list": ("max_items",),
                      "labels": ("max_items", "max_key_bytes", "max_value_bytes")}.get(one.kind, ())
            missing = [key for key in needed if getattr(one, key) is None]
            if one.item is not None and one.item.kind == "text" and one.item.max_bytes is None:
                missing.append("max_bytes of its items")
            if missing and not one.internal:
                self.fault(source, f"{where}.{one.name}", f"comes from outside and needs {', '.join(missing)}")
            if one.kind in ("bytes", "instant", "struct") and not one.internal:
                self.fault(source, f"{where}.{one.name}", f"type {one.type_name} is not read from outside")

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
            answers = [key for key in ("row", "rows", "answer") if key in value]
            if not answers:
                self.fault(source, where, "needs one of `row`, `rows`, `answer`")
            if value.get("answer", "document") not in ("document", "event", "events", "report", "stream"):
                self.fault(source, where, "answer is document, event, events, report or stream")
            context.queries[name] = Query(
                name=name, doc=value.get("doc", ""), context=context.name, params=params,
                permission=value.get("permission", ""), routes=self.routes(source, where, value.get("http", [])),
                cli=value.get("cli", ""), row=value.get("row", ""), rows=value.get("rows", ""),
                paged=value.get("paged", False), past=value.get("past", False), wait=value.get("wait", False),
                answer=value.get("answer", ""), list_name=value.get("list", ""), may_fail=value.get("may_fail", []),
                stream=self.stream(context, where, value, params))

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


class Linker:
    """Checks and fills in what needs more than one table."""

    def __init__(self, loader, model):
        self.loader = loader
        self.model = model

    def link(self):
        views = sorted(name for context in self.model.contexts for name in context.views)
        for context in self.model.contexts:
            for one in context.types.values():
                if one.of_views:
                    one.values = views
        self.unique("error", [(e.name, e.context) for e in self.model.errors])
        self.unique("command", [(c.name, c.context) for c in self.model.commands])
        self.unique("event", [(e.name, e.context) for e in self.model.events])
        self.unique("operation", [(o.name, o.context)
                                  for o in self.model.commands + self.model.queries + self.model.pages])
        self.names()
        self.permissions()
        self.events_of_commands()
        self.route_table()
        self.cli_words()

    def fault(self, context, place, what):
        source = next((c.source for c in self.model.contexts if c.name == context), context)
        self.loader.fault(source, place, what)

    def unique(self, what, pairs):
        seen = {}
        for name, context in pairs:
            if name in seen:
                self.fault(context, f"{what}.{name}", f"is declared in {seen[name]} too")
            seen[name] = context

    def names(self):
        """One C++ namespace holds all names of a context."""
        for context in self.model.contexts:
            seen = {}
            for kind, tables in (("type", {n: t for n, t in context.types.items() if t.kind != "text"}),
                                 ("command", context.commands), ("event", context.events), ("row", context.rows)):
                for name in tables:
                    if name in seen:
                        self.fault(context.name, f"{kind}.{name}", f"is the name of a {seen[name]} too")
                    seen[name] = kind

    def permissions(self):
        known = self.model.permissions
        for one in self.model.commands + self.model.queries:
            if one.permission and one.permission not in known:
                self.fault(one.context, one.name, f"permission `{one.permission}` is not declared")
        errors = {e.name for e in self.model.errors}
        for one in self.model.commands + self.model.queries:
            for name in one.may_fail:
                if name not in errors:
                    self.fault(one.context, one.name, f"may_fail names the unknown error `{name}`")

    def events_of_commands(self):
        for context in self.model.contexts:
            for command in context.commands.values():
                for name in command.emits:
                    event = context.events.get(name)
                    if event is None:
                        self.fault(context.name, f"command.{command.name}", f"emits the unknown event `{name}`")
                        continue
                    self.stream_of_event(context, command, event)
                if command.emits and command.stream is None:
                    self.fault(context.name, f"command.{command.name}", "emits events but names no stream")

    def stream_of_event(self, context, command, event):
        if event.stream is None:
            event.stream = command.stream
            if command.stream:
                self.loader.stream(context, f"event.{event.name}", {"stream": command.stream.name}
                                   if command.stream.name in context.streams else {}, event.fields)
        elif command.stream is not None and event.stream.name != command.stream.name:
            self.fault(context.name, f"command.{command.name}",
                       f"emits `{event.name}` into stream `{command.stream.name}`, others into `{event.stream.name}`")

    def route_table(self):
        shapes = {("POST", ("v1", "commands", "{}")): "the generic command route",
                  ("POST", ("v1", "commands")): "the batch route"}
        for one in self.model.commands + self.model.queries + self.model.pages:
            fields = {f.name for f in getattr(one, "fields", getattr(one, "params", []))}
            for route in one.routes:
                if route.shape() in shapes:
                    self.fault(one.context, one.name,
                               f"`{route.method} {route.path}` is the route of {shapes[route.shape()]} too")
                shapes[route.shape()] = f"`{one.name}`"
                for param in route.params:
                    if param not in fields:
                        self.fault(one.context, one.name, f"`{route.path}` captures `{param}`, which is no field")

    def cli_words(self):
        seen = {}
        for one in self.model.commands + self.model.queries:
            if one.cli and one.cli in seen:
                self.fault(one.context, one.name, f"cli `{one.cli}` is that of `{seen[one.cli]}` too")
            seen[one.cli] = one.name


def load(root):
    """The checked model of all declarations under root, or DeclarationError."""
    return Loader(root).load()

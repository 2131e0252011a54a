# SPDX-License-Identifier: Apache-2.0
"""What is declared, as data: all that the emitters know. declarations.py reads it from domain/*/*.toml."""

import re
from dataclasses import dataclass, field

INTEGERS = {"u16": 2**16 - 1, "u32": 2**32 - 1, "u64": 2**64 - 1}


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
class Record:
    name: str
    doc: str
    context: str
    event: str  # whose fields are what is kept
    same: list  # commands, events and rows that have these fields too
    change: str  # the command that gives some of them anew


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
    watched: str  # whose events may change the answer: "{service}", "{prefix}*" by a parameter; empty: anybody's
    answer: str
    list_name: str  # the member that holds the rows of a list
    may_fail: list
    stream: Stream | None = None  # that alone decides the answer

    @property
    def watched_param(self):
        return self.watched.rstrip("*")[1:-1]

    @property
    def takes_after(self):
        return self.answer not in ("document", "report", "stream")

    @property
    def has_etag(self):
        return self.past or self.answer == "event"


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
    records: dict = field(default_factory=dict)
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

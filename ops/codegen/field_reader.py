# SPDX-License-Identifier: Apache-2.0
"""The small parts that every section of a declaration is made of: names, tables, routes, fields and their limits.

Nothing here raises: faults are collected, each with file and place, and told together.
"""

import re

from model import INTEGERS, Field, Route

BUILTIN = ("text", "bytes", "bool", "u16", "u32", "u64", "instant", "list", "labels")
NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*\Z")
METHODS = ("GET", "PUT", "POST", "PATCH", "DELETE")
CPP_KEYWORDS = set("""alignas alignof and asm auto bitand bitor bool break case catch char class compl concept
const constexpr continue decltype default delete do double else enum explicit export extern false float for friend
goto if inline int long mutable namespace new noexcept not nullptr operator or private protected public register
requires return short signed sizeof static struct switch template this throw true try typedef typeid typename union
unsigned using virtual void volatile wchar_t while xor state""".split())
FIELD_KEYS = {"type", "of", "doc", "optional", "default", "min", "max", "min_bytes", "max_bytes", "min_items",
              "max_items", "max_key_bytes", "max_value_bytes"}


class FieldReader:
    def __init__(self):
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

# SPDX-License-Identifier: Apache-2.0
"""What needs more than one declaration: names told twice, names of nothing, routes that cannot be told apart."""


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
        self.records()
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

    def records(self):
        for context in self.model.contexts:
            for one in context.records.values():
                where = f"record.{one.name}"
                structs = {**context.commands, **context.events, **context.rows}
                unknown = [n for n in [one.event, *one.same, *filter(None, [one.change])] if n not in structs]
                for name in unknown:
                    self.fault(context.name, where, f"`{name}` is no command, event or row")
                if not unknown:
                    self.fields_of_record(context, where, one, structs)

    def fields_of_record(self, context, where, one, structs):
        """Everybody named has every field; what a command gives is kept."""
        kept = {f.name: f for f in structs[one.event].fields}
        for name in one.same:
            there = {f.name: f for f in structs[name].fields}
            for field in kept.values():
                if field.name not in there:
                    self.fault(context.name, where, f"`{name}` lacks `{field.name}`, which `{one.event}` has")
                elif (there[field.name].kind, there[field.name].optional) != (field.kind, field.optional):
                    self.fault(context.name, where, f"`{field.name}` is of another type in `{name}` than in "
                                                    f"`{one.event}`, or optional in one of them")
        for name in [n for n in [*one.same, one.change] if n in context.commands]:
            for field in structs[name].fields:
                if field.name not in kept and not field.internal:
                    self.fault(context.name, where, f"`{name}` gives `{field.name}`, which `{one.event}` lacks")
        if one.change in context.commands:
            self.changes_of_record(context, where, one, kept)

    def changes_of_record(self, context, where, one, kept):
        """Whatever is kept can be changed. What a changing command must give only says whom it means."""
        change = context.commands[one.change]
        there = {f.name: f for f in change.fields}
        naming = change.stream.params if change.stream else []
        for field in kept.values():
            if field.name not in there:
                self.fault(context.name, where, f"`{one.change}` lacks `{field.name}`, which `{one.event}` has")
            elif there[field.name].kind != field.kind:
                self.fault(context.name, where, f"`{field.name}` is of another type in `{one.change}` than in "
                                                f"`{one.event}`")
            elif not there[field.name].optional and field.name not in naming:
                self.fault(context.name, where, f"`{field.name}` of `{one.change}` is not optional, so it would not "
                                                "be taken")

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

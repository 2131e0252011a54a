# SPDX-License-Identifier: Apache-2.0
"""docs/reference/openapi.gen.json and the same embedded in adapters/http/openapi.gen.cpp."""

import json

import cpp
import docs
import emit_routes
from model import INTEGERS

JSON = "application/json"
PROBLEM = "application/problem+json"


def ref(section, name):
    return {"$ref": f"#/components/{section}/{name}"}


# ---------------------------------------------------------------- schemas

def _number(one):
    high = one.max if one.max is not None else INTEGERS[one.kind]
    out = {"type": "integer", "minimum": one.min or 0}
    if high < 2**64 - 1:
        out["maximum"] = high
    return out


def _text(one):
    out = {"type": "string"}
    # JSON Schema counts characters; a byte limit is at least that many characters.
    if one.min_bytes:
        out["minLength"] = 1
    if one.max_bytes is not None:
        out["maxLength"] = one.max_bytes
    return out


def schema(one):
    if one.kind in INTEGERS:
        out = _number(one)
    elif one.kind == "text":
        out = ref("schemas", one.type_name) if one.named is not None else _text(one)
    elif one.kind in ("enum", "struct"):
        out = ref("schemas", one.type_name)
    elif one.kind == "bool":
        out = {"type": "boolean"}
    elif one.kind == "instant":
        out = {"type": "string", "format": "date-time"}
    elif one.kind == "labels":
        out = {"type": "object", "additionalProperties": {"type": "string"}}
        if one.max_items is not None:
            out["maxProperties"] = one.max_items
            out["propertyNames"] = {"minLength": 1, "maxLength": one.max_key_bytes}
            out["additionalProperties"]["maxLength"] = one.max_value_bytes
    else:
        out = {"type": "array", "items": schema(one.item)}
        if one.item.kind == "text":
            out["uniqueItems"] = True
        for key, name in (("min_items", "minItems"), ("max_items", "maxItems")):
            if getattr(one, key) is not None:
                out[name] = getattr(one, key)
    if one.default is not None:
        out = {**out, "default": one.default}
    return out


def struct_schema(context, doc, fields, *, closed):
    """`closed`: what the client sends, where unknown members are refused."""
    properties = {}
    for one in fields:
        if one.internal or not one.json:
            continue
        properties[one.name] = schema(one)
        told = docs.field_doc(context, one)
        if told:
            properties[one.name]["description"] = told
    needed = [n for n in properties if _is_needed(next(f for f in fields if f.name == n), closed)]
    out = {"type": "object", "description": doc, "properties": properties}
    if needed:
        out["required"] = needed
    if closed:
        out["additionalProperties"] = False
    if properties:
        out["examples"] = [docs.sample(fields)]
    return out


def _is_needed(one, closed):
    return one.required if closed else not one.optional


def _named_schemas(context):
    out = {}
    for one in context.types.values():
        if one.kind == "enum":
            out[one.name] = {"type": "string", "enum": one.values, "description": one.doc}
        elif one.kind == "text":
            out[one.name] = {"type": "string", "description": one.doc, "minLength": one.min_bytes or 0}
            if one.max_bytes is not None:
                out[one.name]["maxLength"] = one.max_bytes
            if one.pattern:
                out[one.name]["pattern"] = f"^{one.pattern}$"
        else:
            out[one.name] = struct_schema(context, one.doc, one.fields, closed=True)
    return out


def _cloudevent_schema():
    return {
        "type": "object", "description": "An event as CloudEvents 1.0 in JSON; `data` by its type in the event reference.",
        "properties": {
            "specversion": {"type": "string", "const": "1.0"}, "id": {"type": "string"},
            "source": {"type": "string"}, "type": {"type": "string"}, "subject": {"type": "string"},
            "time": {"type": "string", "format": "date-time"}, "datacontenttype": {"type": "string"},
            "position": {"type": "string"}, "epoch": {"type": "string"}, "streamversion": {"type": "string"},
            "revision": {"type": "string", "description": "Of the event's declaration when it was recorded."},
            "chainhash": {"type": "string", "pattern": "^[0-9a-f]{64}$",
                          "description": "SHA-256 over the log up to and with this event."},
            "correlationid": {"type": "string"}, "causationid": {"type": "string"},
            "authtype": {"type": "string", "enum": ["api_key", "system", "unknown"]},
            "authid": {"type": "string"}, "traceparent": {"type": "string"}, "tenant": {"type": "string"},
            "reason": {"type": "string"}, "data": {"type": "object"},
            "data_base64": {"type": "string", "description": "As stored, where this build cannot read it."}},
        "required": ["specversion", "id", "source", "type"]}


def _shared_schemas(model):
    commands = [c.name for c in model.commands if not c.internal]
    return {
        "problem": {
            "type": "object", "description": "RFC 9457: every answer that is neither 2xx nor 304.",
            "properties": {
                "type": {"type": "string", "format": "uri-reference",
                         "description": "The error's place in the reference page."},
                "title": {"type": "string"}, "status": {"type": "integer"}, "detail": {"type": "string"},
                "outcome": {"type": "string", "description": "What a status means as the outcome of a command."},
                "code": {"type": "string", "enum": [e.name for e in model.errors]},
                "retry": {"type": "string", "enum": ["never", "same", "fresh"],
                          "description": "Whether repeating can help: no; the same again later; only after reading anew."},
                "actual_version": {"type": "integer", "description": "Of version conflicts: where the stream is."},
                "errors": {"type": "array", "items": {
                    "type": "object", "required": ["pointer", "detail"],
                    "properties": {"pointer": {"type": "string", "description": "RFC 6901, `#/port`."},
                                   "detail": {"type": "string"}}}}},
            "required": ["type", "title", "status", "code"],
            "examples": [{"type": "/v1/reference#error-fields_invalid", "title": "One or more fields are wrong.",
                          "status": 422, "outcome": "refused", "code": "fields_invalid", "retry": "never",
                          "errors": [{"pointer": "#/port", "detail": "Must be a whole number from 1 to 65535."}]}]},
        "command_answer": {
            "type": "object", "description": "What became of a command. Some commands add members of their own.",
            "properties": {
                "outcome": {"type": "string", "enum": ["appended", "already", "unchanged", "dry_run"],
                            "description": "`already`: the same idempotency key and body were seen before."},
                "position": ref("schemas", "position"),
                "events": {"type": "array", "items": ref("schemas", "told_event"),
                           "description": "The events appended, or of a dry run: that would have been."}},
            "required": ["outcome"],
            "examples": [{"outcome": "appended", "position": "9f3c2a1e.17.5d0c88b1", "events": [
                {"type": "instance_registered", "stream": "instance/web/web-1", "stream_version": 1, "position": 17}]}]},
        "position": {"type": "string", "description": "Token of a position, `<epoch>.<position>.<hash>`; opaque."},
        "told_event": {
            "type": "object", "required": ["type", "stream", "stream_version"],
            "properties": {"type": {"type": "string"}, "stream": {"type": "string"},
                           "stream_version": {"type": "integer", "minimum": 1},
                           "position": {"type": "integer", "minimum": 1, "description": "Absent in a dry run."},
                           "data": {"type": "object", "description": "In a dry run, for callers who may read it."}}},
        "batch_answer": {
            "type": "object", "required": ["outcome", "position"],
            "properties": {
                "outcome": {"type": "string", "enum": ["appended", "already", "unchanged", "dry_run"]},
                "position": ref("schemas", "position"),
                "events": {"type": "array", "items": ref("schemas", "told_event"),
                           "description": "Of a whole batch whose key was known."},
                "items": {"type": "array", "description": "One for each command, in order.", "items": {
                    "type": "object", "required": ["status", "outcome"],
                    "properties": {"status": {"type": "integer"}, "outcome": {"type": "string"},
                                   "position": ref("schemas", "position"),
                                   "events": {"type": "array", "items": ref("schemas", "told_event")},
                                   "problem": ref("schemas", "problem")}}}}},
        "cloudevent": _cloudevent_schema(),
        "batch": {
            "type": "object", "description": "Many commands in one request.", "additionalProperties": False,
            "properties": {
                "mode": {"type": "string", "enum": ["all", "each"],
                         "description": "`all`: every command or none; `each`: every one for itself."},
                "commands": {"type": "array", "minItems": 1, "maxItems": 10000, "items": {
                    "type": "object", "additionalProperties": False, "required": ["command"],
                    "properties": {"command": {"type": "string", "enum": commands}, "data": {"type": "object"},
                                   "idempotency_key": {"type": "string", "maxLength": 255},
                                   "expect": {"anyOf": [{"type": "integer", "minimum": 0},
                                                        {"type": "string", "enum": ["absent", "present"]}],
                                              "description": "Version the command's stream must have, or only "
                                                             "whether it exists."}}}}},
            "required": ["mode", "commands"],
            "examples": [{"mode": "all", "commands": [
                {"command": "drain_instance", "data": {"service": "web", "instance": "web-1"}}]}]},
    }


def _schemas(model):
    out = _shared_schemas(model)
    for context in model.contexts:
        out |= _named_schemas(context)
        for one in context.commands.values():
            if not one.internal:
                out[one.name] = struct_schema(context, one.doc, one.fields, closed=True)
        for one in context.rows.values():
            out[one.name] = struct_schema(context, one.doc, one.fields, closed=False)
        for one in context.events.values():
            out[f"event_{one.name}"] = struct_schema(context, one.doc, one.fields, closed=False)
    return out


# ---------------------------------------------------------------- parameters

def _parameter(name, place, doc, kind, sample=None):
    out = {"name": name, "in": place, "description": doc, "schema": kind}
    if sample is not None:
        out["example"] = sample
    return out


def _parameters():
    text = {"type": "string"}
    token = "A position or a `Fasti-Position` token"
    return {
        "at": _parameter("at", "query", "As of then: a position, an RFC 3339 instant, or a time ago such as `-5m`.", text, "-5m"),
        "after": _parameter("after", "query", f"{token} that the answer must have seen.", text, "17"),
        "index": _parameter("index", "query", f"{token} of the answer already known: wait for another one.", text, "17"),
        "wait": _parameter("wait", "query", "How long to wait for a change, at most `10m`.", text, "30s"),
        "cursor": _parameter("cursor", "query", "`next` of the page before.", text),
        "limit": _parameter("limit", "query", "Rows on a page.",
                            {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100}, 100),
        "dry_run": _parameter("dry_run", "query", "Decide and answer, but append nothing.",
                              {"type": "boolean", "default": False}, True),
        "idempotency_key": _parameter("Idempotency-Key", "header", "The same key and body again answer the same, once done.",
                                      {"type": "string", "maxLength": 255}, "rollout-17"),
        "if_match": _parameter("If-Match", "header", "The version the stream must have, in quotes, or `*`.", text, '"4"'),
        "if_none_match": _parameter("If-None-Match", "header", "`*`: create only. Of reads: the ETag already known.", text, "*"),
        "fasti_reason": _parameter("Fasti-Reason", "header", "Why, in your words; kept with the events.", text, "roll-out of 2.4.1"),
        "traceparent": _parameter("traceparent", "header", "W3C trace context; kept with the events.", text,
                                  "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    }


def _path_parameters(route, fields):
    return [{**_parameter(one.name, "path", one.doc, schema(one), docs.example(one)), "required": True}
            for name in route.params for one in fields if one.name == name]


def _query_parameters(one, route):
    out = []
    for param in one.params:
        if param.name in route.params:
            continue
        kind = {"type": "array", "items": schema(param)} if param.repeated else schema(param)
        sample = [docs.example(param)] if param.repeated else docs.example(param)
        row = _parameter(param.name, "query", param.doc, kind, sample)
        if param.required:
            row["required"] = True
        out.append(row)
    own = {p.name for p in one.params}
    shared = (["at"] if one.past else []) + (["index", "wait"] if one.wait else []) + \
             (["cursor", "limit"] if one.paged else []) + (["after"] if one.takes_after else [])
    headers = (["if_none_match"] if one.has_etag else []) + ["traceparent"]
    return out + [ref("parameters", name) for name in shared if name not in own] + [ref("parameters", name) for name in headers]


COMMAND_PARAMETERS = ("dry_run", "idempotency_key", "if_match", "if_none_match", "fasti_reason", "traceparent")


# ---------------------------------------------------------------- operations

def _answer(doc, content, headers=("fasti_position",)):
    out = {"description": doc, "content": content}
    if headers:
        out["headers"] = {{"fasti_position": "Fasti-Position", "etag": "ETag", "location": "Location"}[h]:
                          ref("headers", h) for h in headers}
    return out


def _problems(model, entry, operation):
    out = {}
    for status, errors in docs.errors_of(model, entry, operation).items():
        told = ", ".join(f"`{e.name}`" for e in errors)
        out[str(status)] = {"description": told, "content": {PROBLEM: {"schema": ref("schemas", "problem")}}}
    return out


ANSWER_TYPES = {"text": {"type": "string"}, "u32": {"type": "integer", "minimum": 0},
                "instant": {"type": "string", "format": "date-time"},
                "objects": {"type": "array", "items": {"type": "object"}}}


def _command_answers(one, entry):
    shape = ref("schemas", "batch_answer" if entry.kind == "batch" else "command_answer")
    if one is not None and one.answer:
        more = {name: {**ANSWER_TYPES[kind], "description": doc} for name, kind, doc in one.answer}
        shape = {"allOf": [shape, {"type": "object", "properties": more}]}
    answer = {JSON: {"schema": shape}}
    out = {"200": _answer("Done, done before, nothing to do, or a dry run.", answer, ("fasti_position", "etag"))}
    if entry.route.method == "PUT":
        out["201"] = _answer("Created.", answer, ("fasti_position", "etag", "location"))
    return out


def _query_answers(one):
    if one.answer == "stream":
        return {"200": _answer("Server-sent events, each a CloudEvent with its position token as `id`.",
                               {"text/event-stream": {"schema": {"type": "string"}}}, ())}
    if one.answer == "report":
        return {"200": _answer("Server-sent events while the work goes on: `progress` with `step`, `done` and `total`; `finding` with "
                               "`what`, `where`, `first` and `last`; `note` with `text`; last `result`, or `failure` with a problem.",
                               {"text/event-stream": {"schema": {"type": "string"}}}, ())}
    page = {"type": "object", "properties": {"next": {"type": "string", "description": "Cursor of the next page; absent on the last."}}}
    kinds = []
    if one.row:
        kinds.append(ref("schemas", one.row))
    if one.rows:
        listed = {one.list_name: {"type": "array", "items": ref("schemas", one.rows)}}
        kinds.append({**page, "properties": {**listed, **page["properties"]}, "required": [one.list_name]})
    if one.answer == "events":
        listed = {"events": {"type": "array", "items": ref("schemas", "cloudevent")}}
        follows = {"type": "string", "description": "Goes on as `from`: a token; behind the newest event a bare "
                                                    "position, which is there once something happened. An empty page "
                                                    "before that is possible: one request looks at so many events."}
        kinds.append({**page, "properties": {**listed, "next": follows}, "required": ["events", "next"]})
    if one.answer == "event":
        kinds.append(ref("schemas", "cloudevent"))
    if one.answer == "document":
        kinds.append({"type": "object"})
    out = {"200": _answer("The answer.", {JSON: {"schema": kinds[0] if len(kinds) == 1 else {"anyOf": kinds}}},
                          ("fasti_position", "etag") if one.has_etag else ("fasti_position",))}
    if one.has_etag:
        out["304"] = {"description": "The answer is the one whose ETag was sent."}
    return out


PAGE_CONTENT = {"metrics": "text/plain", "openapi": JSON, "api_reference": "text/html"}


def _page_answers(one):
    kind = PAGE_CONTENT.get(one.name, "application/health+json")
    content = {kind: {"schema": {"type": "object"} if kind.endswith("json") else {"type": "string"}}}
    out = {"200": _answer("The page.", content, ())}
    if one.name in ("health", "health_ready"):
        out["503"] = _answer("Not well, or not ready.", content, ())
    return out


def _body(entry, operation, commands):
    if entry.kind == "batch":
        return {"required": True, "content": {JSON: {"schema": ref("schemas", "batch")}}}
    if entry.kind == "any_command":
        kinds = [ref("schemas", c.name) for c in commands]
        return {"required": False, "content": {JSON: {"schema": {"anyOf": kinds}}}}
    in_path = entry.route.params
    fields = [f for f in operation.fields if not f.internal and f.name not in in_path]
    if not fields:
        return None
    needed = any(f.required for f in fields)
    properties = {f.name: {**schema(f), "description": f.doc} for f in fields}
    # A path field may stand in the body too, if it is the same.
    properties |= {f.name: schema(f) for f in operation.fields if f.name in in_path}
    body = {"type": "object", "additionalProperties": False, "properties": properties}
    if needed:
        body["required"] = [f.name for f in fields if f.required]
    return {"required": needed, "content": {JSON: {"schema": body, "example": docs.sample(fields)}}}


def _operation(model, context, entry, one, used):
    name = entry.operation if entry.operation not in used else f"{entry.operation}_{used.count(entry.operation) + 1}"
    used.append(entry.operation)
    out = {"operationId": name, "summary": entry.doc.split(". ")[0].rstrip("."), "description": entry.doc,
           "tags": [context]}
    if entry.kind == "page":
        out["security"] = []
        answers = _page_answers(one)
    elif entry.kind == "query":
        out["description"] += f" Needs `{entry.permission}`."
        out["parameters"] = _path_parameters(entry.route, one.params) + _query_parameters(one, entry.route)
        answers = _query_answers(one)
    else:
        if entry.permission:
            out["description"] += f" Needs `{entry.permission}`."
        fields = one.fields if one else []
        path = _path_parameters(entry.route, fields)
        if entry.kind == "any_command":
            names = [c.name for c in model.commands if not c.internal]
            path = [{**_parameter("command", "path", "Its name.", {"type": "string", "enum": names}), "required": True}]
        out["parameters"] = path + [ref("parameters", p) for p in COMMAND_PARAMETERS]
        body = _body(entry, one, [c for c in model.commands if not c.internal])
        if body and entry.route.method != "DELETE":
            out["requestBody"] = body
        answers = _command_answers(one, entry)
    out["responses"] = {**_problems(model, entry, one), **answers}
    out["responses"] = dict(sorted(out["responses"].items()))
    return out


def document(model):
    by_name = {o.name: o for o in model.commands + model.queries + model.pages}
    paths, used = {}, []
    for entry in emit_routes.entries(model):
        one = by_name.get(entry.operation)
        path = entry.route.path.replace("*}", "}")
        context = one.context if one else "commands"
        paths.setdefault(path, {})[entry.route.method.lower()] = _operation(model, context, entry, one, used)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Fasti", "version": model.version, "summary": "An event-sourced control plane.",
                 "description": "Every change is a command; every command that changes something appends events to one log. "
                                "Errors are problem+json and lead to the reference page.",
                 "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}},
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "tags": [{"name": "commands", "description": "Any command by its name, one or many."}] +
                [{"name": c.name, "description": c.doc} for c in model.contexts],
        "paths": dict(sorted(paths.items())),
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer",
                                          "description": "A token made by `create_token`."}},
            "headers": {
                "fasti_position": {"description": "Token of the position this answer has seen: for `after`, `index`, `from`.",
                                   "schema": {"type": "string"}},
                "etag": {"description": "For If-None-Match; of a single row its stream version, for If-Match.",
                         "schema": {"type": "string"}},
                "location": {"description": "Where the resource is.", "schema": {"type": "string"}}},
            "parameters": _parameters(),
            "schemas": dict(sorted(_schemas(model).items())),
        },
    }


def emit(model):
    found = document(model)
    sources = ", ".join(["domain/base/base.toml"] + [c.source for c in model.contexts])
    text = json.dumps(found, indent=1, ensure_ascii=False) + "\n"
    packed = json.dumps(found, separators=(",", ":"), ensure_ascii=False)
    source = cpp.head(sources) + ['#include "adapters/http/documents.hpp"', "", *cpp.LONG_TEXT, "namespace fasti::http {", "",
                                  "std::string_view openapi_json() noexcept {", f'    return R"fasti({packed})fasti";',
                                  "}", "", "} // namespace fasti::http", ""]
    return {"docs/reference/openapi.gen.json": text, "adapters/http/openapi.gen.cpp": source}

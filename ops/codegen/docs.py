# SPDX-License-Identifier: Apache-2.0
"""What OpenAPI and the reference pages share: samples, the errors of an operation, words for limits."""

from model import INTEGERS

EXAMPLES = {
    "service": "web", "instance": "web-1", "address": "10.0.0.17", "port": 8080, "protocol": "http",
    "version": "2.4.1", "zone": "eu-1a", "tag": "blue", "tags": ["blue", "canary"], "weight": 100,
    "metadata": {"team": "shop"}, "lease_ms": 10000, "description": "The public web shop.", "owner": "team-shop",
    "name": "deploy pipeline", "permissions": ["registry:read", "registry:write"], "permission": "registry:read",
    "token": "3f9a6c0d12e4b587", "expires_in_ms": 7776000000, "position": 17, "stream": "instance/web/web-1",
    "type": "instance_registered", "prefix": "web", "status": "up", "strategy": "weighted", "from": "1",
    "actor": "token/3f9a6c0d12e4b587", "reason": "roll-out of 2.4.1", "tenant": "default", "limit": 100,
    "bucket_ms": 60000, "count": 3, "instances": 3, "healthy": 2, "stream_version": 4, "changed_position": 17,
    "correlation": "0192f6a0c1d27b3e8f4a5b6c7d8e9f00", "lapsed": 40, "leases": 100, "window_ms": 2000,
}
MOMENT = "2026-11-21T14:03:00.000000Z"


def example(one):
    """A plausible value of a field."""
    if one.kind == "instant":
        return MOMENT
    if one.kind == "list":
        return EXAMPLES.get(one.name) if one.item.kind == "text" and one.name in EXAMPLES else [example_item(one.item)]
    if one.name in EXAMPLES and not (one.repeated and isinstance(EXAMPLES[one.name], (list, dict))):
        found = EXAMPLES[one.name]
        if isinstance(found, dict) and one.kind == "text":
            return "team:shop"
        if one.kind in INTEGERS and not isinstance(found, int):
            return one.min or 0
        return found if one.kind != "enum" or found in one.named.values else one.named.values[0]
    if one.name == "metadata":
        return "team:shop"
    return {"bool": True, "labels": {}, "text": "text", "enum": one.named.values[0] if one.named else ""}.get(
        one.kind, one.default if one.default is not None else (one.min or 1))


def example_item(item):
    if item.kind == "struct":
        return {f.name: example(f) for f in item.named.fields}
    return EXAMPLES.get(item.type_name, "text")


def sample(fields):
    return {one.name: example(one) for one in fields if one.json and not one.internal}


def limits(one):
    """In words, for people: "1 to 65535", "up to 128 bytes", "one of up, draining"."""
    told = []
    if one.kind in INTEGERS:
        high = one.max if one.max is not None else INTEGERS[one.kind]
        told.append(f"{one.min or 0} to {high}" if high < 2**64 - 1 else f"at least {one.min or 0}")
    if one.kind == "text" and one.named is not None and one.named.pattern:
        told.append(f"`{one.named.pattern}`")
    elif one.max_bytes is not None:
        told.append(f"{one.min_bytes or 0} to {one.max_bytes} bytes" if one.min_bytes else f"up to {one.max_bytes} bytes")
    if one.max_items is not None:
        told.append(f"up to {one.max_items} items" if not one.min_items else f"{one.min_items} to {one.max_items} items")
    if one.max_key_bytes is not None:
        told.append(f"keys up to {one.max_key_bytes}, values up to {one.max_value_bytes} bytes")
    if one.kind == "enum":
        told.append("one of " + ", ".join(f"`{v}`" for v in one.named.values))
    if one.default not in (None, ""):
        told.append(f"default `{str(one.default).lower() if isinstance(one.default, bool) else one.default}`")
    return "; ".join(told)


def type_words(one):
    if one.kind == "list":
        return f"list of {one.item.type_name}"
    return {"labels": "object of texts", "instant": "instant (RFC 3339)", "bool": "true or false"}.get(
        one.kind, one.type_name) + (", may be repeated" if one.repeated else "")


def field_doc(context, one):
    """The doc of a field; an event's own may be that of the same field elsewhere in the context."""
    if one.doc:
        return one.doc
    for tables in (context.rows, context.commands):
        for other in tables.values():
            for field in other.fields:
                if field.name == one.name and field.doc:
                    return field.doc
    return ""


# Which errors an operation can meet besides its own.
EVERY = ("malformed", "header_too_large", "host_unknown", "token_in_url", "method_not_allowed", "internal",
         "not_ready")
WITH_TOKEN = ("token_missing", "token_invalid", "permission_denied")
COMMANDS = ("fields_invalid", "body_too_large", "media_type_unsupported", "version_conflict", "precondition_failed",
            "key_reused", "queue_full", "store_unavailable", "store_full", "history_forked", "wait_timeout")
QUERIES = ("fields_invalid", "history_forked", "wait_timeout", "position_unknown", "store_damaged")


def errors_of(model, entry, operation):
    """Errors of a route, as model errors, by status."""
    names = list(EVERY)
    if entry.kind != "page":
        names += WITH_TOKEN
    if entry.kind in ("command", "any_command", "batch"):
        names += COMMANDS
    if entry.kind == "any_command":
        names.append("command_unknown")
        names += [n for c in model.commands if not c.internal for n in c.may_fail]
    if entry.kind == "query":
        names += QUERIES
    names += getattr(operation, "may_fail", [])
    by_name = {e.name: e for e in model.errors}
    found = {}
    for name in dict.fromkeys(names):
        found.setdefault(by_name[name].status, []).append(by_name[name])
    return dict(sorted(found.items()))

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The OpenAPI document: its references resolve, its examples fit their schemas where those are plain, every route
is in it; and openapi-spec-validator finds nothing wrong, where that is installed."""

import json
import re
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(Path(__file__).resolve().parent))

import declarations  # noqa: E402
import emit_routes  # noqa: E402

try:
    from openapi_spec_validator import validate
except ImportError:
    validate = None

DOCUMENT = json.loads((ROOT / "docs/reference/openapi.gen.json").read_text(encoding="utf-8"))


def walk(value):
    yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from walk(inner)


def operations():
    for path, methods in DOCUMENT["paths"].items():
        for method, one in methods.items():
            yield path, method, one


class Document(unittest.TestCase):
    def test_references_resolve(self):
        for one in walk(DOCUMENT):
            if isinstance(one, dict) and "$ref" in one:
                place = DOCUMENT
                for part in one["$ref"].removeprefix("#/").split("/"):
                    self.assertIn(part, place, one["$ref"])
                    place = place[part]

    def test_every_route_is_in_it_under_a_name_of_its_own(self):
        names = [one["operationId"] for _, _, one in operations()]
        self.assertEqual(len(names), len(set(names)))
        routes = {(e.route.path.replace("*}", "}"), e.route.method.lower())
                  for e in emit_routes.entries(declarations.load(ROOT))}
        self.assertEqual(routes, {(path, method) for path, method, _ in operations()})

    def test_path_parameters_are_declared(self):
        for path, _, one in operations():
            declared = {p["name"] for p in one.get("parameters", []) if p.get("in") == "path"}
            self.assertEqual(declared, set(re.findall(r"\{(\w+)\}", path)), path)

    def test_examples_are_within_what_the_schema_says(self):
        for name, schema in DOCUMENT["components"]["schemas"].items():
            for example in schema.get("examples", []):
                for needed in schema.get("required", []):
                    self.assertIn(needed, example, name)
                if schema.get("additionalProperties") is False:
                    self.assertLessEqual(set(example), set(schema["properties"]), name)

    def test_only_pages_are_public(self):
        public = {one["operationId"] for _, _, one in operations() if one.get("security") == []}
        pages = {p.name for p in declarations.load(ROOT).pages}
        self.assertEqual({re.sub(r"_\d$", "", name) for name in public}, pages)

    @unittest.skipIf(validate is None, "openapi-spec-validator is not installed")
    def test_a_validator_finds_nothing_wrong(self):
        validate(DOCUMENT)


if __name__ == "__main__":
    unittest.main()

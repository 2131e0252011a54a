#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The generator against small declarations: what it refuses, and that older revisions are brought up to date."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import declarations  # noqa: E402
import emit_errors  # noqa: E402
import emit_proto  # noqa: E402
import emit_queries  # noqa: E402
import emit_records  # noqa: E402
import emit_stored  # noqa: E402
import emit_structs  # noqa: E402
import emit_views  # noqa: E402
import gen  # noqa: E402
import patterns  # noqa: E402

ROOT = HERE.parents[1]

BASE = """
[error.internal]
status = 500
retry = "same"
doc = "A fault."
"""

SAMPLE = """
context = "sample"
doc = "A sample."

[type.name]
base = "text"
pattern = "[a-z][a-z0-9]{0,7}"
doc = "A name."

[stream.thing]
pattern = "thing/{thing}"
doc = "One a thing."

[permission."things:write"]
doc = "Change things."

[command.make_thing]
doc = "Make one."
stream = "thing"
permission = "things:write"
http = "PUT /v1/things/{thing}"
emits = ["thing_made", "thing_painted"]
may_fail = []
[command.make_thing.field]
thing = { type = "name", doc = "Its name." }
size_mm = { type = "u32", max = 1000, doc = "How large." }

[event.thing_made]
revision = 2
doc = "One was made."
[event.thing_made.field]
thing = { number = 1, type = "name" }
size_mm = { number = 3, type = "u32", doc = "How large." }
[event.thing_made.history.1.field]
thing = { number = 1, type = "name" }
size_cm = { number = 2, type = "u32", doc = "How large, as it was kept then." }

[event.thing_painted]
revision = 3
doc = "One has a colour."
[event.thing_painted.field]
thing = { number = 1, type = "name" }
colour = { number = 2, type = "name" }
coats = { number = 3, type = "u32", since = 2, default = 1, doc = "How many." }
by = { number = 4, type = "name", since = 3 }
"""

MAIN = """
#include "domain/wire/sample_stored.gen.hpp"

namespace fasti::sample {
void upcast(const thing_made_r1& old, thing_made& now) {
    now.thing = old.thing;
    now.size_mm = old.size_cm * 10;
}
} // namespace fasti::sample

int main() {
    using namespace std::string_view_literals;
    fasti::sample::thing_made out;
    const bool old = decode("\\x0A\\x01x\\x10\\x07"sv, 1, out);
    if (!old || out.thing != "x" || out.size_mm != 70) { return 1; }
    if (!decode("\\x0A\\x01y\\x18\\x07"sv, 2, out) || out.thing != "y" || out.size_mm != 7) { return 2; }
    if (decode("\\x0A\\x01x\\x18\\x07"sv, 1, out)) { return 3; } // a field of revision 2 in revision 1
    fasti::sample::thing_painted paint;
    const bool first = decode("\\x0A\\x01x\\x12\\x01r"sv, 1, paint); // coats was not asked then
    if (!first || paint.thing != "x" || paint.colour != "r" || paint.coats != 1 || !paint.by.empty()) { return 5; }
    const bool second = decode("\\x0A\\x01x\\x12\\x01r\\x18\\x02"sv, 2, paint);
    if (!second || paint.coats != 2 || !paint.by.empty()) { return 6; }
    if (decode("\\x0A\\x01x"sv, 3, out) || decode("\\x0A\\x01x"sv, 0, out)) { return 4; }
    return 0;
}
"""

QUERIES = """
[permission."things:read"]
doc = "Read things."

[row.thing_row]
doc = "A thing."
[row.thing_row.field]
thing = { type = "name", doc = "Its name." }

[query.list_things]
doc = "The things."
permission = "things:read"
http = "GET /v1/things"
rows = "thing_row"
list = "things"
paged = true
past = true
wait = true
[query.list_things.param]

[query.count_things]
doc = "How many."
permission = "things:read"
http = "GET /v1/count"
answer = "document"
[query.count_things.param]
"""

# What the generated headers of queries rest on, as little of it as they need.
QUERY_WORLD = {
    "adapters/http/routes.gen.hpp": """
#pragma once
namespace fasti::http { enum class operation { make_thing, list_things, count_things }; }
""",
    "projections/engine/view_set.hpp": "#pragma once\nnamespace fasti { class view_set {}; }\n",
    "projections/queries/answer.hpp": """
#pragma once
#include "domain/base/ids.hpp"
#include "domain/base/result.hpp"
#include <string>
namespace fasti { struct page {}; struct query_answer { int from = 0; }; struct watched_services { std::string name; bool one = false; }; }
""",
    "main.cpp": """
#include "adapters/api/queries.gen.hpp"
#include "projections/queries/view_queries.gen.hpp"

namespace fasti {
struct pick_context {};
query_answer list_things(const view_set&, const sample::list_things_params&, const page&) { return {1}; }
position last_change(const view_set&, const sample::list_things_params&) { return 1; }
namespace api {
int handle(std::type_identity<sample::count_things_params>) { return 2; }
int serve(http::operation what) {
    return visit_query(what, []<class Params>(std::type_identity<Params> which) {
        if constexpr (is_over_views<Params>) {
            return answer(view_set{}, Params{}, {{}, pick_context{}}).from;
        } else {
            return handle(which);
        }
    });
}
} // namespace api
} // namespace fasti

int main() {
    using fasti::http::operation;
    fasti::last_change(fasti::view_set{}, fasti::sample::list_things_params{});
    return fasti::api::serve(operation::list_things) == 1 && fasti::api::serve(operation::count_things) == 2 ? 0 : 1;
}
""",
}


# A record of what the sample makes, and code that needs no name of a field.
RECORD = """
[event.thing_changed]
revision = 1
doc = "It is otherwise; all of it."
stream = "thing"
[event.thing_changed.field]
thing = { number = 1, type = "name" }
note = { number = 2, type = "text" }
size_mm = { number = 3, type = "u32" }

[command.change_thing]
doc = "Change one."
internal = true
stream = "thing"
emits = ["thing_changed"]
[command.change_thing.field]
thing = { type = "name", doc = "Its name." }
note = { type = "text", optional = true, doc = "New note." }
size_mm = { type = "u32", optional = true, doc = "New size." }

[row.thing_row]
doc = "A thing."
[row.thing_row.field]
size_mm = { type = "u32", doc = "How large." }
note = { type = "text", doc = "Of it." }
thing = { type = "name", doc = "Its name." }
seen = { type = "bool", doc = "By somebody." }

[record.thing]
doc = "What is kept of a thing."
event = "thing_changed"
same = ["thing_row"]
change = "change_thing"
"""

RECORD_MAIN = """
#include "domain/sample/records.gen.hpp"

using namespace fasti::sample;

static_assert(thing_texts<thing_row>[0] == &thing_row::thing && thing_texts<thing_row>[1] == &thing_row::note);
static_assert(thing_texts<thing_changed>.size() == 2 && thing_other_fields == "size_mm");

int main() {
    const thing_row row{.size_mm = 7, .note = "n", .thing = "x", .seen = true};
    auto fact = with_thing_fields<thing_changed>(row);
    if (fact.thing != "x" || fact.note != "n" || fact.size_mm != 7) { return 1; }
    take_fields(fact, change_thing{.thing = "x", .note = {}, .size_mm = {}});
    if (fact.note != "n") { return 2; }
    take_fields(fact, change_thing{.thing = "x", .note = "m", .size_mm = {}});
    if (fact.note != "m" || fact.size_mm != 7) { return 3; }
    take_fields(fact, change_thing{.thing = "x", .note = {}, .size_mm = 8});
    return fact.note == "m" && fact.size_mm == 8 ? 0 : 4;
}
"""


class Tree:
    """A folder with declarations, gone after the test."""

    def __init__(self, sample=SAMPLE, base=BASE):
        self.root = Path(tempfile.mkdtemp(prefix="gen_test_"))
        (self.root / "domain/base").mkdir(parents=True)
        (self.root / "domain/sample").mkdir()
        (self.root / "domain/base/base.toml").write_text(base, encoding="utf-8")
        (self.root / "domain/sample/sample.toml").write_text(sample, encoding="utf-8")

    def __enter__(self):
        return self.root

    def __exit__(self, *_):
        shutil.rmtree(self.root)


class Refusals(unittest.TestCase):
    def refused(self, *parts, change=(), add=""):
        sample = SAMPLE
        if change:
            self.assertIn(change[0], sample)
            sample = sample.replace(change[0], change[1])
        with Tree(sample + add) as root:
            with self.assertRaises(declarations.DeclarationError) as caught:
                declarations.load(root)
        for part in parts:
            self.assertIn(part, str(caught.exception))

    def test_the_sample_itself_is_fine(self):
        with Tree() as root:
            self.assertEqual([e.name for e in declarations.load(root).events], ["thing_made", "thing_painted"])

    def test_unknown_keys(self):
        self.refused("command.make_thing", "unknown key `permision`",
                     change=('permission = "things:write"', 'permision = "things:write"'))
        self.refused("unknown section", add="[evnt.x]\ndoc = 'x'\n")
        self.refused("unknown key `maximum`", change=("max = 1000", "maximum = 1000"))

    def test_a_number_twice(self):
        self.refused("number 1 is already that of `thing`", change=("number = 3", "number = 1"))

    def test_a_number_with_another_meaning(self):
        self.refused("field number 2 is reused: it was `size_cm`", change=("number = 3", "number = 2"))

    def test_a_number_left_out(self):
        self.refused("`number` is missing", change=("{ number = 3, type", "{ type"))

    def test_a_revision_without_its_history(self):
        self.refused("needs a history of each revision before it", change=("revision = 2", "revision = 3"))
        self.refused("needs a history of each revision before it", change=("revision = 3", "revision = 4"))

    def test_a_field_since_a_revision_that_is_not(self):
        self.refused("since is not within 1 to 2", change=("number = 3, type = \"u32\", doc", "number = 3, since = 4, type = \"u32\", doc"))
        self.refused("unknown key `since`", change=("max = 1000", "max = 1000, since = 2"))

    def test_a_record_of_which_somebody_lacks_a_field(self):
        self.refused("[record.thing] `thing_row` lacks `note`, which `thing_changed` has",
                     add=RECORD.replace('note = { type = "text", doc', 'notes = { type = "text", doc'))
        self.refused("[record.thing] `change_thing` gives `remark`, which `thing_changed` lacks",
                     add=RECORD.replace("note = { type = \"text\", opt", "remark = { type = \"text\", opt"))
        self.refused("`size_mm` is of another type in `thing_row` than in `thing_changed`, or optional",
                     add=RECORD.replace('size_mm = { type = "u32", doc', 'size_mm = { type = "u64", doc'))
        self.refused("`thing_raw` is no command, event or row", add=RECORD.replace('["thing_row"]', '["thing_raw"]'))

    def test_a_record_of_which_a_field_could_not_be_changed(self):
        given = 'note = { type = "text", optional = true, doc = "New note." }\n'
        self.refused("[record.thing] `change_thing` lacks `note`, which `thing_changed` has", add=RECORD.replace(given, ""))
        self.refused("[record.thing] `note` of `change_thing` is not optional, so it would not be taken",
                     add=RECORD.replace(given, given.replace("optional = true", "max_bytes = 8")))
        self.refused("`note` is of another type in `change_thing` than in `thing_changed`",
                     add=RECORD.replace(given, given.replace('"text"', '"bool"')))

    def test_two_operations_on_one_route(self):
        self.refused("`PUT /v1/things/{name}` is the route of `make_thing` too", add="""
[command.remake_thing]
doc = "Again."
stream = "thing"
permission = "things:write"
http = "PUT /v1/things/{name}"
emits = []
may_fail = []
[command.remake_thing.field]
thing = { type = "name", doc = "Its name." }
name = { type = "name", doc = "Its name." }
""")

    def test_events_and_errors_that_nobody_declared(self):
        self.refused("emits the unknown event `thing_mode`", change=('emits = ["thing_made",', 'emits = ["thing_mode",'))
        self.refused("unknown error `thing_lost`", change=("may_fail = []", 'may_fail = ["thing_lost"]'))

    def test_permissions_types_and_streams_that_nobody_declared(self):
        self.refused("permission `things:read` is not declared", change=('permission = "things:write"',
                                                                         'permission = "things:read"'))
        self.refused("type `nam` is unknown", change=('{ type = "name", doc', '{ type = "nam", doc'))
        self.refused("stream `things` is unknown", change=('stream = "thing"', 'stream = "things"'))

    def test_a_route_that_captures_no_field(self):
        self.refused("captures `id`, which is no field", change=("/v1/things/{thing}", "/v1/things/{id}"))

    def test_text_from_outside_without_a_bound(self):
        self.refused("comes from outside and needs max_bytes", change=('type = "u32", max = 1000', 'type = "text"'))

    def test_cpp_keywords_and_other_spellings(self):
        self.refused("`delete` is a C++ keyword", change=("size_mm = { type", "delete = { type"))
        self.refused("`sizeMm` is not snake_case", change=("size_mm = { type", "sizeMm = { type"))

    def test_a_query_that_waits_for_what_is_no_view(self):
        with Tree(SAMPLE + QUERIES.replace("past = true\n", "")) as root:
            with self.assertRaises(declarations.DeclarationError) as caught:
                declarations.load(root)
        self.assertIn("`wait` needs `past`", str(caught.exception))

    def test_a_query_that_watches_what_is_no_parameter(self):
        with Tree(SAMPLE + QUERIES.replace("wait = true", 'wait = "{service}"')) as root:
            with self.assertRaises(declarations.DeclarationError) as caught:
                declarations.load(root)
        self.assertIn("names a text parameter", str(caught.exception))

    def test_a_field_that_is_optional_and_has_a_default(self):
        self.refused("not both", change=("max = 1000", "max = 1000, optional = true, default = 3"))

    def test_all_faults_are_told_at_once(self):
        self.refused("unknown error `a`", "unknown error `b`", change=("may_fail = []", 'may_fail = ["a", "b"]'))


class Patterns(unittest.TestCase):
    def test_the_subset(self):
        atoms = patterns.parse_pattern("[A-Za-z][a-z0-9_-]{0,7}")
        self.assertEqual((patterns.shortest(atoms), patterns.longest(atoms)), (1, 8))
        self.assertIsNone(patterns.longest(patterns.parse_pattern("[a-z]+:[0-9]*")))
        for bad in ("", "a|b", "(ab)", "a.b", "[z-a]", "[a", "[a-z]+[a-f]", "[a-z]{3,1}", "\\d"):
            with self.assertRaises(patterns.PatternError, msg=bad):
                patterns.parse_pattern(bad)


class Output(unittest.TestCase):
    def test_the_same_declarations_give_the_same_bytes(self):
        self.assertEqual(gen.generate(ROOT), gen.generate(ROOT))

    def test_a_changed_and_an_orphaned_file_are_stale(self):
        with Tree() as root:
            files = {"domain/sample/sample.gen.hpp": "one"}
            self.assertEqual(gen.stale_files(root, files), ["domain/sample/sample.gen.hpp"])
            (root / "domain/sample/sample.gen.hpp").write_text("one", encoding="utf-8")
            self.assertEqual(gen.stale_files(root, files), [])
            (root / "domain/sample/left.gen.cpp").write_text("", encoding="utf-8")
            self.assertEqual(gen.stale_files(root, files), ["domain/sample/left.gen.cpp"])

    def test_older_revisions_are_in_the_proto_file(self):
        with Tree() as root:
            files = emit_proto.emit(declarations.load(root))
        text = "\n".join(files["docs/reference/proto/fasti_sample.gen.proto"])
        self.assertIn("message thing_made_r1 {", text)
        self.assertIn("uint32 size_cm = 2;", text)

    def write(self, root, emitters):
        """The generated files of these emitters, and what of domain/base they rest on."""
        model = declarations.load(root)
        for emitter in emitters:
            for path, lines in emitter.emit(model).items():
                there = root / path
                there.parent.mkdir(parents=True, exist_ok=True)
                there.write_text("\n".join(lines), encoding="utf-8")
        # Angle includes of the sample's folder come first: it brings its own error codes.
        shutil.copy(ROOT / "domain/base/check.cpp", root / "domain/base/check.cpp")
        for header in ("check", "context", "char_class", "ids", "instant", "label", "result"):
            shutil.copy(ROOT / f"domain/base/{header}.hpp", root / f"domain/base/{header}.hpp")

    def build(self, root, *sources):
        compiler = os.environ.get("CXX") or shutil.which("c++") or shutil.which("g++")
        self.assertTrue(compiler, "a C++ compiler")
        return subprocess.run([compiler, "-std=c++20", "-O0", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion",
                               "-Wshadow", "-Werror", "-I", ".", "main.cpp", *sources, "domain/base/check.cpp",
                               "-o", "main"], cwd=root, capture_output=True, text=True, check=False)

    def test_a_declared_view_is_held_and_named(self):
        views = QUERIES + """
[view.things]
doc = "The things."
row = "thing_row"
fold = "things_view"
[view.beside]
doc = "Folded with others."
row = "thing_row"
[type.view_name]
enum = "views"
doc = "A view."
"""
        with Tree(SAMPLE + views) as root:
            model = declarations.load(root)
        self.assertEqual(model.contexts[0].types["view_name"].values, ["beside", "things"])
        text = "\n".join(emit_views.emit(model)["projections/engine/own_views.gen.hpp"])
        self.assertIn('#include "projections/views/things_view.hpp"', text)
        self.assertIn("std::tuple<things_view>", text)

    def test_an_older_revision_is_brought_up_to_date_by_hand_written_code(self):
        with Tree() as root:
            self.write(root, (emit_errors, emit_structs, emit_stored))
            (root / "main.cpp").write_text(MAIN, encoding="utf-8")
            shutil.copy(ROOT / "domain/wire/proto.hpp", root / "domain/wire/proto.hpp")
            built = self.build(root, "domain/wire/sample_stored.gen.cpp")
            self.assertEqual(built.returncode, 0, built.stderr)
            self.assertEqual(subprocess.run([str(root / "main")], check=False).returncode, 0)
            # Without the hand-written part the linker says what is missing.
            (root / "main.cpp").write_text(MAIN.replace("void upcast", "void other"), encoding="utf-8")
            unlinked = self.build(root, "domain/wire/sample_stored.gen.cpp")
            self.assertNotEqual(unlinked.returncode, 0)
            self.assertIn("upcast", unlinked.stderr)

    def test_the_fields_of_a_record_are_named_once(self):
        with Tree(SAMPLE + RECORD) as root:
            self.write(root, (emit_errors, emit_structs, emit_records))
            (root / "main.cpp").write_text(RECORD_MAIN, encoding="utf-8")
            built = self.build(root)
            self.assertEqual(built.returncode, 0, built.stderr)
            self.assertEqual(subprocess.run([str(root / "main")], check=False).returncode, 0)

    def test_a_query_that_nobody_answers_does_not_build(self):
        with Tree(SAMPLE + QUERIES) as root:
            self.write(root, (emit_errors, emit_structs, emit_queries))
            for path, text in QUERY_WORLD.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(text, encoding="utf-8")
            built = self.build(root)
            self.assertEqual(built.returncode, 0, built.stderr)
            self.assertEqual(subprocess.run([str(root / "main")], check=False).returncode, 0)
            for written, missed in (("query_answer list_things(", "list_things"), ("position last_change(", "last_change"),
                                    ("sample::count_things_params>) {", "count_things_params")):
                whole = QUERY_WORLD["main.cpp"]
                self.assertEqual(whole.count(written), 1)
                other = written.replace("list_things", "other").replace("last_change", "other").replace(
                    "count_things_params", "list_things_params")
                (root / "main.cpp").write_text(whole.replace(written, other), encoding="utf-8")
                failed = self.build(root)
                self.assertNotEqual(failed.returncode, 0, written)
                self.assertIn(missed, failed.stderr)


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The checkers find what is planted for them in small trees of their own, and nothing in clean ones."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import sizes
from common import strip

HERE = Path(__file__).resolve().parent
LICENCE = "SPDX-License-" + "Identifier: Apache-2.0"


def module(path: str, needs=(), uses=(), sources=(), tests=(), kind="module") -> dict:
    return {"kind": kind, "path": path, "name": path.replace("/", "_"), "needs": list(needs), "uses": list(uses),
            "sources": list(sources), "tests": list(tests), "test_needs": [], "test_uses": []}


class planted(unittest.TestCase):
    """A tree of two modules in which every include is allowed; each test plants one violation."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        self.rows = [
            module("domain/base", uses=["xxhash"], sources=["domain/base/a.cpp"], tests=["tests/unit/a_test.cpp"]),
            module("eventstore/port", needs=["domain/base"], sources=["eventstore/port/b.cpp"]),
        ]
        self.write("domain/base/a.hpp", "#include <string>\n")
        self.write("domain/base/a.cpp", '#include "domain/base/a.hpp"\n#include <xxhash.h>\n')
        self.write("eventstore/port/b.cpp", '#include "domain/base/a.hpp"\n#include <unistd.h>\n')
        self.write("tests/unit/a_test.cpp", '#include "domain/base/a.hpp"\n#include <gtest/gtest.h>\n')

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        comment = {".md": "", ".hpp": f"// {LICENCE}\n#pragma once\n"}.get(file.suffix, f"// {LICENCE}\n")
        file.write_text(comment + text, encoding="utf-8")

    def run_checker(self, name: str) -> subprocess.CompletedProcess:
        build = self.root / "build"
        build.mkdir(exist_ok=True)
        (build / "modules.json").write_text(json.dumps(self.rows), encoding="utf-8")
        return subprocess.run([sys.executable, "-B", HERE / f"{name}.py", "--root", self.root, "--build", build],
                              capture_output=True, text=True)

    def found(self, checker: str, *parts: str) -> None:
        done = self.run_checker(checker)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        for part in parts:
            self.assertIn(part, done.stdout)

    # --- layers ---------------------------------------------------------------------------------------

    def test_a_clean_tree_passes(self) -> None:
        for checker in ("layers", "tidy"):
            done = self.run_checker(checker)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_a_forbidden_arrow_is_named_with_file_line_and_what_is_allowed(self) -> None:
        self.write("eventstore/port/b.hpp", "")
        self.write("domain/base/a.cpp", '\n#include "eventstore/port/b.hpp"\n')
        self.found("layers", "domain/base/a.cpp:3: may not include eventstore/port; allowed are: domain/base")

    def test_an_include_not_from_the_root_is_found_with_its_right_spelling(self) -> None:
        self.write("domain/base/a.cpp", '#include "a.hpp"\n')
        self.found("layers", 'domain/base/a.cpp:2: "a.hpp" is not a path from the root: write "domain/base/a.hpp"')

    def test_a_module_without_a_call_is_found(self) -> None:
        self.write("commands/new/x.hpp", "")
        self.found("layers", "commands/new has no fasti_module() call")

    def test_a_library_outside_uses_is_found(self) -> None:
        self.write("eventstore/port/b.cpp", "#include <openssl/evp.h>\n")
        self.found("layers", "eventstore/port/b.cpp:2: <openssl/evp.h> needs USES openssl")

    def test_a_library_in_a_public_header_is_found(self) -> None:
        self.write("domain/base/a.hpp", "#include <xxhash.h>\n")
        self.found("layers", "domain/base/a.hpp:3: <xxhash.h> in a public header")

    def test_a_private_header_may_show_a_library_but_not_leave_its_module(self) -> None:
        self.write("domain/base/detail/c.hpp", "#include <xxhash.h>\n")
        self.write("domain/base/a.cpp", '#include "domain/base/detail/c.hpp"\n')
        self.assertEqual(self.run_checker("layers").returncode, 0)
        self.write("eventstore/port/b.cpp", '#include "domain/base/detail/c.hpp"\n')
        self.found("layers", "is private to domain/base")

    def test_the_outside_world_in_a_pure_layer_is_found(self) -> None:
        self.write("domain/base/a.cpp", "#include <sys/socket.h>\n")
        self.found("layers", "domain/base/a.cpp:2: <sys/socket.h> is the outside world")

    def test_an_unknown_library_is_found(self) -> None:
        self.write("domain/base/a.cpp", "#include <fmt/core.h>\n")
        self.found("layers", "<fmt/core.h> belongs to no library")

    def test_a_cycle_is_found(self) -> None:
        self.rows[0]["needs"] = ["eventstore/port"]
        self.found("layers", "cycle: domain/base -> eventstore/port -> domain/base")

    def test_an_arrow_against_the_design_is_found_in_the_declaration(self) -> None:
        self.rows[1]["needs"] = ["domain/base", "domain/registry"]
        self.found("layers", "eventstore/port NEEDS domain/registry: the design forbids that arrow")

    def test_a_source_that_no_call_names_is_found(self) -> None:
        self.write("domain/base/dead.cpp", "")
        self.write("tests/unit/forgotten_test.cpp", "")
        self.found("layers", "domain/base/dead.cpp:1: not among the SOURCES", "tests/unit/forgotten_test.cpp:1: no fasti")

    def test_an_include_in_a_comment_does_not_count(self) -> None:
        self.write("domain/base/a.cpp", "/*\n#include <fmt/core.h>\n*/\n")
        self.assertEqual(self.run_checker("layers").returncode, 0)

    # --- tidy (each rule has its own samples; here: that files are really read) ---------------------------

    def test_a_real_clock_is_named_with_its_remedy(self) -> None:
        self.write("domain/base/a.cpp", "\nauto now = std::chrono::steady_clock::now();\n")
        self.found("tidy", "domain/base/a.cpp:3: real_clock: steady_clock::now", "clock port")

    def test_a_broken_link_and_a_broken_anchor_are_found(self) -> None:
        self.write("docs/a.md", "# A\n\n[b](b.md) [c](c.md#two) [d](c.md#one) [e](#a)\n")
        self.write("docs/c.md", "# One\n")
        self.found("tidy", "docs/a.md:3: markdown_link: b.md does not exist", "c.md#two: no such heading")
        self.assertNotIn("c.md#one", self.run_checker("tidy").stdout)

    def test_an_exception_needs_a_reason_and_a_use(self) -> None:
        name = "ops/check/exceptions.toml"
        (self.root / name).parent.mkdir(parents=True)
        entry = f'# {LICENCE}\n[[exception]]\nrule = "sleep"\npath = "domain/base/a.cpp"\n'
        (self.root / name).write_text(entry, encoding="utf-8")
        self.found("tidy", "exception 1 has no reason", "is no longer needed")
        self.write("domain/base/a.cpp", "void f() { usleep(5); }\n")
        (self.root / name).write_text(entry + 'reason = "waits for the hardware"\n', encoding="utf-8")
        self.assertEqual(self.run_checker("tidy").returncode, 0)


class reading_cpp(unittest.TestCase):
    def test_comments_and_strings_are_blanked_in_place(self) -> None:
        text = 'int a; // now\n/* b\n */ f("x // y", \'"\', 1\'000); R"(raw " text)"; g();'
        code = strip(text)
        self.assertEqual(len(code), len(text))
        self.assertEqual(code.count("\n"), text.count("\n"))
        for word in ("now", "b", "x", "raw"):
            self.assertNotIn(word, code)
        self.assertIn("1'000", code)
        self.assertIn("g();", code)

    def test_functions_are_found_in_namespaces_and_classes(self) -> None:
        code = (
            "namespace a {\nstruct b : c {\n    b(int x)\n        : x_{x} {\n    }\n    int x_{0};\n};\n"
            "const std::vector<int> table{\n    1,\n    2};\n"
            "class result<int> f(int x) noexcept {\n    auto g = [&](int y) {\n        return y;\n    };\n    return g(x);\n}\n}\n"
        )
        self.assertEqual([(name, first, last) for name, first, last in sizes.cpp_functions(code)],
                         [("b", 3, 5), ("f", 11, 16)])


if __name__ == "__main__":
    unittest.main(verbosity=1)

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""House rules that no compiler knows. Each rule carries its remedy and a good and a bad sample of its own;
the samples run first, so a rule that stopped finding anything fails here."""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import markdown
import sizes
from common import CPP, arguments, files, findings, is_generated, strip

CODE = CPP | {".py", ".sh", ".cmake", ".toml", ".yml", ".yaml"}
SCRIPTS = {"CMakeLists.txt", "ops/dev", ".ci/run", ".clang-format", ".clang-tidy", ".editorconfig"}
TEXT = CODE | {".md", ".txt", ".json", ".html", ".css", ".js", ".service", ".conf"}

Hits = Iterator[tuple[int, str]]


@dataclass(frozen=True)
class source:
    """One file as the rules see it; code is the text without comments and strings (C++ only)."""

    path: str
    text: str
    code: str


@dataclass(frozen=True)
class rule:
    name: str
    remedy: str
    applies: Callable[[str], bool]
    find: Callable[[source], Hits]
    good: tuple[str, str]  # path, text
    bad: tuple[str, str]


def line_of(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1


def is_cpp(path: str) -> bool:
    return Path(path).suffix in CPP


def is_code(path: str) -> bool:
    return Path(path).suffix in CODE or path in SCRIPTS


def is_text(path: str) -> bool:
    return Path(path).suffix in TEXT or path in SCRIPTS


def outside(*folders: str) -> Callable[[str], bool]:
    return lambda path: is_cpp(path) and not path.startswith(folders)


def in_code(pattern: str) -> Callable[[source], Hits]:
    compiled = re.compile(pattern)

    def find(file: source) -> Hits:
        for match in compiled.finditer(file.code):
            yield line_of(file.code, match.start()), match.group(0).strip()

    return find


def in_text(pattern: str) -> Callable[[source], Hits]:
    compiled = re.compile(pattern)

    def find(file: source) -> Hits:
        for match in compiled.finditer(file.text):
            yield line_of(file.text, match.start()), match.group(0).strip()

    return find


def in_include(pattern: str) -> Callable[[source], Hits]:
    return in_text(r"(?m)^[ \t]*#[ \t]*include[ \t]*<" + pattern)


def spdx_missing(file: source) -> Hits:
    head = "\n".join(file.text.split("\n")[:3])
    if "SPDX-License-" + "Identifier: Apache-2.0" not in head:
        yield 1, "no SPDX line among the first three"


def lambda_in_co_await(file: source) -> Hits:
    """A `[` that opens a lambda with captures between co_await and the end of its statement."""
    for match in re.finditer(r"\bco_await\b", file.code):
        depth, at = 0, match.end()
        while at < len(file.code):
            letter = file.code[at]
            if letter in "({":
                depth += 1
            elif letter in ")}":
                depth -= 1
            if depth < 0 or (letter == ";" and depth == 0):
                break
            if letter == "[" and re.search(r"[(,=]\s*$", file.code[match.end() : at] or "("):
                if re.match(r"\[[^\[\]]+\]\s*(\(|mutable|\{)", file.code[at:]):
                    yield line_of(file.code, at), "lambda with captures inside co_await"
            at += 1


def pragma_once_missing(file: source) -> Hits:
    if "#pragma once" not in file.code:
        yield 1, "no #pragma once"


# Words are put together here, so that this file does not find itself.
MARKERS = r"\b(?:" + "|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"]) + r")\b|(?i:\bnot (?:yet )?" + r"implemented\b)"
MACHINE = r"(?<![\w.~/-])/(?:" + "|".join(["wo" + "rk/", "home/" + r"(?!ada\b|you\b)\w", "ro" + "ot/", "Us" + r"ers/\w", "tmp/fa" + "sti"]) + r")\S*"
REGISTRIES = r"\b(?:" + "|".join(
    [r"pypi\." + "org", r"python" + r"hosted\.org", r"npm" + r"js\.org", r"crates\." + "io", r"proxy\.go" + r"lang\.org",
     r"deb\.deb" + r"ian\.org", r"repo1?\.maven"]) + r")\b"

# Input and expected output of tests: bytes that mean something, not text that somebody wrote.
DATA = ("tests/fuzz/corpus/", "tests/golden/")
CLOCK_HOLDERS = ("adapters/", "tests/bench/", "tests/e2e/")
WORLD_HOLDERS = ("adapters/daemon/", "adapters/cli/", "adapters/crypto/", "adapters/telemetry/log.cpp",
                 "tests/e2e/", "tests/bench/", "tests/support/")

RULES = [
    rule("real_clock", "take the time as data (context) or through a clock port; real clocks live in adapters",
         outside(*CLOCK_HOLDERS),
         in_code(r"\b(?:system|steady|high_resolution)_clock\s*::\s*now\b|\b(?:clock_gettime|gettimeofday|localtime|strftime)\s*\(|\btime\s*\(\s*(?:nullptr|0|NULL)\s*\)"),
         ("domain/x/a.cpp", "auto later = context.now + lease; // not system_clock::now()"),
         ("domain/x/a.cpp", "auto t = std::chrono::system_clock::now();")),
    rule("real_randomness", "take ids and random bytes through the id source; seeds come from outside",
         outside(*WORLD_HOLDERS),
         in_code(r"\brandom_device\b|\bRAND_(?:priv_)?bytes\s*\(|\bgetrandom\s*\(|\barc4random\w*\s*\(|(?<![\w:.>])s?rand\s*\("),
         ("domain/x/a.cpp", "auto id = context.ids.next();"),
         ("domain/x/a.cpp", "std::random_device seed;")),
    rule("environment", "read the environment in adapters/cli or adapters/daemon and pass values on",
         outside(*WORLD_HOLDERS),
         in_code(r"\b(?:secure_)?getenv\s*\(|\b(?:un)?setenv\s*\(|\bputenv\s*\("),
         ("adapters/http/a.cpp", "auto address = options.listen;"),
         ("adapters/http/a.cpp", 'auto home = std::getenv("HOME");')),
    rule("sleep", "wait for the thing itself (condition, future, readable descriptor, fake clock)",
         outside("adapters/cli/", "tests/bench/"),
         in_code(r"\bsleep_(?:for|until)\s*\(|\b(?:u|nano)?sleep\s*\("),
         ("tests/unit/a_test.cpp", "ready.wait();"),
         ("tests/unit/a_test.cpp", "std::this_thread::sleep_for(1s);")),
    rule("unsafe_call", "use the checked form: from_chars, std::string, check(), RE2, a joined thread",
         is_cpp,
         in_code(r"\b(?:atoi|atol|atof|strtok|sprintf|vsprintf|strcpy|strcat|gets|alloca)\s*\(|\bstd\s*::\s*w?regex\b|(?<!static_)\bassert\s*\(|\.\s*detach\s*\(\s*\)"),
         ("adapters/http/a.cpp", "static_assert(sizeof(int) == 4); check(n > 0, \"n is positive\");"),
         ("adapters/http/a.cpp", "int n = atoi(text);")),
    rule("shell", "start no shell from a running server; tests may call foreign tools",
         outside("tests/"), in_code(r"\b(?:popen|system)\s*\("),
         ("tests/unit/a_test.cpp", "std::system(command);"),
         ("adapters/daemon/a.cpp", "std::system(command);")),
    rule("lambda_in_co_await", "name the lambda first: GCC 12 destroys the captures of such a lambda twice",
         is_cpp, lambda_in_co_await,
         ("adapters/http/a.cpp", "auto job = [this] { run(); };\nco_await post(io, job);\nauto x = co_await queue[i].pop();"),
         ("adapters/http/a.cpp", "co_await post(io, [this] { run(); });")),
    rule("json_elsewhere", "parse and write JSON through domain/wire: it alone sets depth, size and encoding limits",
         outside("domain/wire/"), in_include(r"rapidjson/"),
         ("domain/wire/json.cpp", "#include <rapidjson/reader.h>"),
         ("adapters/http/a.cpp", "#include <rapidjson/reader.h>")),
    rule("network_elsewhere", "sockets and their codec stay in adapters/http (and the client and bench)",
         outside("adapters/http/", "adapters/cli/", "adapters/client/", "adapters/daemon/", "ops/cmake/", "tests/bench/",
                 "tests/e2e/", "tests/integration/", "tests/support/", "tests/unit/adapters_", "tests/fuzz/"),
         in_include(r"boost/(?:asio|beast)[/.]"),
         ("adapters/http/server.cpp", "#include <boost/asio/io_context.hpp>"),
         ("commands/pipeline/a.cpp", "#include <boost/asio/io_context.hpp>")),
    rule("pragma_once", "begin every header with #pragma once after its licence line",
         lambda path: path.endswith(".hpp"), pragma_once_missing,
         ("domain/x/a.hpp", "#pragma once\nint f();"),
         ("domain/x/a.hpp", "int f();")),
    rule("using_in_header", "name what is used, or write the using in the .cpp",
         lambda path: path.endswith(".hpp"), in_code(r"(?m)^using\s+namespace\b[^;]*"),
         ("domain/x/a.hpp", "#pragma once\nusing text = int;"),
         ("domain/x/a.hpp", "#pragma once\nusing namespace std;")),
    rule("disabled_test", "repair the test or remove it",
         lambda path: path.startswith("tests/") and is_cpp(path), in_code(r"\bDISABLED_\w+"),
         ("tests/unit/a_test.cpp", "TEST(lease, ends_at_its_deadline) {}"),
         ("tests/unit/a_test.cpp", "TEST(lease, DISABLED_ends) {}")),
    rule("spdx", "add the line SPDX-License-" + "Identifier: Apache-2.0 in a comment at the top",
         is_code, spdx_missing,
         ("domain/x/a.cpp", "// SPDX-License-" + "Identifier: Apache-2.0\n"),
         ("domain/x/a.cpp", "#include <vector>\n")),
    rule("unfinished", "finish it, leave it out, or open an issue",
         is_text, in_text(MARKERS),
         ("README.md", "# All done"),
         ("README.md", "# Soon\n\nTO" + "DO: write this")),
    rule("machine_path", "write the path from the repository root, or one that every machine has",
         is_text, in_text(MACHINE),
         ("docs/a.md", "See ops/work/x, https://example.org/work/x and /var/lib/fasti."),
         ("docs/a.md", "Look into /wo" + "rk/main/ops.")),
    rule("registry_host", "leave the choice of mirror to the machine",
         is_text, in_text(REGISTRIES),
         ("docs/a.md", "apt-get install cmake"),
         ("docs/a.md", "https://py" + "pi.org/simple")),
    rule("file_length", f"split the file: {sizes.FILE_LINES} lines are the limit",
         lambda path: is_code(path) and not path.endswith(".toml") and not is_generated(path),
         lambda file: sizes.long_file(file.text),
         ("domain/x/a.cpp", "int a;\n" * sizes.FILE_LINES),
         ("domain/x/a.cpp", "int a;\n" * (sizes.FILE_LINES + 1))),
    rule("function_length", f"split the function: {sizes.FUNCTION_LINES} lines are the limit",
         lambda path: (is_cpp(path) or path.endswith(".py")) and not is_generated(path),
         lambda file: sizes.long_functions(file.path, file.text, file.code),
         ("domain/x/a.cpp", "namespace x {\nclass y {\n" + "int a;\n" * 200 + "};\nint f() {\n" + "g();\n" * 60 + "}\n}"),
         ("domain/x/a.cpp", "namespace x {\nint f(int a,\n      int b) const {\n" + "if (a) { g(); }\n" * sizes.FUNCTION_LINES + "}\n}")),
    rule("markdown_title", "give each page exactly one title (one line that starts with a single #)",
         lambda path: path.endswith(".md"), lambda file: markdown.titles(file.text),
         ("docs/a.md", "# One\n\n```sh\n# a comment\n```\n"),
         ("docs/a.md", "# One\n\n# Two\n")),
]


def self_test() -> list[str]:
    broken = []
    for each in RULES:
        for kind, (path, text), wanted in (("good", each.good, False), ("bad", each.bad, True)):
            found = each.applies(path) and bool(list(each.find(source(path, text, strip(text)))))
            if found != wanted:
                broken.append(f"tidy: rule {each.name} fails on its own {kind} sample")
    return broken


def exceptions(root: Path, found: findings) -> dict[tuple[str, str], int]:
    """(rule, path) of ops/check/exceptions.toml; each needs a reason and must still be needed."""
    name = "ops/check/exceptions.toml"
    if not (root / name).is_file():
        return {}
    granted = {}
    for number, entry in enumerate(tomllib.loads((root / name).read_text(encoding="utf-8")).get("exception", []), 1):
        if len(entry.get("reason", "")) < 10:
            found.add(name, 1, f"exception {number} has no reason")
        granted[(entry.get("rule", ""), entry.get("path", ""))] = 0
    return granted


def main() -> int:
    options = arguments(__doc__).parse_args()
    root = options.root.resolve()
    broken = self_test()
    if broken:
        print("\n".join(broken))
        return 1
    found = findings("tidy")
    granted = exceptions(root, found)
    everything = files(root)
    for path in everything:
        if not is_text(path) or path.startswith(DATA):
            continue
        text = (root / path).read_text(encoding="utf-8", errors="replace")
        file = source(path, text, strip(text) if is_cpp(path) else text)
        for each in RULES:
            if not each.applies(path):
                continue
            for line, what in each.find(file):
                if (each.name, path) in granted:
                    granted[(each.name, path)] += 1
                else:
                    found.add(path, line, f"{each.name}: {what}: {each.remedy}")
        if path.endswith(".md"):
            for line, what in markdown.broken_links(root, path, text):
                found.add(path, line, f"markdown_link: {what}")
    for (name, path), uses in granted.items():
        if uses == 0:
            found.add("ops/check/exceptions.toml", 1, f"the exception {name} for {path} is no longer needed")
    return found.finish(f"{len(everything)} files, {len(RULES) + 1} rules")


if __name__ == "__main__":
    sys.exit(main())

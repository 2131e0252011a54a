#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares every #include of the tree with what the CMake calls declare (NEEDS, USES, SOURCES)."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

from common import CPP, LAYERS, arguments, files, findings, strip

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)

# name in USES -> headers it allows; asio covers all of Boost, because its own headers bring the rest
THIRD_PARTY = {
    "asio": r"boost/(asio|beast|system|core)(/|\.hpp)",
    "boost": r"boost/",
    "openssl": r"openssl/",
    "curl": r"curl/",
    "rapidjson": r"rapidjson/",
    "protozero": r"protozero/",
    "cli11": r"CLI/",
    "tomlplusplus": r"toml\+\+/",
    "xxhash": r"xxh(ash|3)\.h$",
    "aio": r"libaio\.h$",
    "zstd": r"z(std|dict)(_errors)?\.h$",
    "gtest": r"g(test|mock)/",
    "rapidcheck": r"rapidcheck(/|\.h)",
    "threads": r"pthread\.h$",
}
ALSO_ALLOWS = {"asio": {"boost"}}

STANDARD = re.compile(r"^[a-z_]+$|^c[a-z]+$")
C_HEADERS = re.compile(r"^(stdint|stddef|stdbool|string|stdio|stdlib|limits|errno|inttypes)\.h$")
SYSTEM = re.compile(
    r"^(sys|linux|netinet|arpa|net|bits|x86_64-linux-gnu)/|"
    r"^(unistd|fcntl|signal|poll|netdb|pwd|grp|sched|termios|dirent|dlfcn|time|malloc|glob|syslog|spawn|"
    r"immintrin|nmmintrin|x86intrin|emmintrin|wmmintrin|arm_acle|arm_neon|cpuid)\.h$"
)
# Intrinsics are pure; the rest of SYSTEM is the outside world.
INTRINSICS = re.compile(r"^((i|n|x86|e|w)\w*intrin|arm_\w+|cpuid)\.h$")
PURE_LAYERS = ("domain", "commands", "projections")

# The arrows of the design: (who, what it may name in NEEDS). The first row that fits decides.
ARROWS = [
    (r"domain/base", r"$."),
    (r"domain/wire", r"domain/.+"),
    (r"domain/.+", r"domain/base"),
    (r"eventstore/port", r"domain/base"),
    (r"eventstore/.+", r"domain/base|eventstore/port"),
    (r"commands/.+", r"domain/.+|eventstore/port|commands/.+"),
    (r"projections/.+", r"domain/.+|eventstore/port|projections/.+"),
    (r"plugins/abi", r"$."),
    (r"plugins/sdk", r"plugins/abi"),
    (r"plugins/host", r"plugins/abi|commands/ports|domain/base"),
    (r"plugins/.+", r"plugins/(abi|sdk)"),
    (r"adapters/(daemon|cli)", r".+"),
    # the running node keeps its snapshots through the same door to files as the log
    (r"adapters/node", r"domain/.+|eventstore/(port|segments)|commands/.+|projections/.+"),
    # the API translates between HTTP and the node
    (r"adapters/api", r"domain/.+|eventstore/port|commands/.+|projections/.+|adapters/(http|node|crypto|telemetry)"),
    (r"adapters/.+", r"domain/.+|eventstore/port|commands/.+|projections/.+|plugins/host|adapters/(clock|crypto|telemetry)"),
    (r"tests/.+", r".+"),
]


class tree:
    """The rows of modules.json and the question of who owns a file."""

    def __init__(self, root: Path, rows: list[dict]) -> None:
        self.root = root
        self.rows = rows
        self.modules = {row["path"]: row for row in rows if row["kind"] == "module"}
        self.named = {source for row in rows for source in row["sources"] + row["tests"]}

    def module_of(self, path: str) -> str | None:
        folder = path
        while "/" in folder:
            folder = folder.rsplit("/", 1)[0]
            if folder in self.modules:
                return folder
        return None

    def allowed(self, path: str) -> tuple[set[str], set[str]] | None:
        """The modules and libraries that a file may include; None for a file nobody declared."""
        owner = self.module_of(path)
        if owner:
            row = self.modules[owner]
            return {owner, *row["needs"]}, set(row["uses"]) | ({"gtest"} if owner.startswith("tests/") else set())
        needs, uses, known = set(), set(), False
        folder = path.rsplit("/", 1)[0]
        for row in self.rows:
            if path in row["tests"]:
                known = True
                needs |= {row["path"], *row["needs"], *row["test_needs"]}
                uses |= {"gtest", *row["test_uses"]}
            elif row["kind"] != "module" and self._belongs(path, folder, row):
                known = True
                needs |= set(row["needs"])
                uses |= set(row["uses"]) | ({"gtest"} if row["kind"] == "test" else set())
        return (needs, uses) if known else None

    @staticmethod
    def _belongs(path: str, folder: str, row: dict) -> bool:
        if path.endswith((".hpp", ".h")):
            return any(source.rsplit("/", 1)[0] == folder for source in row["sources"])
        return path in row["sources"]


def library_of(header: str) -> str | None:
    return next((name for name, pattern in THIRD_PARTY.items() if re.match(pattern, header)), None)


def check_system_include(where: tuple, header: str, owner: str | None, uses: set, found: findings) -> None:
    path, line = where
    library = library_of(header)
    if library is None:
        layer = path.split("/")[0]
        if SYSTEM.match(header):
            if layer in PURE_LAYERS and not INTRINSICS.match(header):
                found.add(path, line, f"<{header}> is the outside world: {layer} gets it through a port")
        elif not STANDARD.match(header) and not C_HEADERS.match(header):
            found.add(path, line, f"<{header}> belongs to no library that ops/check/layers.py knows")
        return
    granted = uses | {more for use in uses for more in ALSO_ALLOWS.get(use, ())}
    if library not in granted:
        have = ", ".join(sorted(uses)) or "none"
        found.add(path, line, f"<{header}> needs USES {library}; declared are: {have}")
    elif owner and path.endswith((".hpp", ".h")) and "/detail/" not in path and not owner.startswith("tests/"):
        found.add(path, line, f"<{header}> in a public header: move it to a .cpp or to {owner}/detail/")


def check_own_include(where: tuple, header: str, all_of: tree, needs: set, found: findings) -> None:
    path, line = where
    if not (all_of.root / header).is_file():
        beside = path.rsplit("/", 1)[0] + "/" + header
        hint = f': write "{beside}"' if (all_of.root / beside).is_file() else ": there is no such file"
        found.add(path, line, f'"{header}" is not a path from the root{hint}')
        return
    target = all_of.module_of(header)
    same_folder = header.rsplit("/", 1)[0] == path.rsplit("/", 1)[0]
    if target is None:
        if header.startswith("tests/") and path.startswith("tests/") and same_folder:
            return
        found.add(path, line, f'"{header}" is in no declared module')
    elif target not in needs:
        found.add(path, line, f"may not include {target}; allowed are: {', '.join(sorted(needs))}")
    elif "/detail/" in header:
        mine = all_of.module_of(path)
        if mine != target:
            found.add(path, line, f'"{header}" is private to {target}')
        elif path.endswith((".hpp", ".h")) and "/detail/" not in path:
            found.add(path, line, f'"{header}" is private: a public header may not include it')


def check_files(all_of: tree, found: findings) -> tuple[int, int]:
    undeclared: set[str] = set()
    file_count = include_count = 0
    for path in files(all_of.root):
        top = path.split("/")[0]
        if Path(path).suffix not in CPP or top not in (*LAYERS, "tests"):
            continue
        file_count += 1
        allowed = all_of.allowed(path)
        if allowed is None:
            folder = "/".join(path.split("/")[:2])
            if top in LAYERS and folder not in undeclared:
                undeclared.add(folder)
                found.add(path, 1, f"{folder} has no fasti_module() call in CMakeLists.txt")
            elif top == "tests" and not path.endswith(("play_corpus.cpp", ".hpp", ".h")):
                found.add(path, 1, "no fasti_module(), fasti_test() or fasti_executable() names this file")
            continue
        if path.endswith((".cpp", ".c")) and path not in all_of.named and not path.endswith("play_corpus.cpp"):
            found.add(path, 1, "not among the SOURCES of its module: dead file")
        text = (all_of.root / path).read_text(encoding="utf-8")
        code = strip(text)
        for match in INCLUDE.finditer(text):
            if "#" not in code[match.start() : match.end()]:
                continue  # inside a comment
            include_count += 1
            where = (path, text.count("\n", 0, match.start(1)) + 1)
            if match.group(1) == "<":
                check_system_include(where, match.group(2), all_of.module_of(path), allowed[1], found)
            else:
                check_own_include(where, match.group(2), all_of, allowed[0], found)
    return file_count, include_count


def check_rows(all_of: tree, found: findings) -> None:
    for path, row in all_of.modules.items():
        may = next((pattern for who, pattern in ARROWS if re.fullmatch(who, path)), None)
        if may is None:
            found.add("CMakeLists.txt", 1, f"{path} is in no layer of the design")
            continue
        for need in row["needs"]:
            if not re.fullmatch(may, need):
                found.add("CMakeLists.txt", 1, f"{path} NEEDS {need}: the design forbids that arrow")
    for cycle in cycles({path: row["needs"] for path, row in all_of.modules.items()}):
        found.add("CMakeLists.txt", 1, "cycle: " + " -> ".join(cycle))


def cycles(graph: dict[str, list[str]]) -> list[list[str]]:
    found, done = [], set()

    def visit(node: str, trail: list[str]) -> None:
        if node in trail:
            found.append(trail[trail.index(node) :] + [node])
            return
        if node in done:
            return
        for need in graph.get(node, ()):
            visit(need, trail + [node])
        done.add(node)

    for node in graph:
        visit(node, [])
    return found


def main() -> int:
    options = arguments(__doc__).parse_args()
    build = options.build or options.root / "build" / "dev"
    try:
        rows = json.loads((build / "modules.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        print(f"layers: no {build}/modules.json: configure first (cmake --preset dev)", file=sys.stderr)
        return 2
    found = findings("layers")
    all_of = tree(options.root.resolve(), rows)
    check_rows(all_of, found)
    file_count, include_count = check_files(all_of, found)
    return found.finish(f"{len(all_of.modules)} modules, {file_count} files, {include_count} includes")


if __name__ == "__main__":
    sys.exit(main())

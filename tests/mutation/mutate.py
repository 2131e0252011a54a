#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Do the tests notice? Plants sampled small faults into a module, one at a time, and runs its tests on each.

The work happens in a copy of the tree under <build>/mutation; the tree itself is never touched. A mutant is killed
when a test fails, crashes or hangs, invalid when it does not compile (another is drawn), else it survives. First the
module's own tests are built and run one after the other, the quickest first, until one fails; then, on what they let
live, the tests that name the module among their NEEDS.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import operators

ROOT = Path(__file__).resolve().parents[2]
MEMORY_BYTES = 4 << 30
LABELS = ("tests/unit/", "tests/contract/", "tests/golden/", "tests/sim/")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="ops/dev mutate", description=__doc__.split("\n")[0],
                                     epilog="example: ops/dev mutate domain/registry --count 200 --seed 7")
    parser.add_argument("module", help="a module's folder, or one file of it: domain/registry")
    parser.add_argument("--count", type=int, default=200, help="how many mutants are judged (default 200)")
    parser.add_argument("--seed", type=int, default=1, help="which ones are drawn (default 1)")
    parser.add_argument("--jobs", type=int, default=2, help="compilers at once (default 2)")
    parser.add_argument("--bar", type=float, default=85.0, help="percent killed that pass (default 85)")
    parser.add_argument("--accepted", type=Path, default=ROOT / "tests/mutation/survivors.md",
                        help="survivors that are explained there by their id do not count against the bar")
    parser.add_argument("--resume", action="store_true",
                        help="judge again only what survived an earlier run without being explained: after an "
                             "interruption, or to see whether a test that was added finds it")
    return parser.parse_args()


class copied_tree:
    """A copy of the files git knows (changed ones as they are now) with a build of its own."""

    def __init__(self, jobs: int) -> None:
        self.root = ROOT / "build/mutation/tree"
        self.jobs = jobs
        names = subprocess.run(["git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                               check=True, capture_output=True, text=True).stdout.split("\0")
        wanted = {name for name in names if name and (ROOT / name).is_file()}
        for name in wanted:
            copy, now = self.root / name, (ROOT / name).read_bytes()
            if not copy.is_file() or copy.read_bytes() != now:
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, copy)
        self.build = self.root / "build/dev"
        self.environment = dict(os.environ)
        # A little optimised: the tests of a mutant that lives take longer than its compilation.
        run(["cmake", "--preset", "dev", "-DCMAKE_BUILD_TYPE=Mutants", "-DCMAKE_CXX_FLAGS_MUTANTS=-O1"], self.root)

    def read_cache_only(self) -> None:
        """A mutant is compiled once, so it is not kept; the file that is put back after it is found."""
        self.environment["CCACHE_READONLY_DIRECT"] = self.environment["CCACHE_READONLY"] = "1"

    def rows(self) -> list[dict]:
        return json.loads((self.build / "modules.json").read_text(encoding="utf-8"))

    def make(self, targets: list[str]) -> bool:
        return subprocess.run(["cmake", "--build", self.build, "-j", str(self.jobs), "--target", *targets],
                              capture_output=True, check=False, env=self.environment).returncode == 0

    def test(self, target: str, limit_seconds: float) -> str | None:
        """What became of it, or nothing when it passed."""
        try:
            done = subprocess.run([self.build / "bin" / target, "--gtest_brief=1", "--gtest_fail_fast"],
                                  cwd=self.root, capture_output=True, check=False, timeout=10 * limit_seconds,
                                  preexec_fn=lambda: bound(int(limit_seconds)),
                                  env={"RC_PARAMS": "seed=20260401", "PATH": "/usr/bin:/bin"})
        except subprocess.TimeoutExpired:
            return f"{target} (hangs)"
        return None if done.returncode == 0 else target


def bound(cpu_seconds: int) -> None:
    """A mutant that allocates or loops without end dies; one that only waits is given up ten times later, since a
    machine that others use may hold up a sound one."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))


def run(command: list, folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


def tests_of(rows: list[dict], module: str) -> tuple[list[str], list[str]]:
    """Names of the module's own GoogleTest executables, and of those that need it by name."""
    own, near = [], []
    for row in rows:
        if row["path"] == module or module in row["test_needs"]:
            (own if row["path"] == module else near).extend(Path(test).stem for test in row["tests"])
        elif row["kind"] == "test" and module in row["needs"] and row["sources"][0].startswith(LABELS):
            (near if "/sim/" in row["sources"][0] else own).append(row["name"])
    return own, [name for name in near if name not in own]


def drawn(sources: dict[str, str], seed: int) -> list[tuple[str, operators.mutant]]:
    """All of them by their names, in the order of the seed. A name stays the same while the line does, wherever it moves,
    and so does its place in the order among the others."""
    found, met = [], Counter()
    for path in sorted(sources):
        for one in operators.mutants_of(path, sources[path]):
            line = sources[path].split("\n")[one.line - 1].strip()
            name = hashlib.sha256(f"{path}|{line}|{one.start}|{one.text}".encode()).hexdigest()[:10]
            met[name] += 1
            found.append((name if met[name] == 1 else f"{name}.{met[name]}", one))
    return sorted(found, key=lambda each: hashlib.sha256(f"{seed}|{each[0]}".encode()).digest())


class known_verdicts:
    """Of earlier runs on this module, one a line."""

    def __init__(self, tree: copied_tree, module: str, resumed: bool) -> None:
        self.file = tree.root.parent / f"{module.replace('/', '_')}.verdicts"
        self.known: dict[str, str] = {}
        if resumed and self.file.is_file():
            for line in self.file.read_text(encoding="utf-8").splitlines():
                name, verdict = line.split(" ", 1)
                self.known[name] = verdict
        else:
            self.file.write_text("", encoding="utf-8")

    def of(self, name: str, is_explained: bool) -> str | None:
        verdict = self.known.get(name)
        return None if verdict == "survived" and not is_explained else verdict

    def add(self, name: str, verdict: str) -> None:
        with self.file.open("a", encoding="utf-8") as out:
            out.write(f"{name} {verdict}\n")


class judged:
    def __init__(self) -> None:
        self.killed = self.invalid = self.accepted = 0
        self.survivors: list[str] = []

    @property
    def count(self) -> int:
        return self.killed + self.accepted + len(self.survivors)


def judge(tree: copied_tree, one: operators.mutant, sources: dict[str, str], in_turn: list[str],
          limits: dict[str, float]) -> str:
    file = tree.root / one.path
    file.write_text(one.apply(sources[one.path]), encoding="utf-8")
    try:
        for target in in_turn:
            if not tree.make([target]):
                return "invalid"
            if by := tree.test(target, limits[target]):
                return f"killed by {by}"
        return "survived"
    finally:
        file.write_text(sources[one.path], encoding="utf-8")


def main() -> int:
    told = arguments()
    tree = copied_tree(told.jobs)
    wanted = Path(told.module)
    module = str(wanted.parent if wanted.suffix else wanted)
    own, near = tests_of(tree.rows(), module)
    if not own + near:
        sys.exit(f"mutate: no tests name the module {module}")
    limits = measured(tree, own + near)
    tree.read_cache_only()
    in_turn = sorted(own, key=limits.__getitem__) + sorted(near, key=limits.__getitem__)
    sources = {name: (tree.root / name).read_text(encoding="utf-8") for name in files_of(tree, told.module)}
    everything = drawn(sources, told.seed)
    verdicts = known_verdicts(tree, module, told.resume)
    explained = set(re.findall(r"`([0-9a-f.]+)`", told.accepted.read_text(encoding="utf-8")))
    sums = judged()
    for name, one in everything:
        if sums.count >= told.count:
            break
        verdict = verdicts.of(name, name in explained)
        if verdict is None:
            verdict = judge(tree, one, sources, in_turn, limits)
            verdicts.add(name, verdict)
        if verdict == "invalid":
            sums.invalid += 1
        elif verdict != "survived":
            sums.killed += 1
        elif name in explained:
            sums.accepted += 1
        else:
            sums.survivors.append(f"{name} {one.told(sources[one.path])}")
            print(f"survived: {sums.survivors[-1]}", flush=True)
        print(f"{sums.count} of {told.count}: {sums.killed} killed, {len(sums.survivors)} survived, "
              f"{sums.accepted} explained; {verdict}", file=sys.stderr, flush=True)
    return finish(sums, module, told, len(everything))


def finish(sums: judged, module: str, told: argparse.Namespace, possible: int) -> int:
    percent = 100.0 * sums.killed / max(1, sums.killed + len(sums.survivors))
    print(f"{module}: {sums.count} mutants of {possible} (seed {told.seed}): {sums.killed} killed, "
          f"{len(sums.survivors)} survived, {sums.accepted} explained survivors, {sums.invalid} did not compile: "
          f"{percent:.1f} % killed, bar {told.bar:.0f} %")
    return 0 if percent >= told.bar else 1


def files_of(tree: copied_tree, wanted: str) -> list[str]:
    at = tree.root / wanted
    found = [at] if at.is_file() else sorted(at.glob("*.[ch]pp"))
    names = [str(file.relative_to(tree.root)) for file in found if not operators.common.is_generated(str(file))]
    if not names:
        sys.exit(f"mutate: there is no source at {wanted}")
    return names


def measured(tree: copied_tree, targets: list[str]) -> dict[str, float]:
    """Builds and runs everything unchanged; the time each may compute is five times what it took."""
    if not tree.make(targets):
        sys.exit("mutate: the unchanged tree does not build")
    limits = {}
    for target in targets:
        started = time.monotonic()
        if tree.test(target, 600.0):
            sys.exit(f"mutate: {target} fails on the unchanged tree")
        limits[target] = 3.0 + 5.0 * (time.monotonic() - started)
    return limits


if __name__ == "__main__":
    sys.exit(main())

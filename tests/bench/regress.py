#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""ops/dev regress: is this build slower than the last release, measured in turns on this machine?

The last release is built beside this tree (build/baseline). Judged is processor time, which neighbours hardly change: of
the server for one request, and of programs for one event of the log. Exit status: 0 no path is slower; 1 one is, beyond
noise; 2 nothing could be compared, and why."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import functools
import json
import os
import re
import signal
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import baseline  # noqa: E402
from judgement import LOOKS, PAIRS, Pairs, judge, verdict  # noqa: E402
from paths import Run, load, numbering, populate, program, settings  # noqa: E402
from servers import bench_error, cores_for, fasti  # noqa: E402

THEIRS, OURS = 0, 1
PIPELINE = 16
LEAST_CPU_US = 20_000  # in a run, to be counted
Measure = Callable[[int], Run]  # of one side


class not_comparable(Exception):
    """The baseline does not know what is measured; its text says what."""


@dataclass(frozen=True)
class sides:
    how: settings              # this tree's: its load generator drives both servers
    builds: tuple[Path, Path]  # theirs, ours

    def of(self, which: int) -> settings:
        return dataclasses.replace(self.how, build=self.builds[which])


# --- what is measured ---------------------------------------------------------------------------------


@contextlib.contextmanager
def blamed(which: int) -> Iterator[None]:
    """What the baseline cannot do is no fault of this tree."""
    try:
        yield
    except bench_error as error:
        if which == THEIRS:
            raise not_comparable(str(error)) from None
        raise


@contextlib.contextmanager
def _servers(both: sides) -> Iterator[list[fasti]]:
    cores, _ = cores_for("split")
    with contextlib.ExitStack() as stack:
        started = []
        for which in (THEIRS, OURS):
            with blamed(which):
                started.append(stack.enter_context(fasti(both.builds[which], cores)))
        yield started


def long_enough(run: Callable[[float], Run], seconds: float) -> Run:
    """A run in which the server had its core for long enough to be counted; on a crowded machine that takes longer runs."""
    for doubled in range(5):
        result = run(seconds * 2**doubled)
        if result["server_cpu_us"] * result["requests"] >= LEAST_CPU_US:
            return result
    raise bench_error(f"the server got no {LEAST_CPU_US / 1000:g} ms of processor time in {16 * seconds:g} s: is the machine overloaded?")


@contextlib.contextmanager
def _asked(both: sides, *words: object) -> Iterator[Measure]:
    """Reads, among 30 instances; also many at a time, where the kernel's part is small and ours is seen."""
    with _servers(both) as started:
        for which in (THEIRS, OURS):
            with blamed(which):
                populate(both.how, started[which], 10, 3)

        def measure(which: int) -> Run:
            asks = lambda pipeline, seconds: load(both.how, started[which], "split", "--warmup", 0.05, "--connections", 32,
                                                  "--pipeline", pipeline, *words, seconds=seconds)
            used = lambda pipeline: long_enough(functools.partial(asks, pipeline), both.how.seconds)["server_cpu_us"]
            return {"one at a time": used(1), f"{PIPELINE} at a time": used(PIPELINE)}
        yield measure


@contextlib.contextmanager
def _written(both: sides, commands: int, requests: int, *words: object) -> Iterator[Measure]:
    """As many requests in every run, so that both sides hold the same at any time."""
    with _servers(both) as started:
        numbers = [numbering(), numbering()]
        counted = dataclasses.replace(both.how, seconds=300.0)  # at most
        yield lambda which: {"of a request": numbers[which].run(
            counted, started[which], "split", commands, "--count", requests, *words)["server_cpu_us"]}


@contextlib.contextmanager
def _in_process(both: sides, figure: str, name: str, *words: object) -> Iterator[Measure]:
    """Each side's own program with the same words; `figure` of its answer in microseconds, or `per_s` of one core."""
    cores, _ = cores_for("shared" if "append" in words else "split")

    def measure(which: int) -> Run:
        how = both.of(which)
        folder = how.build / "bench"
        folder.mkdir(exist_ok=True)
        lines = program(how, name, *(folder if word == "FOLDER" else word for word in words), cores=cores)
        for line in lines:
            if figure in line:
                return {"of an event": float(line[figure])}
            if line.get("path") == figure:
                return {"of an event": 1e6 / float(line["value"])}
        raise bench_error(f"{name} does not say {figure}")
    yield measure


@dataclass(frozen=True)
class path:
    what: str
    start: Callable[[sides], contextlib.AbstractContextManager[Measure]]


PATHS = {
    "constant": path("constant answer", lambda both: _asked(both, "--path", "/health/live")),
    "discovery": path("discovery of one", lambda both: _asked(
        both, "--mode", "discover", "--services", 10, "--instances", 3)),
    "renewal": path("lease renewal", lambda both: _asked(both, "--mode", "renew", "--services", 10, "--instances", 3)),
    "register": path("durable register, 64 connections", lambda both: _written(
        both, 1, 10_000, "--mode", "register", "--expect", 201, "--connections", 64)),
    "batch": path("durable register, 100 in one request", lambda both: _written(
        both, 100, 150, "--mode", "batch", "--connections", 16)),
    "append": path("ledger append, batches of 256", lambda both: _in_process(
        both, "cpu_us", "ledger_bench", "append", "FOLDER", 256, 400, 2.5 * both.how.seconds)),  # some segments are begun
    "log_read": path("log read", lambda both: _in_process(
        both, "cpu_us", "ledger_bench", "read", "FOLDER", 1, 400, both.how.seconds)),
    "rebuild": path("view rebuild", lambda both: _in_process(both, "view rebuild", "views_bench", "rebuild", "middle")),
}
PROGRAMS = ("ledger_bench", "views_bench")


# --- comparing ----------------------------------------------------------------------------------------


@dataclass
class finding:
    """One figure of one path."""

    name: str
    figure: str
    pairs: Pairs
    found: verdict

    def middle(self, which: int) -> float:
        return statistics.median(pair[which] for pair in self.pairs)

    def as_json(self) -> dict[str, object]:
        return {"path": self.name, "figure": self.figure, "unit": "us", "baseline": round(self.middle(THEIRS), 4),
                "this": round(self.middle(OURS), 4), "ratio": round(self.found.ratio, 3), "slower": self.found.slower,
                "decided": self.found.decided,
                "pairs": [[round(value, 4) for value in pair] for pair in self.pairs]}


@dataclass
class outcome:
    findings: list[finding] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)  # path: why
    broken: dict[str, str] = field(default_factory=dict)    # path: what this tree could not do

    @property
    def status(self) -> int:
        if self.broken or not self.findings:
            return 2
        return 1 if any(one.found.slower for one in self.findings) else 0


def compare(name: str, wanted: path, both: sides, until: float) -> list[finding]:
    """Runs in turns, A B and B A, until every figure is decided; another look begins in time or not at all."""
    taken: dict[str, Pairs] = {}
    for look in range(LOOKS):
        if look > 0 and time.monotonic() > until:
            break
        with wanted.start(both) as measure:
            for number in range(PAIRS):
                got: dict[int, Run] = {}
                for which in (THEIRS, OURS) if number % 2 == 0 else (OURS, THEIRS):
                    with blamed(which):
                        got[which] = measure(which)
                for figure in got[OURS]:
                    taken.setdefault(figure, []).append((got[THEIRS][figure], got[OURS][figure]))
        verdicts = {figure: judge(pairs) for figure, pairs in taken.items()}
        if all(each.decided for each in verdicts.values()):
            break
    return [finding(name, figure, pairs, verdicts[figure]) for figure, pairs in taken.items()]


def compare_all(names: list[str], both: sides, minutes: float) -> outcome:
    done = outcome()
    until = time.monotonic() + 60 * minutes
    for name in names:
        begin = time.monotonic()
        try:
            done.findings += compare(name, PATHS[name], both, until)
        except not_comparable as error:
            done.left_out[name] = str(error)
        except bench_error as error:
            done.broken[name] = str(error)
        print(f"regress: {name} after {time.monotonic() - begin:.0f} s", file=sys.stderr)
    return done


# --- telling ------------------------------------------------------------------------------------------


def told(found: verdict) -> str:
    return "SLOWER" if found.slower else "-" if found.decided else "undecided: no time left"


def table(findings: list[finding]) -> str:
    rows = [("path", "processor time", "baseline", "this", "ratio", "pairs", "verdict")]
    rows += [(PATHS[one.name].what, one.figure, f"{one.middle(THEIRS):.3f} us", f"{one.middle(OURS):.3f} us",
              f"{one.found.ratio:.2f}", str(len(one.pairs)), told(one.found)) for one in findings]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(text.ljust(width) for text, width in zip(row, widths)).rstrip() for row in rows)


def complaints(done: outcome, commit: str, name: str) -> Iterator[str]:
    """What failed, each with the command that shows it again."""
    for one in done.findings:
        if one.found.slower:
            yield (f"regress: {PATHS[one.name].what}: processor time {one.figure}: {one.middle(THEIRS):.3f} us in {name}, "
                   f"{one.middle(OURS):.3f} us here, {one.found.ratio:.2f} times as much in {len(one.pairs)} pairs of runs; "
                   f"again: ./ops/dev regress --against {commit} --paths {one.name}")
    for path_name, why in done.broken.items():
        yield f"regress: {path_name}: {why}"
    if not done.findings:
        yield "regress: nothing was compared"


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="ops/dev regress", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", metavar="COMMIT", help="compare with this commit instead of the last release")
    parser.add_argument("--paths", metavar="A,B", default=",".join(PATHS), help=f"only these of: {', '.join(PATHS)}")
    parser.add_argument("--json", action="store_true", help="everything, each pair of runs included, as JSON")
    parser.add_argument("--seconds", type=float, default=0.3, help="measured time of a run (0.3)")
    parser.add_argument("--minutes", type=float, default=6, help="no path is looked at again after so many minutes (6)")
    parser.add_argument("--check", action="store_true", help="only whether the words are right and the baseline is there")
    parser.add_argument("--build", type=Path, default=os.environ.get("FASTI_BUILD_DIR", "build/release"),
                        help="build folder of this tree (FASTI_BUILD_DIR or build/release)")
    asked = parser.parse_args(words)
    asked.paths = [name for name in re.split(r"[,\s]+", asked.paths) if name]
    unknown = [name for name in asked.paths if name not in PATHS]
    if unknown or not asked.paths:
        parser.error(f"there is no path {', '.join(unknown)}; there are: {', '.join(PATHS)}")
    return asked


def main() -> int:
    asked = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the servers end too
    try:
        last = baseline.find(Path.cwd(), asked.against)
        if asked.check:
            return 0
        print(f"regress: this tree beside {last.name}, {last.why}", file=sys.stderr)
        theirs = baseline.build(Path.cwd(), last.commit, PROGRAMS)
    except baseline.unusable as error:
        print(f"regress: {error}", file=sys.stderr)
        return 2
    how = settings(build=Path(asked.build).resolve(), seconds=asked.seconds, rounds=PAIRS, placement="split", peers=False,
                   smoke=False)
    done = compare_all(asked.paths, sides(how, (theirs, how.build)), asked.minutes)
    if asked.json:
        print(json.dumps({"baseline": dataclasses.asdict(last), "seconds": asked.seconds, "left_out": done.left_out,
                          "broken": done.broken, "findings": [one.as_json() for one in done.findings]}, indent=1))
    elif done.findings:
        print(table(done.findings))
    for name, why in done.left_out.items():
        print(f"regress: {name} is not compared, {last.name} cannot: {why}", file=sys.stderr)
    for line in complaints(done, last.commit, last.name):
        print(line, file=sys.stderr)
    return done.status


if __name__ == "__main__":
    sys.exit(main())

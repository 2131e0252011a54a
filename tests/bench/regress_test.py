#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""ops/dev regress: the verdict over recorded and over made-up noise, which commit is the baseline, how runs take turns, and
what a failure says. Nothing is measured here."""

from __future__ import annotations

import contextlib
import json
import random
import subprocess
import sys
import tempfile
import unittest
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import baseline  # noqa: E402
import regress  # noqa: E402
from judgement import LOOKS, PAIRS, Pairs, judge, ratio_of, verdict  # noqa: E402
from servers import bench_error  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
RECORDED = json.loads((Path(__file__).parent / "regress_samples.json").read_text(encoding="utf-8"))["figures"]


def looked_at(draw: Callable[[], Pairs]) -> verdict:
    """As compare() does it: looks until one decides."""
    pairs: Pairs = []
    found = verdict(0.0, False, False)
    while not found.decided:
        pairs += draw()
        found = judge(pairs)
    return found


def slowed(pairs: Pairs, factor: float) -> Pairs:
    return [(theirs, factor * ours) for theirs, ours in pairs]


def share_of_slower(draw: Callable[[], Pairs], factor: float, times: int) -> float:
    return sum(looked_at(lambda: slowed(draw(), factor)).slower for _ in range(times)) / times


class the_verdict(unittest.TestCase):
    def test_over_recorded_looks_of_a_build_beside_itself(self) -> None:
        """Whole looks as they were measured, in any order: neighbours stay for longer than a run."""
        for figure in RECORDED:
            chance = random.Random(1)
            draw = lambda: [tuple(pair) for pair in chance.choice(figure["looks"])]
            with self.subTest(figure["name"]):
                self.assertEqual(share_of_slower(draw, 1.0, 1000), 0.0)
                self.assertGreaterEqual(share_of_slower(draw, 1.5, 1000), 0.95)

    def test_over_made_up_noise(self) -> None:
        def pair(chance: random.Random, spread: float, disturbed: float) -> tuple[float, float]:
            # Neighbours only add: a third of the runs, by up to as much again.
            one = lambda: chance.lognormvariate(0, spread) * (1 + chance.random() * (chance.random() < disturbed))
            return one(), one()
        for spread, disturbed in ((0.05, 0.0), (0.1, 0.33), (0.2, 0.1)):
            chance = random.Random(2)
            draw = lambda: [pair(chance, spread, disturbed) for _ in range(PAIRS)]
            with self.subTest((spread, disturbed)):
                self.assertLessEqual(share_of_slower(draw, 1.0, 2000), 0.001)
                self.assertGreaterEqual(share_of_slower(draw, 1.5, 1000), 0.9)

    def test_a_neighbour_who_disturbs_all_runs_of_one_side_of_a_look_is_not_believed(self) -> None:
        looks = iter([[(1.0, 1.6)] * PAIRS, [(1.0, 1.0)] * PAIRS, [(1.0, 1.0)] * PAIRS])
        self.assertFalse(looked_at(lambda: next(looks)).slower)

    def test_what_is_quicker_or_equal_is_decided_at_the_first_look(self) -> None:
        for factor in (0.5, 1.0, 1.15):
            self.assertEqual(judge([(1.0, factor)] * PAIRS), verdict(factor, True, False))

    def test_what_is_slower_is_looked_at_as_often_as_is_allowed(self) -> None:
        for looks in range(1, LOOKS):
            self.assertFalse(judge([(1.0, 1.5)] * PAIRS * looks).decided)
        self.assertEqual(judge([(1.0, 1.5)] * PAIRS * LOOKS), verdict(1.5, True, True))

    def test_the_estimate_is_the_one_that_accuses_less(self) -> None:
        self.assertAlmostEqual(ratio_of([(1.0, 2.0), (1.0, 2.0), (2.0, 2.0), (1.0, 2.0)]), 2.0)
        self.assertAlmostEqual(ratio_of([(1.0, 1.0), (1.0, 1.0), (1.0, 3.0), (1.0, 3.0), (1.0, 3.0)]), 1.0)


class the_baseline(unittest.TestCase):
    """In a repository of four commits, the first of which is a release."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name) / "tree"
        self.root.mkdir()
        self.git("init", "-q", "-b", "main")
        self.commits = []
        for number in range(4):
            (self.root / "text").write_text(f"{number}\n")
            self.git("add", ".")
            self.git("-c", "user.name=x", "-c", "user.email=x@example.org", "commit", "-q", "-m", str(number))
            self.commits.append(self.git("rev-parse", "HEAD"))
        self.git("tag", "v0.1.0", self.commits[0])

    def git(self, *words: str) -> str:
        return subprocess.run(["git", "-C", str(self.root), *words], check=True, capture_output=True, text=True).stdout.strip()

    def write_down(self, *lines: str) -> None:
        file = self.root / baseline.FILE
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("# why\n\n" + "".join(line + "\n" for line in lines))

    def refused(self, root: Path, asked: str | None = None) -> str:
        with self.assertRaises(baseline.unusable) as caught:
            baseline.find(root, asked)
        return str(caught.exception)

    def test_it_is_the_newest_release_below_this_commit(self) -> None:
        self.assertEqual(baseline.find(self.root).name, "v0.1.0")
        self.git("tag", "v0.2.0", self.commits[2])
        self.assertEqual(baseline.find(self.root).commit, self.commits[2])

    def test_a_release_is_compared_with_the_one_before_it(self) -> None:
        self.git("tag", "v0.2.0", self.commits[3])
        self.assertEqual(baseline.find(self.root).name, "v0.1.0")

    def test_what_is_written_down_wins_when_it_is_newer_than_the_release(self) -> None:
        self.write_down(self.commits[1])
        self.assertEqual(baseline.find(self.root).commit, self.commits[1])
        self.git("tag", "v0.2.0", self.commits[2])
        self.assertEqual(baseline.find(self.root).name, "v0.2.0")

    def test_what_is_asked_for_wins(self) -> None:
        self.write_down(self.commits[1])
        self.assertEqual(baseline.find(self.root, "HEAD~1").commit, self.commits[2])

    def test_without_a_release_it_is_what_is_written_down(self) -> None:
        self.git("tag", "-d", "v0.1.0")
        self.assertIn("no release tag", self.refused(self.root))
        self.write_down(self.commits[1])
        self.assertEqual(baseline.find(self.root).commit, self.commits[1])

    def test_a_commit_that_is_missing_is_told_with_what_helps(self) -> None:
        self.assertIn("(asked for) is not in this clone", self.refused(self.root, "0" * 40))
        shallow = self.root.parent / "shallow"
        subprocess.run(["git", "clone", "-q", "--depth", "1", f"file://{self.root}", str(shallow)], check=True)
        (shallow / "ops/release").mkdir(parents=True)
        (shallow / baseline.FILE).write_text(self.commits[0] + "\n")
        told = self.refused(shallow)
        self.assertIn(self.commits[0], told)
        self.assertIn("git fetch --unshallow", told)

    def test_a_folder_that_is_no_clone_is_told(self) -> None:
        plain = self.root.parent / "plain"
        plain.mkdir()
        for asked in (None, "HEAD"):
            self.assertIn("is no git clone", self.refused(plain, asked))

    def test_more_than_one_commit_written_down_is_told(self) -> None:
        self.write_down(self.commits[0], self.commits[1])
        self.assertIn("names 2 commits", self.refused(self.root))

    def test_the_one_in_this_tree_is_a_full_commit(self) -> None:
        written = baseline._written_down(ROOT)
        self.assertRegex(written or "", "^[0-9a-f]{40}$")

    def test_checking_it_out_leaves_the_tree_alone(self) -> None:
        (self.root / "text").write_text("being edited\n")
        place = self.root / "build/baseline/x"
        baseline._check_out(self.root, self.commits[1], place)
        self.assertEqual((place / "text").read_text(), "1\n")
        self.assertEqual((self.root / "text").read_text(), "being edited\n")
        self.assertEqual(self.git("rev-parse", "HEAD"), self.commits[3])


class comparing(unittest.TestCase):
    def setUp(self) -> None:
        self.order: list[int] = []
        self.started = 0
        self.values = {regress.THEIRS: 1.0, regress.OURS: 1.0}
        self.faults: dict[int, str] = {}
        regress.PATHS["made_up"] = regress.path("made up", self.start)
        self.addCleanup(regress.PATHS.pop, "made_up")

    @contextlib.contextmanager
    def start(self, _: regress.sides) -> Iterator[regress.Measure]:
        self.started += 1

        def measure(which: int) -> regress.Run:
            self.order.append(which)
            if which in self.faults:
                raise bench_error(self.faults[which])
            return {"one at a time": self.values[which]}
        yield measure

    def compared(self, minutes: float = 1.0) -> regress.outcome:
        return regress.compare_all(["made_up"], None, minutes)  # the made-up path needs no builds

    def test_runs_take_turns(self) -> None:
        self.assertEqual(self.compared().status, 0)
        self.assertEqual(self.started, 1)
        self.assertEqual(self.order[:6], [0, 1, 1, 0, 0, 1])
        self.assertEqual(len(self.order), 2 * PAIRS)

    def test_a_slower_build_is_looked_at_with_fresh_processes_each_time(self) -> None:
        self.values[regress.OURS] = 1.5
        done = self.compared()
        self.assertEqual((done.status, self.started, len(self.order)), (1, LOOKS, 2 * PAIRS * LOOKS))

    def test_when_time_is_up_there_is_no_second_look_and_nobody_is_accused(self) -> None:
        self.values[regress.OURS] = 1.5
        done = self.compared(minutes=0.0)
        self.assertEqual((done.status, self.started), (0, 1))
        self.assertIn("undecided", regress.table(done.findings))

    def test_a_failure_names_the_path_both_figures_and_the_command_to_repeat(self) -> None:
        self.values[regress.OURS] = 1.5
        (told,) = regress.complaints(self.compared(), "0123456789abcdef", "v0.1.0")
        for part in ("made up: processor time one at a time: 1.000 us in v0.1.0, 1.500 us here", "1.50 times",
                     "./ops/dev regress --against 0123456789abcdef --paths made_up"):
            self.assertIn(part, told)

    def test_what_the_baseline_cannot_do_is_left_out_and_said(self) -> None:
        self.faults[regress.THEIRS] = "no such mode"
        done = self.compared()
        self.assertEqual((done.left_out, done.broken), ({"made_up": "no such mode"}, {}))
        self.assertEqual(done.status, 2)  # nothing at all was compared

    def test_what_this_tree_cannot_do_is_a_failure(self) -> None:
        self.faults[regress.OURS] = "ended with status 1"
        done = self.compared()
        self.assertEqual((done.status, done.broken), (2, {"made_up": "ended with status 1"}))
        self.assertIn("made_up: ended with status 1", "".join(regress.complaints(done, "c", "n")))


class a_run(unittest.TestCase):
    def asked_for(self, shares: list[float]) -> tuple[float, list[float]]:
        """Each request costs 5 us; of each run the server has a share of its core. What is told, and how long the runs were."""
        lengths: list[float] = []

        def run(seconds: float) -> regress.Run:
            lengths.append(seconds)
            requests = shares[len(lengths) - 1] * seconds * 1e6 / 5
            return {"requests": requests, "server_cpu_us": 5.0 if requests else 0.0}
        return regress.long_enough(run, 0.3)["server_cpu_us"], lengths

    def test_is_repeated_for_longer_where_the_server_hardly_got_its_core(self) -> None:
        self.assertEqual(self.asked_for([0.5]), (5.0, [0.3]))
        self.assertEqual(self.asked_for([0.0, 0.01, 0.1]), (5.0, [0.3, 0.6, 1.2]))

    def test_is_given_up_on_a_machine_that_has_no_time(self) -> None:
        with self.assertRaisesRegex(bench_error, "overloaded"):
            self.asked_for([0.0] * 5)


class words(unittest.TestCase):
    def told(self, *given: str) -> str:
        done = subprocess.run([sys.executable, "-B", regress.__file__, "--check", *given], cwd=ROOT, capture_output=True,
                              text=True, timeout=60)
        self.assertEqual(done.returncode, 2, done.stderr)
        return done.stderr

    def test_paths_are_chosen_by_name(self) -> None:
        self.assertEqual(regress.arguments(["--paths", "discovery, batch"]).paths, ["discovery", "batch"])
        self.assertEqual(regress.arguments([]).paths, list(regress.PATHS))

    def test_what_is_wrong_is_told_before_anything_is_built(self) -> None:
        self.assertIn("there is no path discoverie; there are: constant, discovery", self.told("--paths", "discoverie"))
        self.assertIn("unrecognized arguments: --agianst", self.told("--agianst", "HEAD"))
        self.assertRegex(self.told("--against", "no-such-tag"), r"no-such-tag \(asked for\) is not in|is no git clone")


if __name__ == "__main__":
    unittest.main(verbosity=1)

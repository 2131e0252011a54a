#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A node is linearizable: what concurrent clients with conditional commands, plain reads, hang-ups and repetitions were
answered could have come from one copy of each instance, changed by one command at a time. The judge is Porcupine, an
independent checker; servers broken on purpose must be rejected by it.

  linear_test.py [--histories N] [--seed N]

Needs Go 1.19 or newer. The checker's source comes from the Go module cache, and is fetched in CI only.
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

FOLDER = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent / "e2e"))

import harness  # noqa: E402

BUILD = pathlib.Path(os.environ.get("FASTI_BUILD_DIR", "build/dev")).resolve()
JUDGE = BUILD / "linear" / "judge"
OPTIONS = argparse.Namespace(histories=20, seed=1)
SKIPPED = 77


def build_judge():
    """Says why it cannot be built, or nothing."""
    if shutil.which("go") is None:
        return "no go (Debian: golang-go)"
    JUDGE.parent.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "GOFLAGS": "-mod=readonly -buildvcs=false"}
    if os.environ.get("CI") not in ("1", "true"):
        environment["GOPROXY"] = "off"
    made = subprocess.run(["go", "build", "-o", str(JUDGE), "."], cwd=FOLDER / "judge", env=environment,
                          capture_output=True, text=True)
    return made.stderr if made.returncode else None


class Linear(unittest.TestCase):
    def judge(self, binary, histories):
        """(accepted, rejected, unknown) of a binary; its folder was begun by the real one."""
        with harness.Server() as server:
            self.assertEqual(server.stop(), 0)
            harness.BINARY, real = str(BUILD / "bin" / binary), harness.BINARY
            try:
                server.start()
            finally:
                harness.BINARY = real
            told = subprocess.run(
                [JUDGE, "-address", f"127.0.0.1:{server.port}", "-token", server.token, "-histories", str(histories),
                 "-seed", str(OPTIONS.seed), "-keep", str(JUDGE.parent) if binary == "fasti" else ""],
                capture_output=True, text=True)
            self.assertEqual(told.returncode, 0, told)
            print(f"{binary}: {' '.join(told.stdout.splitlines()[-2:])}", flush=True)
            counts = re.search(r"^accepted (\d+) rejected (\d+) unknown (\d+)$", told.stdout, re.M)
            return tuple(int(count) for count in counts.groups())

    def test_every_history_has_an_order_that_explains_it(self):
        self.assertEqual(self.judge("fasti", OPTIONS.histories), (OPTIONS.histories, 0, 0),
                         f"drawings are in {JUDGE.parent}")

    def test_reads_that_lag_behind_the_answers_are_rejected(self):
        self.assertGreater(self.judge("fasti_stale_reads", 3)[1], 0)

    def test_conditions_that_are_not_looked_at_are_rejected(self):
        self.assertGreater(self.judge("fasti_ignored_conditions", 3)[1], 0)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--histories", type=int, default=OPTIONS.histories)
    parser.add_argument("--seed", type=int, default=OPTIONS.seed)
    OPTIONS, rest = parser.parse_known_args()
    trouble = build_judge()
    if trouble is not None:
        print(f"The judge cannot be built: {trouble}")
        sys.exit(1 if os.environ.get("CI") in ("1", "true") else SKIPPED)
    unittest.main(argv=sys.argv[:1] + rest)

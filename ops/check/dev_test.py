#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""ops/dev: setup installs only when it may (an apt-get and a sudo of our own write down calls), a
pattern builds what it needs, wrong words are told."""

from __future__ import annotations

import os
import pty
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

DEV = Path(__file__).resolve().parents[1] / "dev"
NEEDED = "bash chmod cat awk nproc grep dirname mktemp tail rm sleep sed".split()

APT = """#!/bin/sh
echo "apt-get $*" >> "$FAKE/calls"
if [ -e "$FAKE/broken" ]; then echo "E: no network"; exit 100; fi
case " $* " in *" wrk "*) printf '#!/bin/sh\\n' > "$FAKE/bin/wrk"; chmod +x "$FAKE/bin/wrk";; esac
"""
SUDO = '#!/bin/sh\necho "sudo $1" >> "$FAKE/calls"\nif [ "$1" = env ]; then shift 2; fi\nexec "$@"\n'
ID = '#!/bin/sh\necho "${FAKE_UID}"\n'


class setup(unittest.TestCase):
    """A machine on which only wrk is missing (nginx and perf are there)."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.fake = Path(folder.name)
        (self.fake / "bin").mkdir()
        for name, text in (("apt-get", APT), ("sudo", SUDO), ("id", ID), ("nginx", "#!/bin/sh\n"),
                           ("perf", "#!/bin/sh\n")):
            tool = self.fake / "bin" / name
            tool.write_text(text, encoding="utf-8")
            tool.chmod(0o755)
        for name in NEEDED:
            real = next(Path(at) / name for at in ("/usr/bin", "/bin") if (Path(at) / name).exists())
            (self.fake / "bin" / name).symlink_to(real)

    def environment(self, uid: int, extra: dict) -> dict:
        return {"PATH": str(self.fake / "bin"), "FAKE": str(self.fake), "FAKE_UID": str(uid), **extra}

    def run_setup(self, *options: str, uid: int, **extra: str) -> subprocess.CompletedProcess:
        return subprocess.run([DEV, "setup", "bench", *options], env=self.environment(uid, extra),
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)

    def calls(self) -> str:
        file = self.fake / "calls"
        return file.read_text(encoding="utf-8") if file.exists() else ""

    def test_it_says_what_is_missing_and_why_with_the_line_that_installs_it(self) -> None:
        done = self.run_setup(uid=1000)
        self.assertIn("wrk                    makes the load", done.stderr)
        self.assertIn("sudo apt-get install --no-install-recommends -y wrk", done.stderr)
        self.assertNotIn("nginx", done.stderr)

    def test_a_user_whom_nobody_can_ask_gets_no_sudo(self) -> None:
        done = self.run_setup(uid=1000)
        self.assertEqual((done.returncode, self.calls()), (2, ""))

    def test_root_without_a_terminal_installs(self) -> None:
        done = self.run_setup(uid=0)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("apt-get install --no-install-recommends -y -q wrk", self.calls())
        self.assertNotIn("sudo", self.calls())

    def test_yes_and_ci_stand_for_the_answer(self) -> None:
        for options, extra in ((["--yes"], {}), ([], {"CI": "1"}), ([], {"CI": "true"})):
            (self.fake / "bin" / "wrk").unlink(missing_ok=True)
            done = self.run_setup(*options, uid=1000, **extra)
            self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.calls().count("sudo env"), 6)

    def test_a_failing_installation_is_shown(self) -> None:
        (self.fake / "broken").touch()
        done = self.run_setup(uid=0)
        self.assertEqual(done.returncode, 2)
        self.assertIn("E: no network", done.stderr)

    def test_nothing_is_asked_when_nothing_is_missing(self) -> None:
        (self.fake / "bin" / "wrk").symlink_to("/bin/true")
        done = self.run_setup(uid=1000)
        self.assertEqual((done.returncode, done.stderr, self.calls()), (0, "", ""))

    def test_on_a_terminal_it_asks_first(self) -> None:
        for answer, status, installed in ((b"n\n", 2, False), (b"y\n", 0, True)):
            try:
                ours, theirs = pty.openpty()
            except OSError as fault:
                self.skipTest(f"no terminal to be had here: {fault}")
            os.write(ours, answer)
            done = subprocess.run([DEV, "setup", "bench"], env=self.environment(0, {}), stdin=theirs, stdout=theirs,
                                  stderr=theirs, timeout=60)
            os.close(theirs)
            os.close(ours)
            self.assertEqual(done.returncode, status)
            self.assertEqual("install" in self.calls(), installed)


CTEST = """#!/bin/sh
case " $* " in *" -N "*) sed 's/^/  Test #1: /' "$FAKE/tests";; esac
"""
NINJA = "#!/bin/sh\nprintf 'a_test: phony\\nb_test: phony\\nbin/a_test: CXX\\n'\n"
CMAKE = '#!/bin/sh\necho "$*" >> "$FAKE/calls"\n'


class what_is_built(unittest.TestCase):
    """For a pattern: in a tree of its own, with a ctest that knows the tests named in a file."""

    def calls(self, tests: str, *words: str) -> str:
        with tempfile.TemporaryDirectory() as folder:
            fake = Path(folder)
            (fake / "ops").mkdir()
            shutil.copy(DEV, fake / "ops/dev")
            (fake / "tests").write_text(tests)
            for name, text in (("apt-get", APT), ("ctest", CTEST), ("ninja", NINJA), ("cmake", CMAKE)):
                tool = fake / name
                tool.write_text(text, encoding="utf-8")
                tool.chmod(0o755)
            subprocess.run([fake / "ops/dev", "test", *words], env={**os.environ, "PATH": f"{fake}:{os.environ['PATH']}",
                           "FAKE": str(fake), "FASTI_JOBS": "1"}, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
            return (fake / "calls").read_text()

    def test_no_more_than_the_chosen_executables(self) -> None:
        self.assertIn("--target a_test b_test\n", self.calls("a_test\nb_test\n", "[ab]_test"))

    def test_everything_if_one_of_them_is_a_script(self) -> None:
        self.assertNotIn("--target", self.calls("a_test\nkill9_test\n", "_test"))

    def test_everything_without_a_choice(self) -> None:
        self.assertNotIn("--target", self.calls("a_test\n"))

    def test_what_is_named(self) -> None:
        self.assertIn("--target fasti\n", self.calls("a_test\n", "a_test", "--targets", "fasti"))


class usage(unittest.TestCase):
    """Words that are wrong are told by name, with the lines of that command alone, before anything is built."""

    def refused(self, *words: str) -> str:
        done = subprocess.run([DEV, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
        self.assertNotIn("Start here", done.stderr)
        return done.stderr

    def test_a_wrong_word_is_named_beside_the_command_s_own_lines(self) -> None:
        for words, fault, shown, not_shown in (
                (("test", "--quik"), "test: unknown argument --quik", "--quick", "--times"),
                (("test", "a", "b"), "test: one pattern too many: b", "--quick", "--times"),
                (("test", "--label"), "test: --label needs a value", "--label L", "--times"),
                (("test", "--label", "slow"), "test: there are no tests of the kind slow", "--label L", "--times"),
                (("test", "--label", "unit|slow"), "test: there are no tests of the kind slow", "--label L", "--times"),
                (("prove", "nothing"), "prove: there is no long form nothing, only seeds, kills", "prove [name]", "--times"),
                (("build", "--tmies"), "build: unknown argument --tmies", "--times", "--quick"),
                (("check", "--fux"), "check: unknown argument --fux", "--fix", "--quick"),
                (("doctor", "x"), "doctor: unknown argument x", "in which version", "--quick"),
                (("coverage", "--baz"), "coverage: unknown argument --baz", "--bar N", "--quick"),
                (("fuzz", "--second", "1"), "fuzz: unknown argument --second", "--seconds N", "--quick"),
                (("setup", "tests"), "setup: unknown argument tests", "groups: build test", "--quick")):
            told = self.refused(*words)
            self.assertIn("ops/dev " + fault, told)
            self.assertIn(shown, told)
            self.assertNotIn(not_shown, told)

    def test_the_kinds_that_continuous_integration_asks_for_are_there(self) -> None:
        asked = re.findall(r"--label '([^']*)'", (DEV.parent.parent / ".ci/run").read_text())
        self.assertTrue(asked)
        for kinds in asked:  # the one unknown kind keeps it from building
            self.assertIn("no tests of the kind none", self.refused("test", "--label", kinds + "|none"))

    def test_an_unknown_command_is_told_with_those_there_are(self) -> None:
        self.assertIn("there is no command tset, only run, test, build", self.refused("tset"))

    def test_help_of_one_command_is_its_own_lines(self) -> None:
        for words in (("test", "--help"), ("help", "test")):
            done = subprocess.run([DEV, *words], capture_output=True, text=True, timeout=60, check=True)
            self.assertIn("--quick", done.stdout)
            self.assertNotIn("--times", done.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=1)

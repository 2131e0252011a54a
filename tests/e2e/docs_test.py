#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every command that a page shows is run, and what the page prints is compared with what comes.

A ```console block holds `$ ` lines and what they print; a ```sh block holds lines that must succeed. Each page has
a shell, a scratch folder and a server of its own, which stand for the reader's. Times, ids, tokens, durations and how
many parts the state has may differ from the page, spaces of tables too; `…` stands for anything, alone on a line for
any lines.
"""

import difflib
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from harness import BINARY, START_SECONDS, Server

ROOT = pathlib.Path(__file__).resolve().parents[2]
ADDRESS = "127.0.0.1:8400"  # what the pages print; the server has a port of its own
DATA = "/var/lib/fasti"
BLOCK = re.compile(r"^```(\S*)\n(.*?)^```$", re.S | re.M)
NOT_RUN = re.compile(r"(FASTI_\w+=\S+ )?\./ops/dev |cmake |git |\$EDITOR ")  # builds, and what changes the tree
VARIABLE = re.compile(r"""(?P<any>…)
    | (?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)
    | (?P<token>(?<![0-9a-f])[0-9a-f]{16}\.(?P<position>\d+)\.[0-9a-f]{8})
    | (?P<id>(?<![0-9a-z])(?=[0-9]*[a-f])[0-9a-f]{16}(?![0-9a-z]))
    | (?P<duration>\b\d+(?:\.\d+)?(?=\ s\b))
    | (?P<parts>\b\d+(?=\ parts\ of\ the\ state))
    | (?P<space>[ ]+)""", re.X)
PATTERNS = {"any": ".*?", "time": r"\S+Z", "id": "[0-9a-f]{16}", "duration": r"\d+(?:\.\d+)?", "parts": r"\d+",
            "space": " +"}


def blocks_of(text):
    """The page in order: (None, prose), ("console", [(command, [lines it prints])]) and ("sh", the same)."""
    at = 0
    for match in BLOCK.finditer(text):
        yield None, text[at:match.start()]
        at = match.end()
        kind, body = match.group(1), match.group(2).replace("\\\n", "")
        if kind == "console":
            parts = re.split(r"^\$ ", body, flags=re.M)
            assert not parts[0], f"a console block begins with $: {body}"
            yield kind, [(command, printed) for command, *printed in (part.splitlines() for part in parts[1:])]
        elif kind == "sh":
            yield kind, [(line, []) for line in body.splitlines() if line.strip()]
    yield None, text[at:]


class Page:
    """One page, its reader's folder, shell and server."""

    def __init__(self, case, path):
        self.case = case
        self.text = (ROOT / path).read_text(encoding="utf-8")
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="fasti-docs-"))
        self.known = {}  # an id on the page -> the one of this run
        self.data = self.folder / "data"
        self.server = None
        self.shell = None
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("FASTI_")}
        programs = self.folder / "programs"
        programs.mkdir()
        (programs / "fasti").symlink_to(pathlib.Path(BINARY).resolve())
        self.environment["PATH"] = f"{programs}:{self.environment['PATH']}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.shell is not None:
            self.shell.kill()
        if self.server is not None:
            self.server.__exit__()  # ends streams that still hold the shell's output
        if self.shell is not None:
            self.shell.communicate()
        shutil.rmtree(self.folder)

    def serve(self, *arguments):
        """The server of the page, and the shell of its reader."""
        self.server = Server(folder=self.data, arguments=arguments)
        self.server.start()
        self.environment |= {"FASTI_ADDR": f"127.0.0.1:{self.server.port}",
                             "FASTI_TOKEN_FILE": str(self.data / "admin.token")}
        self.shell = subprocess.Popen(["bash", "--norc", "-O", "expand_aliases"], env=self.environment, text=True,
                                      cwd=self.folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT)

    def stop(self):
        self.server.arguments = ["--listen", f"127.0.0.1:{self.server.port}"]
        self.server.stop()

    def restart(self):
        """Killed, and started again on the same port."""
        self.server.arguments = ["--listen", f"127.0.0.1:{self.server.port}"]
        self.server.kill()
        self.server.start()

    def turn_over_a_bit_of(self, pattern, at):
        """`at` counts from the end when negative."""
        file = sorted(self.data.glob(pattern))[-1]
        content = bytearray(file.read_bytes())
        content[at] ^= 1
        file.write_bytes(content)

    def here(self, command):
        """A command of the page as it is typed here."""
        for shown, actual in self.known.items():
            command = command.replace(shown, actual)
        return command.replace(ADDRESS, self.environment["FASTI_ADDR"]).replace(DATA, str(self.data))

    def there(self, output):
        return output.replace(self.environment["FASTI_ADDR"], ADDRESS).replace(str(self.data), DATA)

    def run(self, command, lines_wanted):
        """(what it printed, its exit code). A stream without end is left once it printed as much as the page."""
        if "/stream" in command:
            command = f"head -n {max(lines_wanted, 1)} < <({command})"  # not a pipe, whose end would be waited for
        self.shell.stdin.write(f'{command}\nstatus=$?; printf "\\n: %s :\\n" $status; (exit $status)\n')
        self.shell.stdin.flush()
        lines = []
        for line in self.shell.stdout:
            if ended := re.fullmatch(r": (\d+) :\n", line):
                output = "".join(lines[:-1] if lines and lines[-1] == "\n" else lines)
                return self.there(output), int(ended.group(1))
            lines.append(line)
        raise AssertionError(f"the shell ended in: {command}")

    def pattern(self, line):
        """A printed line as an expression; what may differ and comes again later is a group."""
        out, at, groups = "", 0, []
        for match in VARIABLE.finditer(line):
            out += re.escape(line[at:match.start()])
            at = match.end()
            kind = match.lastgroup if match.lastgroup != "position" else "token"
            if kind in ("id", "token"):
                groups.append(match.group())
                wanted = (PATTERNS["id"] if kind == "id"
                          else rf"[0-9a-f]{{16}}\.{match.group('position')}\.[0-9a-f]{{8}}")
                out += f"({re.escape(self.known.get(match.group(), '')) or wanted})"
            else:
                out += PATTERNS[kind]
        return out + re.escape(line[at:]) + " *\n", groups

    def compare(self, command, printed, output):
        expression, groups = "", []
        for line in printed:
            pattern, shown = self.pattern(line) if line != "…" else ("(?:.*\n)*?", [])
            expression += pattern
            groups += shown
        if found := re.fullmatch(expression, output):
            self.known |= dict(zip(groups, found.groups()))
            return
        difference = difflib.unified_diff(printed, output.splitlines(), "on the page", "printed", lineterm="", n=9)
        self.case.fail(f"$ {command}\n" + "\n".join(difference))

    def read(self, moments=None):
        """From top to bottom. `moments`: what happens where the prose says this."""
        moments = dict(moments or {})
        for kind, content in blocks_of(self.text):
            if kind is None:
                for words in [words for words in moments if words in re.sub(r"\s+", " ", content)]:
                    moments.pop(words)()
                continue
            for command, printed in content:
                if NOT_RUN.match(command) or re.match(r"\s*#|(build/dev/bin/)?fasti serve ", command):
                    continue
                output, code = self.run(self.here(command), len(printed))
                if kind == "console":
                    self.compare(command, printed, output)
                else:
                    self.case.assertEqual(code, 0, f"{command}\n{output}")
        self.case.assertEqual(list(moments), [], "the page does not say this any more")


class Pages(unittest.TestCase):
    def test_the_tour(self):
        """With a package list of our own in place of apt's: its length moves the positions on the page."""
        with Page(self, "README.md") as page:
            shown = int(re.search(r"(\d+) packages in", page.text).group(1))
            nginx = re.search(r"nginx:amd64 .* tcp +(\S+)", page.text).group(1)
            packages = [("curl", "7.88"), ("nginx", nginx), *((f"package-{i}", "1.0") for i in range(300))]
            page.text = re.sub(rf"(?<![\w-])({shown // 100}\d\d)(?![\w-])",
                               lambda number: str(int(number.group()) - shown + len(packages)), page.text)
            (page.folder / "listing").write_text(
                "\n\n".join(f"Package: {name}\nVersion: {version}" for name, version in packages))
            apt = page.folder / "programs" / "apt-cache"
            apt.write_text(f"#!/bin/sh\ncat {page.folder}/listing\n")
            apt.chmod(0o755)
            (page.folder / "build/release").mkdir(parents=True)
            (page.folder / "build/release/bin").symlink_to(page.folder / "programs")
            (page.folder / "ops").symlink_to(ROOT / "ops")
            page.data = page.folder / "build/data"
            page.serve()
            page.text = page.text.replace("debian_packages.py", f"debian_packages.py --addr {ADDRESS}")
            page.read({"kill the server with `kill -9`": page.restart})

    def test_the_operator_guide(self):
        with Page(self, "docs/guides/operator.md") as page:
            page.serve()
            page.read({"Stop the server": page.stop, "start the server again": page.server.start})

    def test_the_guide_to_proofs(self):
        with Page(self, "docs/guides/proof.md") as page:
            page.serve()

            def turn_over_a_bit_of_the_log():
                page.turn_over_a_bit_of("log/*.seg", 1536 + 40)

            page.read({"one bit was turned over": lambda: page.turn_over_a_bit_of("snapshots/*", -40),
                       "newest segment is altered": turn_over_a_bit_of_the_log,
                       "Bring the folder back": turn_over_a_bit_of_the_log})

    def test_the_examples_of_changes(self):
        """The reader has declared the text of the example; here, one that there is stands for it."""
        with Page(self, "CONTRIBUTING.md") as page:
            self.assertIn("--owner-note", page.text)
            page.text = page.text.replace("owner-note", "zone").replace("owner_note", "zone").replace("curl -s", "curl -sf")
            (page.folder / "build/dev").mkdir(parents=True)
            (page.folder / "build/dev/bin").symlink_to(page.folder / "programs")
            page.data = page.folder / "build/data"
            page.serve()
            page.read()
            shown, _ = page.run("fasti registry instance web w-1", 1)
            self.assertRegex(shown, r"(?m)^zone +call the day shift$")

    def test_no_other_page_shows_commands_that_nobody_runs(self):
        run_here = {"CONTRIBUTING.md", "README.md", "docs/guides/operator.md", "docs/guides/proof.md"}
        for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("ops/**/*.md")]:
            name = str(path.relative_to(ROOT))
            for kind, content in blocks_of(path.read_text(encoding="utf-8")):
                for command, _ in content if kind is not None and name not in run_here else []:
                    self.assertRegex(command, NOT_RUN, f"{name}: give it a test here")

    def test_commands_of_ops_dev_and_their_options_are_those_it_tells_of(self):
        usage = "help\n" + subprocess.run([ROOT / "ops/dev", "help"], capture_output=True, text=True, check=True).stdout
        for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("ops/**/*.md")]:
            text = path.read_text(encoding="utf-8")
            for command in re.findall(r"\./ops/dev ([a-z][^`#\n]*)", text):
                passes_on = command.startswith(("run", "sim", "bench"))  # options, to a program with a --help of its own
                for word in re.findall(r"^[a-z]+" if passes_on else r"^[a-z]+|(?<= )--[a-z-]+", command):
                    self.assertRegex(usage, rf"(?m)(?:^ *|[ \[|]){word}\b", f"{path.name}: ./ops/dev {command}")


if __name__ == "__main__":
    unittest.main(verbosity=2)

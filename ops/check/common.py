# SPDX-License-Identifier: Apache-2.0
"""What the checkers share: the files of the tree, C++ text without comments and strings, findings."""

from __future__ import annotations

import argparse
import os
import re
import sys
from pathlib import Path

LAYERS = ("domain", "commands", "projections", "eventstore", "plugins", "adapters")
SKIPPED_FOLDERS = {"build", ".git", ".cache", "__pycache__", ".venv", "node_modules"}
CPP = {".cpp", ".hpp", ".h", ".c"}


def arguments(description: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description)
    default_root = Path(__file__).resolve().parents[2]
    parser.add_argument("--root", type=Path, default=default_root, help="the repository (default: this one)")
    parser.add_argument("--build", type=Path, default=None, help="build folder with modules.json")
    return parser


def files(root: Path) -> list[str]:
    """Every file of the tree, as paths from the root, sorted."""
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in SKIPPED_FOLDERS)
        found += [os.path.relpath(os.path.join(folder, name), root) for name in names]
    return sorted(found)


def is_generated(path: str) -> bool:
    return ".gen." in os.path.basename(path)


_TOKENS = re.compile(
    r"""//[^\n]*|/\*.*?\*/|R"(?P<raw>[^()\\\s]{0,16})\(.*?\)(?P=raw)"|"(?:\\.|[^"\\\n])*"|(?<![\w'])'(?:\\.|[^'\\\n])+'""",
    re.S,
)


def _blank(match: re.Match) -> str:
    text = match.group(0)
    kept = re.sub(r"[^\n]", " ", text)
    if text.startswith(("//", "/*")):
        return kept
    return text[0] + kept[1:-1] + text[-1] if len(text) > 1 else kept


def strip(text: str) -> str:
    """C++ with comments, strings and character literals blanked; every line and column stays in place."""
    return _TOKENS.sub(_blank, text)


class findings:
    """Collects `path:line: what is wrong` and turns them into an exit code."""

    def __init__(self, checker: str) -> None:
        self.checker = checker
        self.lines: list[str] = []

    def add(self, path: str, line: int, message: str) -> None:
        self.lines.append(f"{path}:{line}: {message}")

    def finish(self, looked_at: str) -> int:
        for line in self.lines:
            print(line)
        print(f"{self.checker}: {looked_at}, {len(self.lines)} findings", file=sys.stderr)
        return 1 if self.lines else 0

# SPDX-License-Identifier: Apache-2.0
"""What a mutant is: one small change to one place of a C++ file, of a kind that people get wrong."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "ops" / "check"))
import common  # noqa: E402


@dataclass(frozen=True)
class mutant:
    path: str  # from the root
    line: int  # 1 is the first
    start: int  # columns of the replaced text, 0 is the first
    end: int
    text: str  # what stands there instead
    kind: str

    def apply(self, source: str) -> str:
        lines = source.split("\n")
        old = lines[self.line - 1]
        lines[self.line - 1] = old[: self.start] + self.text + old[self.end :]
        return "\n".join(lines)

    def told(self, source: str) -> str:
        old = source.split("\n")[self.line - 1]
        new = old[: self.start] + self.text + old[self.end :]
        return f"{self.path}:{self.line}: {self.kind}\n  - {old.strip()}\n  + {new.strip()}"


_SWAPS = (
    (r"(?<=\s)==(?=\s)", "!=", "comparison"), (r"(?<=\s)!=(?=\s)", "==", "comparison"),
    (r"(?<=\s)<(?=\s)", "<=", "boundary"), (r"(?<=\s)<=(?=\s)", "<", "boundary"),
    (r"(?<=\s)>(?=\s)", ">=", "boundary"), (r"(?<=\s)>=(?=\s)", ">", "boundary"),
    (r"(?<=\s)&&(?=\s)", "||", "logic"), (r"(?<=\s)\|\|(?=\s)", "&&", "logic"),
    (r"(?<=[\w)\]]\s)\+(?=\s)", "-", "arithmetic"), (r"(?<=[\w)\]]\s)-(?=\s)", "+", "arithmetic"),
    (r"(?<=\s)\*(?=\s[\w(])", "+", "arithmetic"), (r"(?<=\s)\+=(?=\s)", "-=", "arithmetic"),
    (r"(?<=\s)<<(?=\s)", ">>", "bits"), (r"(?<=\s)>>(?=\s)", "<<", "bits"), (r"(?<=[\w)]\s)\|(?=\s)", "&", "bits"),
    (r"\+\+(?=\w)", "--", "counting"), (r"\btrue\b", "false", "constant"), (r"\bfalse\b", "true", "constant"),
    (r"(?<![\w.'])0(?![\w.'])", "1", "constant"), (r"(?<![\w.'])1(?![\w.'U])", "2", "constant"),
    (r"\bstd::min\b", "std::max", "bound"), (r"\bstd::max\b", "std::min", "bound"),
    (r"(?<=\()!(?=[\w(])", "", "negation"), (r"\bbreak;", ";", "flow"), (r"\bcontinue;", ";", "flow"),
)
_CONDITION = re.compile(r"\b(?:if|while) \((?!auto|const)(?P<what>[^;{}]*)\) \{$")
_STATEMENT = re.compile(r"^\s+(?!return\b|check\(|using\b|static\b|break|continue|case\b|[\w:<>,&* ]+ \w+[ ({=][^=]*;$)"
                        r"(?P<what>[\w\[\].>()*-]+(?:\(.*\)| [-+|&]?= .*));$")
_NOT_CODE = re.compile(r"^\s*(#|using |namespace |template|static_assert|class |struct |enum |case |check\()|"
                       r"operator|constexpr auto kinds")


def mutants_of(path: str, source: str) -> Iterator[mutant]:
    """Every mutant of a file, top to bottom; a line may give several. Comments and strings stay as they are."""
    code = common.strip(source).split("\n")
    for at, line in enumerate(code, start=1):
        if not line.strip() or _NOT_CODE.search(line):
            continue
        for pattern, text, kind in _SWAPS:
            for found in re.finditer(pattern, line):
                yield mutant(path, at, found.start(), found.end(), text, kind)
        if condition := _CONDITION.search(line):
            inner = source.split("\n")[at - 1][condition.start("what") : condition.end("what")]
            if inner.count("(") == inner.count(")"):
                yield mutant(path, at, condition.start("what"), condition.end("what"), f"!({inner})", "condition")
        statement = _STATEMENT.match(line)
        if statement and line.count("(") == line.count(")"):
            yield mutant(path, at, statement.start("what"), len(line), ";", "statement left out")

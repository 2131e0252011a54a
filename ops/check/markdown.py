# SPDX-License-Identifier: Apache-2.0
"""Titles and links of Markdown pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

_FENCE = re.compile(r"^[ \t]*(```|~~~).*?^[ \t]*\1[ \t]*$", re.S | re.M)
_LINK = re.compile(r"\[[^\]]*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
_REFERENCE = re.compile(r"^\[[^\]]+\]:\s*<?(\S+?)>?\s*$", re.M)


def _without_code(text: str) -> str:
    def blank(match: re.Match) -> str:
        return re.sub(r"[^\n]", " ", match.group(0))

    return re.sub(r"`[^`\n]+`", blank, _FENCE.sub(blank, text))


def titles(text: str) -> Iterator[tuple[int, str]]:
    lines = [number for number, line in enumerate(_without_code(text).split("\n"), 1) if line.startswith("# ")]
    if not lines:
        yield 1, "no title"
    for number in lines[1:]:
        yield number, "a second title"


def anchors(text: str) -> set[str]:
    """The anchors a page offers: headings in the usual spelling, and explicit ids."""
    found: set[str] = set(re.findall(r"<[^>]+\b(?:id|name)=\"([^\"]+)\"", text))
    for line in _FENCE.sub("", text).split("\n"):
        heading = re.match(r"#{1,6}\s+(.*?)\s*#*$", line)
        if not heading:
            continue
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading.group(1)).lower()
        anchor = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        number, unique = 0, anchor
        while unique in found:
            number += 1
            unique = f"{anchor}-{number}"
        found.add(unique)
    return found


def broken_links(root: Path, path: str, text: str) -> Iterator[tuple[int, str]]:
    plain = _without_code(text)
    for match in [*_LINK.finditer(plain), *_REFERENCE.finditer(plain)]:
        target = match.group(1)
        if re.match(r"[a-z][a-z0-9+.-]*:", target, re.I):
            continue
        line = plain.count("\n", 0, match.start()) + 1
        name, _, anchor = target.partition("#")
        name = unquote(name)
        base = root if name.startswith("/") else (root / path).parent
        page = base / name.lstrip("/") if name else root / path
        if not page.exists():
            yield line, f"{target} does not exist"
        elif anchor and page.suffix == ".md" and anchor not in anchors(page.read_text(encoding="utf-8")):
            yield line, f"{target}: no such heading"

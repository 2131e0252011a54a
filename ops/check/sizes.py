# SPDX-License-Identifier: Apache-2.0
"""How long files and functions are. C++ functions are found by their braces, which formatted code allows."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

FILE_LINES = 550  # "about 500" and "about 70" for people
FUNCTION_LINES = 80

_SCOPE = re.compile(r"\b(namespace|class|struct|union|enum|extern)\b")


def long_file(text: str) -> Iterator[tuple[int, str]]:
    lines = text.count("\n") + (not text.endswith("\n"))
    if lines > FILE_LINES:
        yield 1, f"{lines} lines"


def long_functions(path: str, text: str, code: str) -> Iterator[tuple[int, str]]:
    spans = _python_functions(text) if path.endswith(".py") else cpp_functions(code)
    for name, first, last in spans:
        if last - first + 1 > FUNCTION_LINES:
            yield first, f"{name} has {last - first + 1} lines"


def _python_functions(text: str) -> Iterator[tuple[str, int, int]]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name, node.lineno, node.end_lineno or node.lineno


def cpp_functions(code: str) -> Iterator[tuple[str, int, int]]:
    """Name, first and last line of each function body that stands directly in a namespace or class."""
    open_braces: list[tuple[str, str, int]] = []  # kind, name, first line
    head_start, line, head_line, in_initialiser = 0, 1, 1, 0
    for at, letter in enumerate(code):
        if letter == "\n":
            line += 1
            if not code[head_start:at].strip():
                head_start, head_line = at + 1, line
        elif letter == "{" and (in_initialiser or re.match(r"[\w>]", code[at - 1 : at])):
            in_initialiser += 1  # x_{1}: part of a head, opens no body
            continue
        elif letter == "}" and in_initialiser:
            in_initialiser -= 1
            continue
        elif letter == "{":
            head = _without_directives(code[head_start:at])
            open_braces.append((*_kind(head, open_braces), head_line))
        elif letter == "}" and open_braces:
            kind, name, first = open_braces.pop()
            if kind == "function":
                yield name, first, line
        if letter in "{};":
            head_start, head_line = at + 1, line


def _without_directives(head: str) -> str:
    return "\n".join(part for part in head.split("\n") if not part.lstrip().startswith("#"))


def _kind(head: str, open_braces: list) -> tuple[str, str]:
    if any(kind != "scope" for kind, _, _ in open_braces):
        return "other", ""
    named = re.search(r"(~?[\w:]+|operator\s*\S+)\s*\(", head)
    if _SCOPE.search(head) and not (named and re.search(r"\)\s*(const|noexcept|override|->.*)?\s*$", head.strip(), re.S)):
        return "scope", ""
    return ("function", named.group(1)) if named else ("other", "")

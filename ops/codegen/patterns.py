# SPDX-License-Identifier: Apache-2.0
"""The subset of regular expressions that declarations may use, compiled to character-class loops.

A pattern is a row of atoms: a class `[a-z_]` or a plain character, each with an optional count
`{m,n}`, `{m}`, `+` or `*`. An atom of varying count must share no character with the atom after it:
then matching needs no backtracking, and the generated loop is the whole matcher.
"""

import re
from dataclasses import dataclass

UNBOUNDED = None


@dataclass(frozen=True)
class Atom:
    members: frozenset
    least: int
    most: int | None

    @property
    def varies(self):
        return self.most != self.least


class PatternError(ValueError):
    pass


def _class_members(text):
    members = set()
    i = 0
    while i < len(text):
        if i + 2 < len(text) and text[i + 1] == "-":
            first, last = ord(text[i]), ord(text[i + 2])
            if first > last:
                raise PatternError(f"range {text[i:i + 3]} runs backwards")
            members.update(chr(c) for c in range(first, last + 1))
            i += 3
        else:
            members.add(text[i])
            i += 1
    if not members or any(ord(c) > 126 or ord(c) < 32 for c in members):
        raise PatternError("a class holds printable ASCII only and at least one character")
    return frozenset(members)


def parse_pattern(pattern):
    """The atoms of a pattern; raises PatternError for anything outside the subset."""
    atoms = []
    i = 0
    while i < len(pattern):
        if pattern[i] == "[":
            end = pattern.find("]", i)
            if end < 0:
                raise PatternError("a class is not closed")
            members = _class_members(pattern[i + 1:end])
            i = end + 1
        elif pattern[i] in "\\(){}+*?.^$|":
            raise PatternError(f"`{pattern[i]}` is outside the subset: classes, plain characters and counts")
        else:
            members = frozenset(pattern[i])
            i += 1
        least, most = 1, 1
        count = re.match(r"\{(\d+)(?:(,)(\d+)?)?\}", pattern[i:])
        if count:
            least = int(count[1])
            most = least if not count[2] else (int(count[3]) if count[3] else UNBOUNDED)
            i += count.end()
        elif pattern[i:i + 1] == "+":
            least, most, i = 1, UNBOUNDED, i + 1
        elif pattern[i:i + 1] == "*":
            least, most, i = 0, UNBOUNDED, i + 1
        if most is not UNBOUNDED and least > most:
            raise PatternError("a count's least is above its most")
        atoms.append(Atom(members, least, most))
    for one, after in zip(atoms, atoms[1:]):
        if one.varies and one.members & after.members:
            raise PatternError("an atom of varying count shares characters with the next one")
    if not atoms:
        raise PatternError("it is empty")
    return atoms


def longest(atoms):
    """Most bytes a match can have, or None."""
    if any(atom.most is UNBOUNDED for atom in atoms):
        return UNBOUNDED
    return sum(atom.most for atom in atoms)


def shortest(atoms):
    return sum(atom.least for atom in atoms)

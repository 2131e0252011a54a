# SPDX-License-Identifier: Apache-2.0
"""Is this build slower than another one, going by pairs of runs that took place one right after the other? Pure: samples
in, verdict out. Why these figures: docs/decisions/0047_regression_check.md."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

PAIRS = 11    # in one look
LOOKS = 3     # at most; every look begins with fresh processes
CLEAR = 1.15  # at most this after any look: no slower
SLOWER = 1.3  # above this after the last look: slower

Pairs = list[tuple[float, float]]  # baseline, this build


@dataclass(frozen=True)
class verdict:
    ratio: float
    decided: bool
    slower: bool


def ratio_of(pairs: Pairs) -> float:
    """How much dearer this build is, by the estimate that accuses it less: the median of the pairs' ratios, which a few
    disturbed runs do not move, or the lower quartiles of both sides, which no disturbance lasting for half of the runs moves."""
    between = statistics.median(ours / theirs for theirs, ours in pairs)
    theirs, ours = (statistics.quantiles(side, n=4, method="inclusive")[0] for side in zip(*pairs))
    return min(between, ours / theirs)


def judge(pairs: Pairs) -> verdict:
    """Of the pairs of one look or more. Undecided asks for another look, and the last look always decides."""
    ratio = ratio_of(pairs)
    if ratio <= CLEAR:
        return verdict(ratio, True, False)
    if len(pairs) < PAIRS * LOOKS:
        return verdict(ratio, False, False)
    return verdict(ratio, True, ratio > SLOWER)

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""ops/dev bench: every path beside the raw limit of this machine, measured in the same run and in the same
placement on cores. Exit status: 0, or 1 when a measurement was impossible; a bar that does not hold is shown,
not an error, because it is a fact about this machine and this build."""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import event_paths  # noqa: E402
import paths  # noqa: E402
from servers import bench_error, cores_for, is_installed  # noqa: E402


PATHS = paths.PATHS | event_paths.PATHS


def arguments() -> argparse.Namespace:
    names = ", ".join(PATHS)
    parser = argparse.ArgumentParser(prog="ops/dev bench", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pattern", nargs="?", default="", help=f"regular expression, found in the names to run: {names}")
    parser.add_argument("--output", choices=("table", "json", "markdown"), default="table")
    parser.add_argument("--seconds", type=float, default=2.0, help="measured time of each run (2)")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each side, of which the median counts (5)")
    parser.add_argument("--placement", choices=("split", "shared"), default="split",
                        help="split: server on one core, load on another (default); shared: both on two cores")
    parser.add_argument("--peers", action="store_true", help="also what a user would pick instead (etcd)")
    parser.add_argument("--smoke", action="store_true", help="one short run of each: does it still work")
    parser.add_argument("--build", type=Path, default=os.environ.get("FASTI_BUILD_DIR", "build/release"),
                        help="build folder of the binaries (FASTI_BUILD_DIR or build/release)")
    return parser.parse_args()


def number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.2f}"


def verdict(line: paths.row) -> str:
    if line.bar == "none":
        return "-"
    return "holds" if line.holds else "half of it holds" if line.least_holds else "FAILS BY MORE THAN HALF"


TITLES = ("path", "value", "unit", "raw limit", "raw", "ratio", "bar", "verdict", "spread", "cores")


def cells_of(lines: list[paths.row]) -> list[tuple[str, ...]]:
    return [
        (line.path, number(line.value), line.unit, line.raw_name, number(line.raw), f"{line.ratio:.2f}", line.bar,
         verdict(line), f"{number(line.spread[0])}..{number(line.spread[1])}", line.placement) for line in lines]


def table(lines: list[paths.row]) -> str:
    cells = [TITLES, *cells_of(lines)]
    widths = [max(len(one[column]) for one in cells) for column in range(len(TITLES))]
    return "\n".join("  ".join(text.ljust(width) for text, width in zip(one, widths)).rstrip() for one in cells)


def markdown(lines: list[paths.row]) -> str:
    rows = [TITLES, tuple("---" for _ in TITLES), *cells_of(lines)]
    return "\n".join("| " + " | ".join(one) + " |" for one in rows)


def machine() -> dict[str, object]:
    server, load = cores_for("split")
    return {"system": f"{platform.system()} {platform.release()} {platform.machine()}", "cores": os.cpu_count(),
            "server_on": sorted(server), "load_on": sorted(load), "load_average": os.getloadavg()[0]}


def main() -> int:
    asked = arguments()
    how = paths.settings(build=Path(asked.build).resolve(), seconds=0.1 if asked.smoke else asked.seconds,
                         rounds=1 if asked.smoke else asked.rounds, placement=asked.placement, peers=asked.peers,
                         smoke=asked.smoke)
    chosen = [name for name in PATHS if re.search(asked.pattern, name)]
    if not chosen:
        print(f"bench: no path matches {asked.pattern!r}; there are: {', '.join(PATHS)}", file=sys.stderr)
        return 2
    lines: list[paths.row] = []
    failed = False
    for name in chosen:
        if sys.stderr.isatty():
            print(f"measuring {name} ...", file=sys.stderr)
        if how.smoke and name in paths.BESIDE_NGINX and not is_installed("nginx"):
            print(f"bench: {name} left out of the smoke run: nginx is not installed", file=sys.stderr)
            continue
        try:
            lines += PATHS[name](how)
        except bench_error as error:
            print(f"bench: {name}: {error}", file=sys.stderr)
            failed = True
    if asked.output == "json":
        print(json.dumps({"machine": machine(), "seconds": how.seconds, "rounds": how.rounds,
                          "paths": [line.as_json() for line in lines]}, indent=1))
    else:
        print(markdown(lines) if asked.output == "markdown" else table(lines))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

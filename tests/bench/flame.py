#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""ops/dev flame: where the server's processor time goes under one kind of load, as a flame graph (SVG). Each box is a
function, as wide as its share of the samples; what stands on it was called by it. The texts show when pointed at.
Needs perf (./ops/dev setup bench) and the right to sample the kernel too (root, or kernel.perf_event_paranoid below 1)."""

from __future__ import annotations

import argparse
import html
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import paths  # noqa: E402
from servers import bench_error, cores_for, fasti  # noqa: E402

LOADS = {
    "constant": ("--mode", "get"),
    "discovery": ("--mode", "discover", "--services", 10, "--instances", 10),
    "renewal": ("--mode", "renew", "--services", 10, "--instances", 10),
    "register": ("--mode", "register", "--expect", 201, "--services", 100, "--connections", 256),
    "batch": ("--mode", "batch", "--connections", 4, "--services", 100),
}
HZ = 997            # samples a second; no multiple of a timer
STACK_BYTES = 8192  # of the stack, kept with each sample: frames are found by debug information
WIDTH, ROW, LEAST = 1600, 17, 0.0025  # pixels; boxes below this share of all are left out


@dataclass
class box:
    samples: int = 0
    above: dict[str, "box"] = field(default_factory=dict)


def short(symbol: str) -> str:
    """A function's name without arguments, results and what templates were made of."""
    name = re.sub(r"\+0x[0-9a-f]+$", "", symbol)
    while (shorter := re.sub(r"<[^<>]*>", "", name)) != name:
        name = shorter
    name = re.sub(r"\(anonymous namespace\)::", "", name)
    name = name.split("(")[0].strip() or symbol
    name = name.split(" ")[-1] if "operator" not in name else name
    return name.removeprefix("fasti::").replace("boost::asio::detail::", "asio::")


def folded(script: str) -> box:
    """The samples of `perf script` as a tree: thread, then functions from the outermost inwards."""
    root = box()
    for sample in script.split("\n\n"):
        lines = sample.strip("\n").split("\n")
        if len(lines) < 2:
            continue
        thread = lines[0].rsplit(maxsplit=1)[0].strip() if " " in lines[0].strip() else lines[0].strip()
        frames = []
        for line in lines[1:]:
            found = re.match(r"\s*[0-9a-f]+ (.*) \(([^()]*)\)$", line)
            if found:
                name, place = short(found.group(1)), found.group(2)
                frames.append(name if name != "[unknown]" else f"[{Path(place).name}]")
        at = root
        at.samples += 1
        for name in [re.sub(r"\s+\d+$", "", thread), *reversed(frames)]:
            at = at.above.setdefault(name, box())
            at.samples += 1
    return root


def depth_of(of: box, least: float) -> int:
    return 1 + max((depth_of(one, least) for one in of.above.values() if one.samples >= least), default=0)


def colour(name: str) -> str:
    kernel = re.fullmatch(r"[A-Za-z0-9_.]+", name) is not None  # or of the C library
    mark = sum(map(ord, name)) % 40
    return f"hsl({205 + mark // 2},55%,{68 + mark % 12}%)" if kernel else f"hsl({18 + mark},80%,{62 + mark % 14}%)"


def svg(root: box, title: str) -> str:
    least = root.samples * LEAST
    rows = depth_of(root, least)
    height = (rows + 3) * ROW
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
           'font-family="monospace" font-size="11">',
           f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
           f'<text x="8" y="{ROW}" font-size="13">{html.escape(title)}</text>']

    def draw(name: str, of: box, x: float, row: int) -> None:
        wide = of.samples / root.samples * (WIDTH - 2)
        y = height - (row + 1) * ROW
        share = 100 * of.samples / root.samples
        letters = int(wide / 6.7)
        text = name if len(name) <= letters else name[:max(0, letters - 1)] + "…" if letters > 2 else ""
        out.append(f'<g><title>{html.escape(name)}: {share:.1f} %</title><rect x="{x + 1:.1f}" y="{y}" width="{max(wide - 0.5, 0.3):.1f}" '
                   f'height="{ROW - 1}" fill="{colour(name)}"/>'
                   + (f'<text x="{x + 4:.1f}" y="{y + ROW - 5}">{html.escape(text)}</text>' if text else "") + "</g>")
        for inner, above in sorted(of.above.items()):
            if above.samples >= least:
                draw(inner, above, x, row + 1)
            x += above.samples / root.samples * (WIDTH - 2)

    draw("all", root, 0.0, 0)
    return "\n".join([*out, "</svg>", ""])


def sampled(how: paths.settings, name: str, words: tuple[object, ...], folder: Path) -> str:
    """The output of `perf script` for a server under load."""
    cores, _ = cores_for(how.placement)
    with fasti(how.build, cores) as target:
        if name in ("discovery", "renewal"):
            paths.populate(how, target, 10, 10)
        data = folder / "perf.data"
        perf = subprocess.Popen(
            ["perf", "record", "-q", "-F", str(HZ), "--call-graph", f"dwarf,{STACK_BYTES}", "-o", str(data),
             "-p", str(target.pid)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            paths.load(how, target, how.placement, *words)
        finally:
            perf.terminate()
            trouble = perf.communicate()[1]
    if not data.exists() or data.stat().st_size == 0:
        raise bench_error(f"perf recorded nothing: {trouble.strip()}")
    made = subprocess.run(["perf", "script", "-i", str(data), "-F", "comm,tid,ip,sym,dso", "--demangle"],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if made.returncode != 0:
        raise bench_error(f"perf script: {made.stderr.strip()[-400:]}")
    return made.stdout


def main() -> int:
    parser = argparse.ArgumentParser(prog="ops/dev flame", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("load", choices=sorted(LOADS), help="what the server is asked meanwhile")
    parser.add_argument("--out", type=Path, help="the file to write (build/flame/LOAD.svg)")
    parser.add_argument("--seconds", type=float, default=3.0, help="how long is sampled (3)")
    parser.add_argument("--build", type=Path, default=os.environ.get("FASTI_BUILD_DIR", "build/release"),
                        help="build folder of the binaries (FASTI_BUILD_DIR or build/release)")
    asked = parser.parse_args()
    if shutil.which("perf") is None:
        print("flame: perf is not installed: ./ops/dev setup bench", file=sys.stderr)
        return 1
    how = paths.settings(build=Path(asked.build).resolve(), seconds=asked.seconds, rounds=1, placement="split",
                         peers=False, smoke=False)
    out = asked.out or Path("build/flame") / f"{asked.load}.svg"
    print(f"sampling {asked.load} for {asked.seconds:g} s, then naming the frames ...", file=sys.stderr)
    try:
        with tempfile.TemporaryDirectory(prefix="fasti-flame-") as folder:
            root = folded(sampled(how, asked.load, LOADS[asked.load], Path(folder)))
    except bench_error as error:
        print(f"flame: {error}", file=sys.stderr)
        return 1
    if root.samples == 0:
        print("flame: no samples: is the kernel allowed to be sampled (kernel.perf_event_paranoid)?", file=sys.stderr)
        return 1
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(svg(root, f"fasti: {asked.load}, {root.samples:,} samples of processor time; ./ops/dev flame {asked.load}"))
    print(f"{out}: {root.samples:,} samples", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())

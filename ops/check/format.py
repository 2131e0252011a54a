#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the C++ files that people write with .clang-format; --fix rewrites them, or only those named."""

from __future__ import annotations

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from common import CPP, arguments, files, is_generated


def main() -> int:
    parser = arguments(__doc__)
    parser.add_argument("--fix", action="store_true", help="rewrite the files")
    parser.add_argument("paths", nargs="*", help="only these files")
    options = parser.parse_args()
    tool = shutil.which("clang-format-14")
    if tool is None:
        print("format: left out, there is no clang-format-14 (./ops/dev setup work)", file=sys.stderr)
        return 0
    root = options.root.resolve()
    chosen = options.paths or files(root)
    chosen = [path for path in chosen if Path(path).suffix in CPP and not is_generated(path)]
    mode = ["-i"] if options.fix else ["--dry-run", "-Werror"]

    def format_one(path: str) -> tuple[int, str]:
        done = subprocess.run([tool, "--style=file", *mode, path], cwd=root, capture_output=True, text=True)
        return done.returncode, "\n".join(done.stderr.splitlines()[:3])

    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(format_one, chosen))
    bad = [text for status, text in results if status != 0]
    print("\n".join(bad), end="\n" if bad else "")
    remedy = ": ./ops/dev check --fix" if bad else ""
    print(f"format: {len(chosen)} files, {len(bad)} differ{remedy}", file=sys.stderr)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

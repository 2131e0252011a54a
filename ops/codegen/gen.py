#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes every generated file from the declarations domain/*/*.toml and adapters/config/config.toml.

    ops/codegen/gen.py            write what changed
    ops/codegen/gen.py --check    write nothing; exit 1 and name the files that are stale
    ops/codegen/gen.py --list     the generated files, one a line

Deterministic: the same declarations give the same bytes. Generated files carry `.gen.` in their names.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import config as settings  # noqa: E402
import declarations  # noqa: E402
import emit_cli  # noqa: E402
import emit_commands  # noqa: E402
import emit_errors  # noqa: E402
import emit_events  # noqa: E402
import emit_fields  # noqa: E402
import emit_json  # noqa: E402
import emit_openapi  # noqa: E402
import emit_permissions  # noqa: E402
import emit_proto  # noqa: E402
import emit_queries  # noqa: E402
import emit_records  # noqa: E402
import emit_reference  # noqa: E402
import emit_routes  # noqa: E402
import emit_stored  # noqa: E402
import emit_structs  # noqa: E402
import emit_views  # noqa: E402

EMITTERS = (emit_errors, emit_structs, emit_records, emit_stored, emit_events, emit_json, emit_commands, emit_proto, emit_fields,
            emit_permissions, emit_routes, emit_queries, emit_views, emit_cli, emit_openapi,
            emit_reference)


def generate(root):
    """Path (from root) -> text of every generated file. Raises DeclarationError."""
    model = declarations.load(root)
    files = dict(settings.generate(root))
    for emitter in EMITTERS:
        for path, lines in emitter.emit(model).items():
            if path in files:
                raise AssertionError(f"{path} is written twice")
            files[path] = lines if isinstance(lines, str) else "\n".join(lines)
    return files


def stale_files(root, files):
    """Generated files that differ from what they should be, and those that nothing writes any more."""
    stale = []
    for path, text in sorted(files.items()):
        there = root / path
        if not there.is_file() or there.read_text(encoding="utf-8") != text:
            stale.append(path)
    for folder in ("domain", "adapters", "docs", "tests"):
        for there in sorted((root / folder).glob("**/*.gen.*")):
            path = str(there.relative_to(root))
            if path not in files:
                stale.append(path)
    return stale


def main():
    parser = argparse.ArgumentParser(description="generate code from the declarations")
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[2])
    parser.add_argument("--check", action="store_true", help="only say what is stale")
    parser.add_argument("--list", action="store_true", help="list the generated files")
    options = parser.parse_args()
    try:
        files = generate(options.root)
    except declarations.DeclarationError as faults:
        print(faults, file=sys.stderr)
        return 1
    if options.list:
        print("\n".join(sorted(files)))
        return 0
    stale = stale_files(options.root, files)
    if options.check:
        for path in stale:
            print(f"{path} is stale: run ops/dev gen", file=sys.stderr)
        return 1 if stale else 0
    for path in stale:
        if path in files:
            there = options.root / path
            there.parent.mkdir(parents=True, exist_ok=True)
            there.write_text(files[path], encoding="utf-8")
            print(f"wrote {path}")
        else:
            (options.root / path).unlink()
            print(f"removed {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

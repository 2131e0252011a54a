# SPDX-License-Identifier: Apache-2.0
"""Which commit a build is compared with, and its programs, built in build/baseline without touching the user's tree."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

FILE = "ops/release/baseline"


class unusable(Exception):
    """There is no baseline; its text says why and what helps."""


@dataclass(frozen=True)
class commit_of:
    commit: str
    name: str  # the tag, or the short commit
    why: str   # it and no other


def _git(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(["git", "-C", str(root), *words], capture_output=True, text=True)
    except OSError as error:
        raise unusable(f"git cannot be run: {error.strerror}") from None


def _commit(root: Path, words: str, why: str) -> str:
    """The full commit that is meant."""
    done = _git(root, "rev-parse", "--verify", "--quiet", f"{words}^{{commit}}")
    if done.returncode == 0:
        return done.stdout.strip()
    inside = _git(root, "rev-parse", "--is-shallow-repository")
    if inside.returncode != 0:
        raise unusable(f"{root} is no git clone that can be read: {inside.stderr.strip()}")
    hint = "this clone is shallow: git fetch --unshallow --tags" if inside.stdout.strip() == "true" else "git fetch --tags"
    raise unusable(f"the commit {words} ({why}) is not in this clone ({hint})")


def _written_down(root: Path) -> str | None:
    try:
        lines = (root / FILE).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return None
    named = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    if len(named) != 1:
        raise unusable(f"{FILE} names {len(named)} commits; it must name one")
    return named[0]


def find(root: Path, asked: str | None = None) -> commit_of:
    """What was asked for; else the newest release below this commit, or what ops/release/baseline names if that is newer."""
    if asked is not None:
        commit = _commit(root, asked, "asked for")
        return commit_of(commit, commit[:12], "asked for")
    written = _written_down(root)
    noted = None if written is None else _commit(root, written, f"named in {FILE}")
    # The release that is being made is compared with the one before it.
    tag = _git(root, "describe", "--tags", "--abbrev=0", "--match", "v[0-9]*", "HEAD~1").stdout.strip()
    if tag:
        released = _commit(root, tag, "the newest release")
        if noted is None or _git(root, "merge-base", "--is-ancestor", noted, released).returncode == 0:
            return commit_of(released, tag, "the newest release below this commit")
    if noted is None:
        _commit(root, "HEAD", "this tree")  # says if this is no clone at all
        raise unusable(f"there is no release tag v* below this commit and no {FILE}")
    return commit_of(noted, noted[:12], f"named in {FILE}")


def _run(what: str, log: Path, words: list[str]) -> bool:
    with log.open("ab") as file:
        file.write(f"\n{' '.join(words)}\n".encode())
        file.flush()
        done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=file, stderr=file)
    if done.returncode != 0:
        print(f"regress: {what} failed, the end of {log}:", file=sys.stderr)
        print("\n".join(log.read_text(errors="replace").splitlines()[-15:]), file=sys.stderr)
    return done.returncode == 0


def _check_out(root: Path, commit: str, source: Path) -> None:
    partial = source.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    pack = subprocess.Popen(["git", "-C", str(root), "archive", "--format=tar", commit], stdout=subprocess.PIPE)
    unpacked = subprocess.run(["tar", "-x", "-C", str(partial)], stdin=pack.stdout)
    if pack.stdout is not None:
        pack.stdout.close()
    if pack.wait() != 0 or unpacked.returncode != 0:
        raise unusable(f"{commit[:12]} cannot be checked out into {partial}")
    partial.rename(source)


def build(root: Path, commit: str, programs: tuple[str, ...]) -> Path:
    """The folder with the release build of that commit. A program that it has not, or that does not build, is left out."""
    place = root / "build" / "baseline"
    source, log = place / commit[:12], place / f"{commit[:12]}.log"
    place.mkdir(parents=True, exist_ok=True)
    for other in place.iterdir():  # one baseline at a time
        if not other.name.startswith(commit[:12]):
            shutil.rmtree(other) if other.is_dir() else other.unlink()
    begin = time.monotonic()
    if not source.exists():
        _check_out(root, commit, source)
    log.write_bytes(b"")
    jobs = os.environ.get("FASTI_JOBS") or str(len(os.sched_getaffinity(0)))
    folder = source / "build" / "release"
    ninja = ["cmake", "--build", str(folder), "-j", jobs, "--target"]
    if not _run(f"configuring {commit[:12]}", log, ["cmake", "-S", str(source), "--preset", "release"]) or \
            not _run(f"building {commit[:12]}", log, [*ninja, "fasti"]):
        raise unusable(f"the baseline {commit[:12]} cannot be built on this machine")
    for name in programs:
        _run(f"building {name} of {commit[:12]}", log, [*ninja, name])
    print(f"regress: the baseline is built after {time.monotonic() - begin:.0f} s", file=sys.stderr)
    return folder

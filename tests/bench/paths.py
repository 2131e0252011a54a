# SPDX-License-Identifier: Apache-2.0
"""The paths that are measured, each beside its raw limit. Runs of the two alternate and medians are compared,
so that a machine that drifts does not decide."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import statistics
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from servers import adapter, bare, bench_error, bytes_used, cores_for, etcd, fasti, have_memory_ready, nginx, read_all, resident_bytes, server

Run = dict[str, float]


@dataclass(frozen=True)
class settings:
    build: Path
    seconds: float
    rounds: int
    placement: str
    peers: bool
    smoke: bool

    def scaled(self, full: int, small: int) -> int:
        """The size of a data set; the smoke run takes the small one."""
        return small if self.smoke else full


@dataclass
class row:
    """One line of the table. The bar is a limit, which the value may not exceed or must reach. `least` is half as
    fast as the bar: below that the structure is wrong."""

    path: str
    value: float
    unit: str
    raw_name: str
    raw: float
    limit: float
    bar: str
    lower_is_better: bool
    spread: tuple[float, float]
    placement: str
    detail: dict[str, object] = field(default_factory=dict)

    @property
    def ratio(self) -> float:
        return self.value / self.raw if self.raw else 0.0

    @property
    def holds(self) -> bool:
        return self.value <= self.limit if self.lower_is_better else self.value >= self.limit

    @property
    def least_holds(self) -> bool:
        return self.value <= 2 * self.limit if self.lower_is_better else self.value >= self.limit / 2

    def as_json(self) -> dict[str, object]:
        return {"path": self.path, "value": round(self.value, 3), "unit": self.unit, "raw_limit": self.raw_name,
                "raw": round(self.raw, 3), "ratio": round(self.ratio, 3), "bar": self.bar,
                "limit": round(self.limit, 3), "holds": self.holds, "half_of_bar_holds": self.least_holds,
                "spread": [round(value, 3) for value in self.spread], "placement": self.placement,
                "detail": self.detail}


def load(how: settings, target: server, placement: str, *words: object, seconds: float | None = None,
         token: bool = True) -> Run:
    command = [str(how.build / "bin/fasti_load"), "--addr", target.address, "--server-pids", str(target.pid)]
    if target.token_file is not None and token:
        command += ["--token-file", str(target.token_file)]
    command += ["--seconds", str(seconds or how.seconds), *map(str, words)]
    cores = cores_for(placement)[1]
    done = subprocess.run(command, capture_output=True, text=True,
                          preexec_fn=lambda: os.sched_setaffinity(0, cores))
    try:
        result = json.loads(done.stdout)
    except ValueError:
        raise bench_error(f"{target.name}: {done.stderr.strip() or target.log_tail()}") from None
    if done.returncode != 0 or result["requests"] == 0:
        raise bench_error(f"{target.name}: {result['errors']} errors, {result['requests']:.0f} answers, statuses "
                          f"{result['statuses']}, first error: {result['first_error']}")
    return result


def program(how: settings, name: str, *words: object, cores: set[int]) -> list[dict[str, float]]:
    path = how.build / "bin" / name
    if not path.exists():
        raise bench_error(f"{path} is not built")
    done = subprocess.run([str(path), *map(str, words)], capture_output=True, text=True,
                          preexec_fn=lambda: os.sched_setaffinity(0, cores))
    if done.returncode != 0:
        raise bench_error(f"{name}: status {done.returncode}: {done.stderr.strip()[-500:]}")
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def alternating(how: settings, *measures: Callable[[], Run], megabytes: int = 0) -> list[list[Run]]:
    """Rounds of A B ... and B A ... in turns; the runs of each measure. `megabytes`: what the larger of them takes in one
    run, of memory and of page cache."""
    runs: list[list[Run]] = [[] for _ in measures]
    for number in range(how.rounds):
        order = list(range(len(measures)))
        for index in order if number % 2 == 0 else reversed(order):
            have_memory_ready(0 if how.smoke else megabytes)
            runs[index].append(measures[index]())
    return runs


def middle(runs: list[Run], what: str) -> float:
    return statistics.median(run[what] for run in runs)


def spread(runs: list[Run], what: str) -> tuple[float, float]:
    values = [run[what] for run in runs]
    return min(values), max(values)


def shown(runs: list[Run]) -> dict[str, object]:
    wanted = ("per_s", "p50_us", "p99_us", "p999_us", "server_cpu_us", "server_user_us", "server_system_us", "foreign_cpu")
    return {what: round(middle(runs, what), 3) for what in wanted}


def populate(how: settings, target: fasti, services: int, instances: int) -> None:
    total = services * instances
    size = min(100, total)
    load(how, target, "shared", "--mode", "batch", "--services", services, "--commands", size, "--connections", 4,
         "--count", -(-total // size), seconds=120)


# --- reads and renewals -------------------------------------------------------------------------------


def _constant(how: settings, path: str, make: Callable[[Path, set[int]], server], url: str) -> list[row]:
    cores, _ = cores_for(how.placement)
    with nginx(cores) as theirs, make(how.build, cores) as ours:
        raw, value = alternating(how, lambda: load(how, theirs, how.placement, "--path", "/", token=False),
                                 lambda: load(how, ours, how.placement, "--path", url, token=False))
    limit = 1.3 * middle(raw, "server_cpu_us")
    return [row(path, middle(value, "server_cpu_us"), "us CPU/request", theirs.name,
                middle(raw, "server_cpu_us"), limit, "at most 1.3 x nginx", True, spread(value, "server_cpu_us"),
                how.placement, {"fasti": shown(value), "raw": shown(raw)})]


def http_adapter(how: settings) -> list[row]:
    return _constant(how, "constant answer of the HTTP adapter", adapter, "/")


def constant(how: settings) -> list[row]:
    return _constant(how, "constant answer of the whole server", fasti, "/health/live")


def _flat(how: settings, path: str, allowance: float, mode: str) -> list[row]:
    """One request about one instance, over data sets of several sizes at once."""
    cores, _ = cores_for(how.placement)
    many = how.scaled(100_000, 200)
    sizes = [(10, 3), (1, 1), (1, how.scaled(3000, 100)), (many, 1)]
    started: list[fasti] = []
    try:
        with nginx(cores) as theirs:
            for services, instances in sizes:
                started.append(fasti(how.build, cores).__enter__())
                populate(how, started[-1], services, instances)
            measures: list[Callable[[], Run]] = [lambda: load(how, theirs, how.placement, "--path", "/")]
            for target, (services, instances) in zip(started, sizes):
                words = ("--mode", mode, "--services", services, "--instances", instances)
                measures.append(lambda target=target, words=words: load(how, target, how.placement, *words))
            raw, value, *others = alternating(how, *measures)
    finally:
        for target in started:
            target.stop()
    base = middle(raw, "server_cpu_us")
    rows = [row(path, middle(value, "server_cpu_us"), "us CPU/request", theirs.name, base, base + allowance,
                f"at most nginx + {allowance:g} us", True, spread(value, "server_cpu_us"), how.placement,
                {"services": 10, "instances": 3, "fasti": shown(value), "raw": shown(raw)})]
    smallest = middle(others[0], "server_cpu_us")
    for runs, (services, instances) in zip(others[1:], sizes[2:]):
        used = middle(runs, "server_cpu_us")
        rows.append(row(f"{path}, {services} x {instances}", used, "us CPU/request", "the same with 1 x 1", smallest,
                        1.1 * smallest, "within 10 % of 1 service with 1 instance", True,
                        spread(runs, "server_cpu_us"), how.placement,
                        {"services": services, "instances": instances, "fasti": shown(runs)}))
    return rows


def discovery(how: settings) -> list[row]:
    return _flat(how, "discovery of one", 3.0, "discover")


def renewal(how: settings) -> list[row]:
    return _flat(how, "lease renewal", 4.0, "renew")


# --- durable writes -----------------------------------------------------------------------------------


def stored_bytes_of_a_register(how: settings) -> int:
    """What our log holds for each register_instance; the bare server appends as much."""
    commands = 4000
    with fasti(how.build, cores_for("shared")[0]) as ours:
        log = ours.data / "log"
        before = bytes_used(log)
        populate(how, ours, 100, commands // 100)
        return max(1, (bytes_used(log) - before) // commands)


class numbering:
    """Keeps the instances of one run distinct from those of the runs before it."""

    def __init__(self) -> None:
        self.next = 0

    def run(self, how: settings, target: server, placement: str, commands: int, *words: object) -> Run:
        result = load(how, target, placement, "--first", self.next, "--services", 100, *words)
        self.next += int(result["issued"]) * commands
        result["commands_per_s"] = result["per_s"] * commands
        return result


def register(how: settings) -> list[row]:
    cores, _ = cores_for(how.placement)
    size = stored_bytes_of_a_register(how)
    rows: list[row] = []
    for connections in (64, 256):
        words = ("--mode", "register", "--expect", 201, "--connections", connections)
        with bare(how.build, cores, size) as theirs, fasti(how.build, cores) as ours:
            numbers = numbering()
            raw, value = alternating(how, lambda: load(how, theirs, how.placement, *words),
                                     lambda: numbers.run(how, ours, how.placement, 1, *words), megabytes=768)
        path = f"durable register, {connections} connections"
        detail: dict[str, object] = {"stored_bytes": size, "fasti": shown(value), "raw": shown(raw)}
        rate, tail = middle(raw, "per_s"), middle(raw, "p99_us")
        rows += [row(path, middle(value, "per_s"), "requests/s", theirs.name, rate, 0.7 * rate,
                     "at least 70 % of the bare server", False, spread(value, "per_s"), how.placement, detail),
                 row(f"{path}, p99", middle(value, "p99_us"), "us", theirs.name, tail, 2 * tail,
                     "at most 2 x the bare server", True, spread(value, "p99_us"), how.placement)]
        if how.peers:
            rows.append(_beside_etcd(how, path, connections, value))
    return rows


def _beside_etcd(how: settings, path: str, connections: int, ours: list[Run]) -> row:
    cores, _ = cores_for(how.placement)
    with etcd(cores) as theirs:
        words = ("--mode", "etcd_put", "--connections", connections)
        numbers = numbering()
        (raw,) = alternating(how, lambda: numbers.run(how, theirs, how.placement, 1, *words))
    rate = middle(raw, "per_s")
    return row(f"{path}, beside etcd", middle(ours, "per_s"), "requests/s", "etcd durable put", rate, 2 * rate,
               "at least 2 x etcd", False, spread(ours, "per_s"), how.placement, {"etcd": shown(raw)})


def batch(how: settings) -> list[row]:
    """The bar asks for both cores, so server and load share them whatever the placement of the rest."""
    size = stored_bytes_of_a_register(how)
    cores, _ = cores_for("shared")
    words = ("--mode", "batch", "--connections", 64)
    with bare(how.build, cores, size) as theirs, fasti(how.build, cores) as ours:
        numbers = numbering()
        raw, value = alternating(how, lambda: numbers.run(how, theirs, "shared", 100, *words, "--expect", 201),
                                 lambda: numbers.run(how, ours, "shared", 100, *words), megabytes=2048)
    return [row("durable register, 64 connections, 100 in one request", middle(value, "commands_per_s"), "commands/s",
                theirs.name, middle(raw, "commands_per_s"), 200_000, f"at least 200,000/s, here for {how.seconds:g} s", False,
                spread(value, "commands_per_s"), "shared", {"stored_bytes": size, "fasti": shown(value), "raw": shown(raw)})]


# --- log and views in process -------------------------------------------------------------------------


def _scratch(how: settings) -> Path:
    folder = how.build / "bench"
    folder.mkdir(exist_ok=True)
    return folder


def ledger(how: settings) -> list[row]:
    """Neither has a load beside it, so both cores are theirs: the log prepares its next file on the second."""
    cores, _ = cores_for("shared")
    folder = _scratch(how)
    rows = []
    for size in (16, 256):
        ours = lambda size=size: program(how, "ledger_bench", "append", folder, size, 400, how.seconds, cores=cores)[0]
        stored = round(ours()["record_bytes"])  # with its share of the frame
        raw, value = alternating(how, lambda: program(how, "fasti_raw_limits", "append", folder, size, stored,
                                                      how.seconds, cores=cores)[0], ours, megabytes=2048)
        limit = middle(raw, "per_s")
        rows.append(row(f"ledger append, batches of {size}", middle(value, "per_s"), "events/s",
                        "raw write to zeros, same sync", limit, 0.7 * limit, "at least 70 % of raw", False,
                        spread(value, "per_s"), "shared",
                        {"record_bytes": stored, "p50_us": middle(value, "p50_us"), "p99_us": middle(value, "p99_us"),
                         "raw_p50_us": middle(raw, "p50_us"), "raw_p99_us": middle(raw, "p99_us")}))
    return rows


def log_read(how: settings) -> list[row]:
    cores, _ = cores_for("split")
    folder = _scratch(how)
    raw, value = alternating(
        how, lambda: program(how, "fasti_raw_limits", "read", folder, 1, 424, how.seconds, cores=cores)[0],
        lambda: program(how, "ledger_bench", "read", folder, 1, 400, how.seconds, cores=cores)[0])
    return [row("log read", middle(value, "per_s"), "events/s", "raw sequential read", middle(raw, "per_s"), 5_000_000,
                "at least 5 million/s on a core", False, spread(value, "per_s"), "split")]


def rebuild(how: settings) -> list[row]:
    cores, _ = cores_for("split")
    (runs,) = alternating(how, lambda: _view_figures(how, cores), megabytes=2048)
    rows = []
    for shape in sorted({name.split("|")[1] for name in runs[0]}):
        raw, value = f"decode only|{shape}", f"view rebuild|{shape}"
        rows.append(row(f"view rebuild, {shape}", middle(runs, value), "events/s", "decode without views",
                        middle(runs, raw), 1_500_000, "at least 1.5 million/s on a core", False,
                        spread(runs, value), "split"))
    return rows


def _view_figures(how: settings, cores: set[int]) -> Run:
    lines = program(how, "views_bench", "rebuild", *(["small"] if how.smoke else []), cores=cores)
    return {f"{line['path']}|{line['of']}": float(line["value"]) for line in lines
            if line["path"] in ("decode only", "view rebuild")}


def past(how: settings) -> list[row]:
    """A log of a million events without any snapshot, in process; the time is that of the folding thread."""
    cores, _ = cores_for("split")
    (runs,) = alternating(how, lambda: {line["path"]: float(line["value"]) for line in program(
        how, "views_bench", "past", *(["small"] if how.smoke else []), cores=cores)}, megabytes=2048)
    names = (("one key in the past, p99", 10.0), ("whole view in the past, no snapshot", 1000.0))
    return [row(name, middle(runs, name), "ms", "the bar", limit, limit, f"at most {limit:g} ms", True,
                spread(runs, name), "split") for name, limit in names]


# --- a node with a long log ---------------------------------------------------------------------------


@contextlib.contextmanager
def made_data(how: settings, services: int, instances: int, changes: int) -> Iterator[tuple[Path, Run]]:
    """A data folder as a server with such a history left it, without leases."""
    folder = Path(tempfile.mkdtemp(prefix="long_log-", dir=_scratch(how)))
    try:
        yield folder, program(how, "fasti_make_log", folder, services, instances, changes, 0, cores=cores_for("shared")[0])[0]
    finally:
        shutil.rmtree(folder)


def start(how: settings) -> list[row]:
    """Ten million events on 200,000 instances, from the page cache, both cores free: until /health/ready answers 200.
    The raw limit is reading the same files."""
    cores, _ = cores_for("shared")
    services, changes = how.scaled(10_000, 50), how.scaled(9_800_000, 9_000)
    rows = []
    with made_data(how, services, 20, changes) as (folder, made):
        def ready() -> Run:
            with fasti(how.build, cores, folder) as ours:
                return {"seconds": ours.started_in}
        def raw() -> Run:
            return {"seconds": read_all(folder / "log")}
        raw()
        for path, limit in (("start without a snapshot", 8.0), ("start with a snapshot", 1.0)):
            theirs, ours = alternating(how, raw, ready)
            rows.append(row(f"{path}, {made['events']:,.0f} events", middle(ours, "seconds"), "s",
                            "reading the log", middle(theirs, "seconds"), limit, f"at most {limit:g} s", True,
                            spread(ours, "seconds"), "shared", {"instances": made["instances"]}))
            program(how, "fasti", "snapshot", "--data", folder, cores=cores)
    return rows


def memory(how: settings) -> list[row]:
    """What a node holds for each registered instance when it has folded a log of them, beside their own text."""
    cores, _ = cores_for("shared")
    with fasti(how.build, cores) as empty:
        before = resident_bytes(empty.pid)
    rows = []
    for services, instances in ((how.scaled(10_000, 50), 100), (how.scaled(100_000, 500), 10)):
        with made_data(how, services, instances, 0) as (folder, made), fasti(how.build, cores, folder) as ours:
            count = made["instances"]
            used = (resident_bytes(ours.pid) - before - made["text_bytes"]) / count
        rows.append(row(f"memory, {services} services x {instances}", used, "bytes/instance", "its own text",
                        made["text_bytes"] / count, 500, "at most 500 bytes over the text", True, (used, used), "shared"))
    return rows


def raw_disk(how: settings) -> list[row]:
    """What the machine allows; no value of ours, so no bar."""
    cores, _ = cores_for(how.placement)
    rows = []
    for what, size, name in (("append", 16, "raw append, batches of 16"), ("append", 256, "raw append, batches of 256"),
                             ("read", 256, "raw sequential read")):
        measure = lambda what=what, size=size: program(how, "fasti_raw_limits", what, _scratch(how), size, 400,
                                                       how.seconds, cores=cores)[0]
        (runs,) = alternating(how, measure)
        value = middle(runs, "per_s")
        rows.append(row(name, value, "records of 400 B/s", "itself", value, 0, "none", False, spread(runs, "per_s"),
                        how.placement))
    return rows


PATHS: dict[str, Callable[[settings], list[row]]] = {
    "http_adapter": http_adapter,
    "constant": constant,
    "discovery": discovery,
    "renewal": renewal,
    "register": register,
    "batch": batch,
    "ledger": ledger,
    "log_read": log_read,
    "rebuild": rebuild,
    "past": past,
    "start": start,
    "memory": memory,
    "disk": raw_disk,
}
BESIDE_NGINX = {"http_adapter", "constant", "discovery", "renewal"}

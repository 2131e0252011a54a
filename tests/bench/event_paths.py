# SPDX-License-Identifier: Apache-2.0
"""The paths that end at somebody who follows the log: a lease that lapses, and frames for many subscribers."""

from __future__ import annotations

import dataclasses
import http.client
import json
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from paths import Run, alternating, load, middle, numbering, populate, row, settings, spread
from servers import bare, bench_error, cores_for, fasti, server

# --- leases that lapse --------------------------------------------------------------------------------

LEASE_MS = 2000  # the shortest: time enough to register all of them
CLOCK_MS = 5.0   # by which the stated deadline may differ from what the client saw


def _shares(late_ms: list[float]) -> Run:
    late_ms.sort()
    at = lambda share: late_ms[min(len(late_ms) - 1, int(share * len(late_ms)))]
    return {"p50_ms": at(0.5), "p99_ms": at(0.99), "max_ms": late_ms[-1]}


def _register_lapsing(ours: fasti, headers: dict[str, str], leases: list[int]) -> dict[str, tuple[float, float]]:
    """Registers one instance for each lease; between which times, by this clock, each of them must lapse."""
    bounds = {}
    client = http.client.HTTPConnection(ours.address, timeout=30)
    for first in range(0, len(leases), 100):
        names = range(first, min(first + 100, len(leases)))
        body = {"mode": "all", "commands": [
            {"command": "register_instance", "data": {
                "service": "lapsing", "instance": f"node-{name}", "address": "10.20.30.40", "port": 8443,
                "lease_ms": leases[name]}} for name in names]}
        sent = time.time()
        client.request("POST", "/v1/commands", json.dumps(body), headers | {"Content-Type": "application/json"})
        answer = client.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise bench_error(f"fasti: instances cannot be registered: {answer.status} {text[:300]!r}")
        for name in names:
            bounds[f"node-{name}"] = (sent + leases[name] / 1000, time.time() + leases[name] / 1000)
    client.close()
    return bounds


def _lapses(how: settings, ours: fasti, leases: list[int]) -> Run:
    """From each deadline, as its event states it, to the arrival of that event at a follower."""
    os.sched_setaffinity(0, cores_for(how.placement)[1])  # of this thread
    headers = {"Authorization": "Bearer " + ours.token_file.read_text().strip()}
    follower = http.client.HTTPConnection(ours.address, timeout=max(leases) / 1000 + 20)
    follower.request("GET", "/v1/events/stream?type=instance_expired&type=expiry_guard_raised", headers=headers)
    frames = follower.getresponse()
    bounds = _register_lapsing(ours, headers, leases)
    late = []
    try:
        while len(late) < len(leases):
            line = frames.readline()
            arrived = time.time()
            if not line.startswith(b"data: "):
                if not line:
                    raise bench_error("fasti: the stream of events ended")
                continue
            event = json.loads(line[6:])
            if not event["type"].endswith("instance_expired"):
                raise bench_error("fasti: the guard against mass expiry rose")
            deadline = datetime.fromisoformat(event["data"]["deadline"].replace("Z", "+00:00")).timestamp()
            earliest, latest = bounds.pop(event["data"]["instance"])
            if not earliest - CLOCK_MS / 1000 <= deadline <= latest + CLOCK_MS / 1000:
                raise bench_error(f"fasti: a lease ended {1000 * (deadline - earliest):.1f} ms off")
            late.append(1000 * (arrived - deadline))
    except OSError:
        raise bench_error(f"fasti: {len(bounds)} leases lapsed and no event of it came") from None
    finally:
        follower.close()
    return _shares(late)


def expiry(how: settings) -> list[row]:
    """100,000 leases are held; 1 % of them lapse spread over 10 s."""
    how = dataclasses.replace(how, rounds=min(how.rounds, 3))
    cores, _ = cores_for(how.placement)
    held, over_ms = how.scaled(100_000, 2000), how.scaled(10_000, 500)
    lapsing = held // 100
    leases = [LEASE_MS + number * over_ms // lapsing for number in range(lapsing)]
    words = ("--mode", "register", "--expect", 201, "--connections", 1)
    with bare(how.build, cores, 400) as theirs, fasti(how.build, cores) as ours, ThreadPoolExecutor(1) as other:
        populate(how, ours, 10, (held - lapsing) // 10)
        raw, value = alternating(how, lambda: load(how, theirs, how.placement, *words),
                                 lambda: other.submit(_lapses, how, ours, leases).result())
    return [row(f"lease expiry, {lapsing:,} of {held:,} lapse", middle(value, "p99_ms"), "ms after the deadline, p99",
                "one durable write of the bare server, p99", middle(raw, "p99_us") / 1000, 100.0, "at most 100 ms", True,
                spread(value, "p99_ms"), how.placement,
                {"over_s": over_ms / 1000, "p50_ms": round(middle(value, "p50_ms"), 3),
                 "max_ms": round(max(run["max_ms"] for run in value), 3)})]


# --- subscribers --------------------------------------------------------------------------------------


class _sides:
    """The bare server and ours under the same load in turns; each knows which instances it holds already."""

    def __init__(self, theirs: bare, ours: fasti) -> None:
        self.servers: list[tuple[server, numbering]] = [(theirs, numbering()), (ours, numbering())]

    def run(self, how: settings, commands: int, *loads: tuple[object, ...]) -> list[list[Run]]:
        """The runs of each load: theirs, ours, then of the next load. A lost event ends the measurement."""
        def measure(target: server, own: numbering, words: tuple[object, ...]) -> Run:
            expect = 200 if commands > 1 and isinstance(target, fasti) else 201
            return own.run(how, target, how.placement, commands, *words, "--expect", expect)
        return alternating(how, *(lambda one=one, words=words: measure(*one, words)
                                  for words in loads for one in self.servers))


def _stream_details(raw: list[Run], value: list[Run]) -> dict[str, object]:
    wanted = ("frames_per_s", "frames_per_core", "frame_bytes", "delay_p50_us", "delay_p99_us", "delay_max_us", "per_s", "p99_us",
              "caught_up_s", "server_cores", "load_cores", "foreign_cpu")
    return {name: {what: round(middle(runs, what), 3) for what in wanted} for name, runs in (("fasti", value), ("raw", raw))}


def _frame_bytes(how: settings) -> int:
    """Of a register at a subscriber; the bare server sends as much."""
    with fasti(how.build, cores_for("shared")[0]) as ours:
        run = load(how, ours, "shared", "--mode", "register", "--services", 100, "--expect", 201, "--connections", 4,
                   "--subscribers", 1, seconds=0.2)
        return round(run["frame_bytes"])


def streams(how: settings) -> list[row]:
    """Registrations told to 100 and 1,000 subscribers: as many as they keep up with, then at a rate that is a quarter
    of the bar, then, with 100 and with none, all that 64 connections can ask for."""
    how = dataclasses.replace(how, rounds=min(how.rounds, 3), seconds=min(how.seconds, 5.0))
    cores, _ = cores_for(how.placement)
    size, rows = _frame_bytes(how), []
    for count in (how.scaled(100, 10), how.scaled(1000, 50)):
        with bare(how.build, cores, 400, size) as theirs, fasti(how.build, cores) as ours:
            sides = _sides(theirs, ours)
            path = f"server-sent events, {count:,} subscribers"
            words = ("--mode", "batch", "--commands", 100, "--connections", 4, "--ahead", 200, "--subscribers", count)
            raw, value = sides.run(how, 100, words)
            rows.append(row(path, middle(value, "frames_per_core"), "frames/s of a core", theirs.name,
                            middle(raw, "frames_per_core"), 400_000, "at least 400,000/s per core", False,
                            spread(value, "frames_per_core"), how.placement, _stream_details(raw, value)))
            words = ("--mode", "register", "--connections", 32, "--rate", 100_000 // count, "--subscribers", count)
            raw, value = sides.run(how, 1, words)
            rows.append(row(f"{path}, p99", middle(value, "delay_p99_us"), "us from the event's time to arrival",
                            theirs.name, middle(raw, "delay_p99_us"), 10_000, "at most 10 ms", True,
                            spread(value, "delay_p99_us"), how.placement, _stream_details(raw, value)))
    return [*rows, _slowed(how, size), _slowed_by_own(how)]


def _slowed(how: settings, size: int) -> row:
    cores, _ = cores_for(how.placement)
    count = how.scaled(100, 10)
    how = dataclasses.replace(how, seconds=min(how.seconds, 1.0))  # all of it is told 100 times
    words = ("--mode", "register", "--connections", 64)
    with bare(how.build, cores, 400, size) as theirs, fasti(how.build, cores) as ours:
        runs = _sides(theirs, ours).run(how, 1, (*words, "--subscribers", 0), (*words, "--subscribers", count))
        alone, beside = runs[:2], runs[2:]
    slower = lambda side: 100 * (1 - middle(beside[side], "per_s") / middle(alone[side], "per_s"))
    each = [100 * (1 - run["per_s"] / middle(alone[1], "per_s")) for run in beside[1]]
    return row(f"registrations beside {count} subscribers", slower(1), "% slower", "bare server, same sync", slower(0),
               20.0, "at most 20 % slower", True, (min(each), max(each)), how.placement,
               {"per_s_alone": round(middle(alone[1], "per_s")), "raw_per_s_alone": round(middle(alone[0], "per_s")),
                **_stream_details(*beside)})


def _slowed_by_own(how: settings) -> row:
    """Each subscriber follows one service, as who waits for changes of what it calls does."""
    cores, _ = cores_for(how.placement)
    count = how.scaled(100, 10)
    words = ("--mode", "register", "--connections", 64, "--services", count, "--expect", 201, "--each-own")
    with fasti(how.build, cores) as ours:
        own = numbering()
        alone, beside = alternating(how, *(
            lambda told=told: own.run(how, ours, how.placement, 1, *words, "--subscribers", told) for told in (0, count)))
    each = [100 * (1 - run["per_s"] / middle(alone, "per_s")) for run in beside]
    return row(f"registrations beside {count} subscribers of a service each", 100 * (1 - middle(beside, "per_s") / middle(alone, "per_s")),
               "% slower", "the bar", 20.0, 20.0, "at most 20 % slower", True, (min(each), max(each)), how.placement,
               {"per_s_alone": round(middle(alone, "per_s")), "per_s": round(middle(beside, "per_s")),
                "delay_p99_us": round(middle(beside, "delay_p99_us"))})


PATHS: dict[str, Callable[[settings], list[row]]] = {
    "expiry": expiry,
    "streams": streams,
}

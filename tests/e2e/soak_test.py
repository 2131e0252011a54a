# SPDX-License-Identifier: Apache-2.0
"""Hours of use, in small: a population that stays as large while everything about it changes. Instances register, change,
leave, renew or lapse; clients discover, wait for changes, follow and hang up, ask about the past, and say again what they
said long ago with its key. Memory, threads and open files stay flat, nothing is lost, and the log proves itself.

FASTI_SOAK_SECONDS: how long (20; with FASTI_LONG_TESTS=1, as `ops/dev prove soak` runs it: 1,800).
"""

import collections
import os
import statistics
import sys
import threading
import time
import unittest

import soak_clients
from harness import SANITIZED, Server, run

SECONDS = float(os.environ.get("FASTI_SOAK_SECONDS", "1800" if "FASTI_LONG_TESTS" in os.environ else "20"))
TELL_EVERY = 30
# As shipped, but that what happens once in hours comes every half minute: a segment is sealed and its run merged, a
# snapshot written and an old one let go, a past view forgotten. The bound on memory is a bound on leaks only then.
SETTINGS = ["--store-segment-bytes", str(2 << 20), "--snapshots-every-events", "8000", "--snapshots-keep", "4",
            "--past-memory-bytes-max", str(4 << 20), "--registry-reap-ms", "2000"]

# What may grow, stated: of each event the filter and the fences of the key index stay in memory. An event with its
# Idempotency-Key has two entries; a filter is 12 to 24 bits an entry, fences 64 bits in 255: 7 bytes. A merge holds
# both copies for a moment. Of each minute the metrics keep a cell for each service and type that was seen.
EVENT_BYTES = 14
MINUTE_BYTES = 24 * 8 * 64
# Allocator: pages that come and go with a snapshot, a merge, a past view. It is what a window may differ from another.
SLACK = 2 << 20 if SECONDS >= 300 else 12 << 20

sample = collections.namedtuple("sample", "second events anonymous threads sockets logs others gone")


def take_sample(pid, began, events):
    """Anonymous memory of the server, its threads, and what its descriptors are open on."""
    anonymous = threads = None
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        for line in status:
            if line.startswith("RssAnon:"):
                anonymous = int(line.split()[1]) * 1024
            elif line.startswith("Threads:"):
                threads = int(line.split()[1])
    sockets = logs = others = gone = 0
    for number in os.listdir(f"/proc/{pid}/fd"):
        try:
            target = os.readlink(f"/proc/{pid}/fd/{number}")
        except FileNotFoundError:
            continue  # closed meanwhile
        sockets += target.startswith("socket:")
        logs += "/log/" in target
        gone += target.endswith(" (deleted)")
        others += not target.startswith("socket:") and "/log/" not in target
    return sample(time.monotonic() - began, events, anonymous, threads, sockets, logs, others, gone)


class Soak(unittest.TestCase):
    def setUp(self):
        self.server = Server(SETTINGS)
        self.addCleanup(self.server.__exit__)
        self.server.start()
        self.samples = []

    def test_memory_threads_and_files_stay_flat_and_nothing_is_lost(self):
        course = soak_clients.Course(self.server.port, self.server.token)
        self.addCleanup(course.close)
        course.begin()
        self.watch(course)
        course.end()
        self.assertEqual(course.troubles(), [])
        with self.subTest("flat"):
            self.check_flat()
        client = self.server.client()
        lapsed = course.mortals.wait_until_gone(client)
        self.check_nothing_lost(course, client, lapsed)
        before = course.listing(client)
        course.close()
        self.assertEqual(course.troubles(), [])
        self.assertEqual(self.server.stop(), 0)
        verified = run("verify", "--data", str(self.server.data), timeout=300)
        self.assertEqual(verified.returncode, 0, verified)
        self.server.start()
        client = self.server.client()
        self.assertEqual(course.listing(client), before, "the same after a restart")
        self.assertGreater(sum(writer.repeat(client, 200) for writer in course.writers), 0)
        print(f"{self.samples[-1].events} events, {course.told()}", flush=True)

    def watch(self, course):
        """A sample every second, a line every half minute."""
        began = time.monotonic()
        told = began
        client = self.server.client()
        while time.monotonic() - began < SECONDS and not course.troubles():
            events = soak_clients.place_of(client.get("/v1/events?limit=1").headers["fasti-position"])
            self.samples.append(take_sample(self.server.process.pid, began, events))
            if time.monotonic() - told >= TELL_EVERY:
                told += TELL_EVERY
                now = self.samples[-1]
                print(f"{now.second:5.0f} s: {now.events} events, {now.anonymous >> 10:,} KiB, {now.threads} threads, "
                      f"{now.sockets} sockets, {now.logs} files of the log, {now.others} others, {course.told()}",
                      file=sys.stderr, flush=True)
            course.ended.wait(1)

    def check_flat(self):
        """The first quarter is warm-up: tables grow to their size, the first snapshots and merges happen. Of the rest,
        its first third is compared with its last, highest with highest."""
        warm = [one for one in self.samples if one.second >= SECONDS / 4]
        third = len(warm) // 3
        early, late = warm[:third], warm[-third:]
        self.assertGreaterEqual(third, 3, "too few samples")
        grown = max(one.anonymous for one in late) - max(one.anonymous for one in early)
        typical = statistics.median(one.anonymous for one in late) - statistics.median(one.anonymous for one in early)
        events = late[-1].events - early[-1].events
        minutes = (late[-1].second - early[-1].second) / 60
        bound = events * EVENT_BYTES + minutes * MINUTE_BYTES + SLACK
        print(f"memory: {max(one.anonymous for one in early) >> 10:,} KiB at most early, {grown / 1024:+,.0f} KiB late "
              f"(median {typical / 1024:+,.0f}), bound {bound / 1024:,.0f} KiB over {events} events", flush=True)
        if not SANITIZED:
            self.assertLessEqual(grown, bound, "memory grows")
        self.assertEqual({one.threads for one in warm}, {warm[0].threads}, "threads come or go")
        self.assertLessEqual(max(one.others for one in late), max(one.others for one in early), "descriptors grow")
        self.assertLessEqual(max(one.sockets for one in warm), soak_clients.SOCKETS_MAX, "connections are not let go")
        # The log keeps its segments and runs open, and only those that are there. A merge replaces up to four runs.
        there = len(list((self.server.data / "log").iterdir()))
        self.assertLessEqual(self.samples[-1].logs, there + 4, "descriptors of the log")
        self.assertLessEqual(max(one.gone for one in warm), 8, "deleted files are held open")

    def check_nothing_lost(self, course, client, lapsed):
        """The log is dense and holds exactly what was acknowledged; what is served is what was said last."""
        of_key, counts, ids, last = {}, collections.Counter(), set(), 0
        for event in self.server.all_events(client):
            last += 1
            self.assertEqual(int(event["position"]), last, "dense, in order")
            ids.add(event["id"])
            kind = event["type"].removeprefix("dev.fasti.")
            counts[kind] += 1
            if soak_clients.is_key(event.get("reason", "")):
                of_key.setdefault(event["reason"], []).append(last)
            if event["subject"].startswith("instance/mortal/"):
                counts["mortal " + kind] += 1
        self.assertEqual(len(ids), last, "no event twice")
        for writer in course.writers:
            for key, positions in writer.acknowledged.items():
                self.assertEqual(of_key.pop(key, []), positions, f"{key}: exactly what was acknowledged")
        self.assertEqual(of_key, {}, "events that nobody was told of")
        self.assertEqual(course.steady.counts_to(last, client), counts_of(counts), "followed from the first to the last")
        self.assertEqual(counts["expiry_guard_raised"], 0, "leases lapsed that were renewed")
        self.assertEqual(counts["mortal instance_expired"], counts["mortal instance_registered"], "each one lapsed")
        self.assertEqual(counts["mortal instance_reaped"], lapsed)
        self.assertEqual(counts["instance_expired"], counts["mortal instance_expired"], "none that was renewed")
        self.assertEqual(course.served(client), course.expected(), "what was said last")


def counts_of(counts):
    return {kind: count for kind, count in counts.items() if not kind.startswith("mortal ")}


if __name__ == "__main__":
    unittest.main()

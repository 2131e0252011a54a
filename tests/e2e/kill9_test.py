# SPDX-License-Identifier: Apache-2.0
"""kill -9 of the real binary under load, again and again: what was answered is there, once, and in order.

FASTI_KILL_ROUNDS: how many kills (25; `ops/dev prove kills`: 200). Sanitizers do with fewer workers.
"""

import hashlib
import http.client
import json
import os
import random
import threading
import unittest

from harness import Server, run

SLOW = any(name in os.environ.get("FASTI_BUILD_DIR", "") for name in ("asan", "tsan"))
ROUNDS = int(os.environ.get("FASTI_KILL_ROUNDS", "25"))
WORKERS = 3 if SLOW else 64
PERIODS = (0.02, 0.6)  # seconds from the first answer of a round to the kill: random moments, no synchronisation
VERIFY_EVERY = max(3, ROUNDS // 20)  # rounds; it reads the whole log each time


class Worker:
    """One client that repeats what was not answered, with the same key, over all kills."""

    def __init__(self, number, seed):
        self.number = number
        self.random = random.Random(seed)
        self.made = 0
        self.unanswered = None  # the request that must be repeated
        self.answered = []      # in order and not compared yet: (marker, [(position, type, stream) of each event])
        self.last = 0           # position of the last event that was compared
        self.repeated = 0       # answers that an earlier, unheard one had made
        self.first_answer = None
        self.trouble = None

    def next_request(self):
        self.made += 1
        instance = f"i{self.random.randrange(5)}"
        service = f"w{self.number}"
        marker = f"{self.number}-{self.made}"
        path = f"/v1/services/{service}/instances/{instance}"
        kind = self.random.random()
        if kind < 0.15:
            return marker, "DELETE", path, None
        if kind < 0.30:
            items = [{"command": "register_instance", "idempotency_key": f"{marker}-{i}",
                      "data": {"service": service, "instance": f"b{i}", "address": "10.1.1.1", "port": 1,
                               "version": f"{marker}-{i}"}} for i in range(self.random.randrange(1, 30))]
            return marker, "POST", "/v1/commands", {"mode": self.random.choice(["all", "each"]), "commands": items}
        return marker, "PUT", path, {"address": "10.0.0.1", "port": 80, "version": marker}

    def ask_one(self, client):
        asked = self.unanswered or self.next_request()
        self.unanswered = asked
        marker, method, path, body = asked
        headers = {"Fasti-Reason": marker}
        if method != "POST" or body["mode"] == "all":
            headers["Idempotency-Key"] = marker
        answer = client.ask(method, path, body, headers)
        if answer.status != 503:
            self.unanswered = None
            self.keep(marker, answer)

    def run(self, client):
        """Until the connection breaks."""
        try:
            while True:
                self.ask_one(client)
                self.first_answer.set()
        except (OSError, http.client.HTTPException):
            pass
        except AssertionError as why:
            self.trouble = why
        finally:
            client.close()

    def keep(self, marker, answer):
        if answer.status == 404:
            assert answer.json["code"] == "instance_unknown", answer
            self.answered.append((marker, []))
            return
        assert answer.status in (200, 201), answer
        events = []
        for one in answer.json.get("items", [answer.json]):
            assert one["outcome"] in ("appended", "already", "unchanged"), answer
            self.repeated += one["outcome"] == "already"
            events += [(event["position"], event["type"], event["stream"]) for event in one["events"]]
        self.answered.append((marker, events))


class Kill9(unittest.TestCase):
    def setUp(self):
        self.seed = int(os.environ.get("FASTI_SEED", "1"))
        self.server = Server(["--store-segment-bytes", "262144", "--snapshots-every-events", "500"])
        self.addCleanup(self.server.__exit__)
        self.workers = [Worker(number, f"{self.seed}-{number}") for number in range(WORKERS)]
        self.random = random.Random(self.seed)
        self.seen = 0         # events read so far
        self.digest = hashlib.sha256()
        self.ids = set()
        self.versions = {}    # of each stream
        self.of_request = {}  # marker: events of a request that is not answered and compared yet
        self.settled = set()  # markers of the others

    def test_nothing_acknowledged_is_lost_doubled_or_reordered(self):
        self.server.start()
        made = self.server.client().post("/v1/tokens", {"name": "load", "permissions": ["registry:write"]})
        self.token = made.json["secret"]
        for number in range(ROUNDS):
            with self.subTest(round=number, seed=self.seed):
                self.one_round()
                if number % VERIFY_EVERY == 0 or number == ROUNDS - 1:
                    self.prove()
                self.server.start()
                self.compare()
                if number % (4 * VERIFY_EVERY) == 0:
                    self.compare_whole()
        for worker in self.workers:  # what the last kill left unanswered
            if worker.unanswered:
                worker.ask_one(self.server.client(token=self.token))
        self.compare()
        self.compare_whole()
        print(f"{sum(worker.made for worker in self.workers)} requests, "
              f"{sum(worker.repeated for worker in self.workers)} commands done but not heard of", flush=True)
        self.assertEqual(self.server.stop(), 0)
        self.prove()

    def one_round(self):
        first_answer = threading.Event()
        threads = []
        for worker in self.workers:
            worker.first_answer = first_answer
            threads.append(threading.Thread(target=worker.run, args=(self.server.client(token=self.token),)))
        clients, self.server.clients = self.server.clients, []  # each thread closes its own
        for thread in threads:
            thread.start()
        self.assertTrue(first_answer.wait(60), "an answer came")
        threading.Event().wait(self.random.uniform(*PERIODS))
        self.server.kill()
        for thread in threads:
            thread.join()
        for client in clients:
            client.close()
        for worker in self.workers:
            self.assertIsNone(worker.trouble)

    def prove(self):
        """Chain, density, indexes, snapshots and views, by the binary itself beside the folder."""
        verified = run("verify", "--data", str(self.server.data), timeout=120)
        self.assertEqual(verified.returncode, 0, verified)

    def compare(self):
        """What is new in the log against what was answered since the last comparison."""
        for event in self.server.all_events(**{"from": self.seen + 1}):
            self.seen += 1
            self.digest.update(json.dumps(event, sort_keys=True).encode())
            self.assertEqual(int(event["position"]), self.seen, "dense, in order")
            self.assertNotIn(event["id"], self.ids, "no event twice")
            self.ids.add(event["id"])
            stream = event["subject"]
            self.versions[stream] = self.versions.get(stream, 0) + 1
            self.assertEqual(int(event["streamversion"]), self.versions[stream], event)
            marker = event.get("reason")
            self.assertNotIn(marker, self.settled, "a request that was answered and compared has no more events")
            self.of_request.setdefault(marker, []).append(
                (int(event["position"]), event["type"].removeprefix("dev.fasti."), stream))
        for worker in self.workers:
            for marker, events in worker.answered:
                self.assertEqual(self.of_request.pop(marker, []), events, f"{marker}: exactly what was acknowledged")
                self.settled.add(marker)
                for position, _, _ in events:
                    self.assertGreater(position, worker.last, "in the order of the answers")
                    worker.last = position
            worker.answered.clear()

    def compare_whole(self):
        """Nothing that was read before has changed since."""
        again = hashlib.sha256()
        for event in self.server.all_events():
            again.update(json.dumps(event, sort_keys=True).encode())
        self.assertEqual(again.hexdigest(), self.digest.hexdigest(), "the log as it was read bit by bit")


if __name__ == "__main__":
    unittest.main()

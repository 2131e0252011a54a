# SPDX-License-Identifier: Apache-2.0
"""Positions are dense and in the order of commits: 64 writers, 16 followers that begin at random times and places and
in many ways, and a kill between. No follower ever sees a hole or a step back, all of them see every event once and
the same ones, and whoever was answered reads what he wrote, on any connection.

  FASTI_SEED: another course of events (1).
"""

import contextlib
import http.client
import json
import os
import random
import threading
import time
import unittest

from harness import SANITIZED, START_SECONDS, Client, Server, run

WRITERS = 64
FOLLOWERS = 16
COMMANDS = 8 if SANITIZED else 25  # of each writer in each half
READ_EVERY = 4
BROKEN = (OSError, http.client.HTTPException)


def place_of(token):
    return int(token.split(".")[1])


class Writer:
    """Answers come in the order of the log, and what was answered can be read."""

    def __init__(self, number, seed, server):
        self.number, self.server = number, server
        self.random = random.Random(f"{seed}-{number}")
        self.last = 0        # position of the last event it was told of
        self.tokens = []     # of its answers
        self.trouble = None
        self.made = 0

    def body(self):
        self.made += 1
        return {"address": "10.0.0.1", "port": 80, "version": f"{self.number}.{self.made}"}

    def write(self, client):
        """(instance, version written) or nothing to look for."""
        kind = self.random.random()
        name = f"i{self.random.randrange(4)}"
        if kind < 0.2:
            items = [{"command": "register_instance", "data": {"service": f"w{self.number}", "instance": f"b{i}",
                                                               **self.body()}}
                     for i in range(self.random.randrange(1, 12))]
            answer = client.post("/v1/commands", {"mode": self.random.choice(["all", "each"]), "commands": items})
            wrote = items[-1]["data"]["instance"], items[-1]["data"]["version"]
        else:
            body = self.body()
            answer = client.put(f"/v1/services/w{self.number}/instances/{name}", body)
            wrote = name, body["version"]
        assert answer.status in (200, 201), answer
        for one in answer.json.get("items", [answer.json]):
            for event in one["events"]:
                assert event["position"] > self.last, f"{event} is told after position {self.last}"
                self.last = event["position"]
        token = answer.headers["fasti-position"]
        assert place_of(token) >= self.last, f"{token} is below {self.last}"
        self.tokens.append(token)
        return wrote

    def read(self, client, wrote):
        """On another connection than the one it was written on."""
        answer = client.get(f"/v1/services/w{self.number}/instances/{wrote[0]}")
        assert answer.status == 200 and answer.json["version"] == wrote[1], f"{answer} after {wrote}"
        assert place_of(answer.headers["fasti-position"]) >= self.last, answer.headers
        status = client.get("/v1/events?limit=1&from=" + str(self.last))
        assert [int(event["position"]) for event in status.json["events"]] == [self.last], status

    def run(self):
        try:
            with (contextlib.closing(Client(self.server.port, self.server.token)) as client,
                  contextlib.closing(Client(self.server.port, self.server.token)) as other):
                for number in range(COMMANDS):
                    wrote = self.write(client)
                    if number % READ_EVERY == 0:
                        self.read(other, wrote)
        except BROKEN:
            pass  # killed: the other half goes on
        except Exception as why:  # an answer that cannot be read is a finding too
            self.trouble = why


class Follower:
    """Sees events one after the other from its place on, whatever breaks meanwhile."""

    def __init__(self, number, seed, course):
        self.course = course
        self.random = random.Random(f"f{seed}-{number}")
        self.way = ["first", "head", "token", "hang up", "list", "slow"][number % 6]
        self.begin_after = self.random.uniform(0, 0.8)
        self.next = None     # the position it must see now
        self.place = None    # its token
        self.seen = []
        self.trouble = None

    def run(self):
        try:
            threading.Event().wait(self.begin_after)  # random moments, no synchronisation
            while not self.complete():
                generation, port = self.course.generation, self.course.port
                try:
                    self.list(port) if self.way == "list" else self.stream(port)
                except BROKEN:
                    self.course.wait_for_another(generation)
        except Exception as why:
            self.trouble = why

    def complete(self):
        return self.course.end is not None and self.next is not None and self.next > self.course.end

    def take(self, event):
        position = int(event["position"])
        if self.next is None:
            self.next = position
        assert position == self.next, f"{self.way}: {position} came where {self.next} should"
        self.next += 1
        self.seen.append(event)

    def list(self, port):
        with contextlib.closing(Client(port, self.course.token)) as client:
            while not self.complete():
                page = client.get(f"/v1/events?limit=500&from={self.place or 1}")
                assert page.status == 200, page
                for event in page.json["events"]:
                    self.take(event)
                self.place = page.json["next"]

    def stream(self, port):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=START_SECONDS)
        headers = {"Authorization": "Bearer " + self.course.token}
        query = ""
        if self.place is not None:
            headers["Last-Event-ID"] = self.place
        elif self.way == "token":
            token = self.course.some_token(self.random)
            self.next = place_of(token)  # inclusive
            query = "?from=" + token
        elif self.way != "head":
            self.next, query = 1, "?from=1"
        with contextlib.closing(connection):
            connection.request("GET", "/v1/events/stream" + query, headers=headers)
            with connection.getresponse() as response:
                assert response.status == 200, response.read()
                self.read(response)

    def read(self, response):
        identifier = None
        left = self.random.randrange(1, 300) if self.way == "hang up" else None
        for raw in response:
            if raw.startswith(b"id:"):
                identifier = raw[3:].strip().decode()
            elif raw.startswith(b"data:"):
                event = json.loads(raw[5:])
                self.take(event)
                assert place_of(identifier) == self.next - 1, f"{identifier} names {event}"
                left = None if left is None else left - 1
                if self.way == "slow" and self.random.random() < 0.01:
                    threading.Event().wait(0.05)  # lets it pile up
            elif raw == b"\n" and identifier is not None:
                if self.next is None:
                    self.next = place_of(identifier) + 1  # told where it begins
                self.place = identifier
                if left == 0 or self.complete():
                    return
        raise ConnectionResetError("the stream ended")


class Course:
    """What all of them share."""

    def __init__(self, server):
        self.token = server.token
        self.port = server.port
        self.generation = 0
        self.end = None        # the last position there will be
        self.writers = []
        self.moved = threading.Condition()

    def some_token(self, chance):
        """Of any answer so far."""
        while True:
            tokens = [token for writer in self.writers for token in writer.tokens[:]]
            if tokens:
                return chance.choice(tokens)
            time.sleep(0.001)

    def move(self, port):
        with self.moved:
            self.port = port
            self.generation += 1
            self.moved.notify_all()

    def wait_for_another(self, generation):
        with self.moved:
            assert self.moved.wait_for(lambda: self.generation != generation, START_SECONDS), "the stream broke"


class DenseOrder(unittest.TestCase):
    def test_every_follower_sees_every_event_once_and_in_the_order_of_commits(self):
        seed = os.environ.get("FASTI_SEED", "1")
        with Server(["--store-segment-bytes", "1048576", "--snapshots-every-events", "1500"],
                    environment={"FASTI_SSE__BUFFER_BYTES_MAX": "65536"}) as server:
            course = Course(server)
            course.writers = [Writer(number, seed, server) for number in range(WRITERS)]
            followers = [Follower(number, seed, course) for number in range(FOLLOWERS)]
            following = [threading.Thread(target=follower.run) for follower in followers]
            for thread in following:
                thread.start()
            self.write(course, until=server.kill)
            server.start()
            course.move(server.port)
            self.write(course)
            client = server.client()
            course.end = place_of(client.put("/v1/services/the-end", {}).headers["fasti-position"])
            for thread in following:
                thread.join(START_SECONDS)
            self.assertEqual([str(one.trouble) for one in followers if one.trouble], [], f"seed {seed}")
            log = list(server.all_events(client))
            self.assertEqual([int(event["position"]) for event in log], list(range(1, course.end + 1)))
            for follower in followers:
                first = int(follower.seen[0]["position"])
                self.assertEqual(follower.seen, log[first - 1:], f"{follower.way}: sees what the log holds")
            metrics = client.get("/metrics").bytes.decode()
            self.assertEqual(server.stop(), 0)
            self.assertEqual(run("verify", "--data", str(server.data)).returncode, 0)
            print(f"{course.end} events; " + next(line for line in metrics.splitlines()
                                                  if line.startswith("fasti_follower_fallbacks_total")), flush=True)

    def write(self, course, until=None):
        threads = [threading.Thread(target=writer.run) for writer in course.writers]
        for thread in threads:
            thread.start()
        if until is not None:
            while min(len(writer.tokens) for writer in course.writers) < COMMANDS // 2:
                self.assertTrue(any(thread.is_alive() for thread in threads), "nobody writes any more")
                time.sleep(0.002)
            until()
        for thread in threads:
            thread.join()
        self.assertEqual([str(writer.trouble) for writer in course.writers if writer.trouble], [])


if __name__ == "__main__":
    unittest.main()

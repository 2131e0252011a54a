# SPDX-License-Identifier: Apache-2.0
"""The clients of soak_test.py, each on a thread and at a pace of its own, so that the load stays the same for hours: some
400 requests and 250 events a second, a tenth of a core of the server."""

import collections
import contextlib
import http.client
import random
import threading
import time

from harness import START_SECONDS, Client

WRITERS = 2
SERVICES = 8          # of each writer
INSTANCES = 30        # of each service
LEASE_MS = 20_000     # renewed each second: a busy machine may hold a client up for long
WAITERS = 6
FOLLOWERS = 6         # that come and go
MORTALS = 300         # names; ten a second, so that each is long gone when its turn comes again
SOCKETS_MAX = 3 * (WRITERS + WAITERS + FOLLOWERS) + 40  # those that closed a moment ago included


def place_of(token):
    return int(token.split(".")[1])


def is_key(reason):
    """Whether a writer gave that reason: it is his Idempotency-Key too."""
    return reason.startswith("key:")


class Actor:
    """Does one step after the other, `pace` seconds apart, until the course ends."""

    pace = 0.0

    def __init__(self, course, seed):
        self.course = course
        self.until = course.ended
        self.random = random.Random(seed)
        self.done = 0
        self.trouble = None
        self.thread = threading.Thread(target=self.run)

    def run(self):
        try:
            with contextlib.closing(self.course.client()) as client:
                at = time.monotonic()
                while not self.until.is_set():
                    self.step(client)
                    self.done += 1
                    at = max(at + self.pace, time.monotonic() - 1)  # what was missed is not made up for
                    self.until.wait(max(0.0, at - time.monotonic()))
        except Exception as why:  # an answer that cannot be read is a finding too
            self.trouble = f"{type(self).__name__}: {why!r}"
            self.course.ended.set()


class Writer(Actor):
    """Registers, changes and removes instances of services that nobody else writes, and repeats itself."""

    pace = 0.012

    def __init__(self, course, number):
        super().__init__(course, f"writer {number}")
        self.number = number
        self.there = {}          # (service, instance): version
        self.acknowledged = {}   # key: positions of its events
        self.sent = []           # (key, method, path, body) of what appended, the first and the latest
        self.repeated = 0

    def name(self):
        return f"w{self.number}-{self.random.randrange(SERVICES)}", f"i{self.random.randrange(INSTANCES)}"

    def fields(self, key):
        return {"address": "10.0.0.1", "port": 8080, "version": key, "zone": "z" + key[-1], "tags": ["blue"],
                "metadata": {"build": key}, "lease_ms": LEASE_MS}

    def step(self, client):
        kind = self.random.random()
        if kind < 0.2 and self.sent:
            self.repeat_one(client, self.random.choice(self.sent))
        elif kind < 0.3:
            self.send_many(client)
        else:
            self.send_one(client, kind)

    def send_one(self, client, kind):
        place = self.name()
        key = f"key:{self.number}.{self.done}"
        path = f"/v1/services/{place[0]}/instances/{place[1]}"
        if kind < 0.5 and place in self.there:
            self.keep(client, (key, "DELETE", path, None))
            del self.there[place]
        elif kind < 0.7 and place in self.there:
            self.keep(client, (key, "PATCH", path, {"version": key, "weight": self.random.randrange(1, 1000)}))
            self.there[place] = key
        else:
            self.keep(client, (key, "PUT", path, self.fields(key)))
            self.there[place] = key

    def send_many(self, client):
        key = f"key:{self.number}.{self.done}"
        places = {self.name() for _ in range(10)}
        body = {"mode": "all", "commands": [
            {"command": "register_instance", "data": {"service": place[0], "instance": place[1], **self.fields(key)}}
            for place in sorted(places)]}
        self.keep(client, (key, "POST", "/v1/commands", body))
        self.there.update(dict.fromkeys(places, key))

    def ask(self, client, one):
        key, method, path, body = one
        answer = client.ask(method, path, body, {"Idempotency-Key": key, "Fasti-Reason": key})
        assert answer.status in (200, 201), f"{one}: {answer}"
        items = answer.json.get("items", [answer.json])
        return {item["outcome"] for item in items}, [event["position"] for item in items for event in item["events"]]

    def keep(self, client, one):
        outcomes, positions = self.ask(client, one)
        assert outcomes == {"appended"} and positions, f"{one}: {outcomes}"
        assert one[0] not in self.acknowledged
        self.acknowledged[one[0]] = positions
        if len(self.sent) >= 400:  # 200 of the first minutes, 200 of late
            del self.sent[200]
        self.sent.append(one)

    def repeat_one(self, client, one):
        outcomes, positions = self.ask(client, one)
        assert outcomes == {"already"}, f"{one}: {outcomes}"
        assert positions == self.acknowledged[one[0]], f"{one}: {positions}"
        self.repeated += 1

    def repeat(self, client, count):
        """The first ones again. Returns how many."""
        for one in self.sent[:count]:
            self.repeat_one(client, one)
        return len(self.sent[:count])


class Renewer(Actor):
    """Renews every lease there may be, many at once and one alone, until all was compared. Those that left meanwhile are
    refused by name."""

    pace = 1.0

    def __init__(self, course, seed):
        super().__init__(course, seed)
        self.until = course.compared

    def step(self, client):
        places = [place for writer in self.course.writers for place in list(writer.there)]
        if not places:
            return
        body = {"leases": [{"service": service, "instance": instance} for service, instance in places]}
        answer = client.post("/v1/leases/renew", body)
        assert answer.status == 200, answer
        for service, instance in self.random.sample(places, min(20, len(places))):
            one = client.post(f"/v1/services/{service}/instances/{instance}/renew")
            assert one.status == 200 or one.json["code"] == "instance_unknown", one


class Mortals(Actor):
    """Registers with a short lease and never comes back: the instance lapses and is reaped."""

    pace = 0.1

    def step(self, client):
        answer = client.put(f"/v1/services/mortal/instances/m{self.done % MORTALS}",
                            {"address": "10.0.0.9", "port": 9, "lease_ms": self.random.randrange(300, 1500)})
        assert answer.status == 201, answer

    def wait_until_gone(self, client):
        """How many there were."""
        until = time.monotonic() + START_SECONDS
        while client.get("/v1/services/mortal").status != 404:
            assert time.monotonic() < until, "a dead instance stays"
            time.sleep(0.1)
        return self.done


class Reader(Actor):
    """Discovers and lists; now and then something about the past."""

    pace = 0.01

    def step(self, client):
        writer = self.random.choice(self.course.writers)
        service, instance = writer.name() if self.done % 50 else ("mortal", "m1")
        path = (f"/v1/discover/{service}?strategy=random", f"/v1/discover/{service}?strategy=round_robin&zone=z1",
                f"/v1/discover/{service}", f"/v1/services/{service}/instances?limit=10",
                f"/v1/services/{service}/instances/{instance}", "/v1/services?limit=20", "/v1/registry/metrics?limit=5",
                f"/v1/why/instance/{service}/{instance}", "/v1/activity?limit=5")[self.random.randrange(9)]
        if self.done % 100 == 99:
            head = place_of(client.get("/v1/events?limit=1").headers["fasti-position"])
            path = f"/v1/views/instances?limit=5&at={self.random.randrange(1, head + 1)}"
        elif self.done % 100 == 49:
            path = "/metrics"
        answer = client.get(path)
        assert answer.status in (200, 404), f"{path}: {answer}"


class Waiter(Actor):
    """Waits for a service to change, on a connection that it sometimes leaves while it waits."""

    def step(self, _):
        writer = self.random.choice(self.course.writers)
        path = f"/v1/discover/{writer.name()[0]}"
        with contextlib.closing(self.course.client()) as client:
            for _ in range(5):
                token = client.get("/v1/services?limit=1").headers["fasti-position"]
                if self.random.random() < 0.1:
                    client.connection.request("GET", f"{path}?index={token}&wait=60s",
                                              headers={"Authorization": f"Bearer {self.course.token}"})
                    return
                answer = client.get(f"{path}?index={token}&wait=2s")
                assert answer.status in (200, 404), answer
                assert place_of(answer.headers["fasti-position"]) >= place_of(token), answer.headers


class Follower(Actor):
    """Sees one event after the other, hangs up after some and goes on where it was; sometimes from further back."""

    def __init__(self, course, seed):
        super().__init__(course, seed)
        self.place = None
        self.next = None
        self.counts = collections.Counter()

    def step(self, _):
        if self.random.random() < 0.2:
            self.place = None
        self.follow(self.random.randrange(1, 2000))

    def follow(self, most):
        """Until that many were seen, or the course ends and is told of by an event."""
        connection = http.client.HTTPConnection("127.0.0.1", self.course.port, timeout=START_SECONDS)
        headers = {"Authorization": f"Bearer {self.course.token}"}
        if self.place:
            headers["Last-Event-ID"] = self.place
        with contextlib.closing(connection):
            connection.request("GET", "/v1/events/stream" + ("" if self.place else self.beginning()), headers=headers)
            with connection.getresponse() as response:
                assert response.status == 200, response.read()
                self.read(response, most)

    def beginning(self):
        self.next = None
        return ""

    def read(self, response, most):
        kind, place = None, None
        for raw in response:
            if raw.startswith(b"id:"):
                place = raw[3:].strip().decode()
            elif raw.startswith(b"event:"):
                kind = raw[6:].strip().decode()
            elif raw == b"\n" and place:
                if kind:
                    self.take(place_of(place), kind)
                    most -= 1
                elif self.next is None:
                    self.next = place_of(place) + 1  # told where it begins
                self.place, kind, place = place, None, None
                if most <= 0 or self.course.ended.is_set():
                    return
        raise AssertionError("the stream ended by itself")

    def take(self, position, kind):
        assert self.next in (None, position), f"{position} came where {self.next} should"
        self.next = position + 1
        self.counts[kind] += 1


class Steady(Follower):
    """From the first event to the last, on one connection."""

    def beginning(self):
        self.next = 1
        return "?from=1"

    def step(self, _):
        self.follow(1 << 60)

    def counts_to(self, last, client):
        """How many of each type, up to that position: what it had not read when the course ended is fetched here."""
        while self.next <= last:
            for event in client.get(f"/v1/events?limit=10000&from={self.next}").json["events"]:
                self.take(int(event["position"]), event["type"].removeprefix("dev.fasti."))
        return dict(self.counts)


class Course:
    """All of them, and what they share."""

    def __init__(self, port, token):
        self.port, self.token = port, token
        self.ended = threading.Event()     # the load
        self.compared = threading.Event()  # and what it left behind
        self.writers = [Writer(self, number) for number in range(WRITERS)]
        self.mortals = Mortals(self, "mortals")
        self.steady = Steady(self, "steady")
        self.waiters = [Waiter(self, f"waiter {number}") for number in range(WAITERS)]
        self.followers = [Follower(self, f"follower {number}") for number in range(FOLLOWERS)]
        self.reader = Reader(self, "reader")
        self.renewer = Renewer(self, "renewer")
        self.actors = [*self.writers, self.mortals, self.steady, *self.waiters, *self.followers, self.reader, self.renewer]

    def client(self):
        return Client(self.port, self.token)

    def begin(self):
        for actor in self.actors:
            actor.thread.start()

    def end(self):
        """Of the load: leases are renewed on."""
        self.ended.set()
        self.join(actor for actor in self.actors if actor.until is self.ended)

    def close(self):
        self.ended.set()
        self.compared.set()
        self.join(self.actors)

    @staticmethod
    def join(actors):
        for actor in actors:
            if actor.thread.ident:
                actor.thread.join()

    def troubles(self):
        return [actor.trouble for actor in self.actors if actor.trouble]

    def told(self):
        return (f"{sum(writer.done for writer in self.writers)} writes ({sum(writer.repeated for writer in self.writers)} "
                f"repeated), {self.reader.done} reads, {sum(one.done for one in self.waiters)} waits, "
                f"{sum(one.done for one in self.followers)} followers, {self.mortals.done} lapses, "
                f"{self.renewer.done} rounds of renewals")

    def listing(self, client):
        """Every instance as it is served."""
        rows = []
        for writer in self.writers:
            for number in range(SERVICES):
                answer = client.get(f"/v1/services/w{writer.number}-{number}/instances?limit=1000")
                rows += answer.json["instances"] if answer.status == 200 else []
        return rows

    def served(self, client):
        return {(row["service"], row["instance"]): (row["version"], row["status"]) for row in self.listing(client)}

    def expected(self):
        return {place: (version, "up") for writer in self.writers for place, version in writer.there.items()}

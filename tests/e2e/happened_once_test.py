# SPDX-License-Identifier: Apache-2.0
"""A client that hangs up at every byte of its request and of the answer, and asks again with the same
Idempotency-Key: each command's outcome is found, and none is applied twice, however often it is repeated,
whether it was heard of or not, over a shutdown, a snapshot, sealed segments and a kill.
"""

import json
import re
import socket
import struct
import unittest

from harness import SANITIZED, START_SECONDS, Server, run

STEP = 9 if SANITIZED else 1       # at every n-th byte
SMALL = ["--store-segment-bytes", "65536", "--snapshots-every-events", "1000000"]
AT_ONCE = 12


class Request:
    """One command as bytes; `key` is its reason too, so that its events are found in the log."""

    def __init__(self, key, method, path, body=None, **headers):
        self.key = key
        self.method, self.path, self.body = method, path, body
        self.headers = headers

    def bytes(self, token):
        body = b"" if self.body is None else json.dumps(self.body).encode()
        lines = [f"{self.method} {self.path} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {token}",
                 f"Idempotency-Key: {self.key}", f"Fasti-Reason: {self.key}", f"Content-Length: {len(body)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in self.headers.items()]
        if body:
            lines.append("Content-Type: application/json")
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Wire:
    """A socket with nothing between the test and the bytes."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=START_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def read(self, count):
        got = b""
        while len(got) < count:
            more = self.socket.recv(count - len(got))
            if not more:
                break
            got += more
        return got

    def answer(self):
        """(status, JSON, bytes of all of it)"""
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            more = self.socket.recv(4096, socket.MSG_PEEK)
            assert more, f"the connection ended after {head!r}"
            end = (head + more).find(b"\r\n\r\n")
            head += self.read(len(more) if end < 0 else end + 4 - len(head))
        lengths = [line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
        body = self.read(int(lengths[0]))
        return int(head.split()[1]), json.loads(body), head + body

    def hang_up(self, rudely):
        """With a reset, or in order."""
        if rudely:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


def events_of(answer):
    """(position, stream, version) of every event an answer names."""
    return [(event["position"], event["stream"], event["stream_version"])
            for one in answer.get("items", [answer]) for event in one["events"]]


class HappenedOnce(unittest.TestCase):
    def setUp(self):
        self.server = Server(SMALL)
        self.addCleanup(self.server.__exit__)
        self.server.start()
        self.token = self.server.token
        self.wire = None
        self.done = []  # (request, status, events) of what was done

    def ask(self, request):
        """Whole, on the connection of the test."""
        if self.wire is None:
            self.wire = Wire(self.server.port)
            self.addCleanup(self.wire.socket.close)
        self.wire.socket.sendall(request.bytes(self.token))
        return self.wire.answer()

    def end(self, how):
        self.wire.socket.close()
        self.wire = None
        how()

    # what is asked for; the n-th of a kind touches nothing of the others

    def register(self, kind, n):
        return Request(f"{kind}-{n}", "PUT", f"/v1/services/{kind}/instances/i{n}", {"address": "10.0.0.1", "port": 80})

    def prepare(self, kind, count):
        """Instances to change or to forget."""
        for first in range(0, count, 1000):
            commands = [{"command": "register_instance",
                         "data": {"service": kind, "instance": f"i{n}", "address": "10.0.0.1", "port": 80}}
                        for n in range(first, min(first + 1000, count))]
            self.assertEqual(self.server.client().post("/v1/commands", {"mode": "all", "commands": commands}).status, 200)

    def update(self, kind, n):
        """Its condition holds for the first time only: a repetition is recalled before it is judged."""
        return Request(f"{kind}-{n}", "PATCH", f"/v1/services/{kind}/instances/i{n}", {"weight": 7}, If_Match='"1"')

    def forget(self, kind, n):
        """A second time there would be nothing to forget."""
        return Request(f"{kind}-{n}", "DELETE", f"/v1/services/{kind}/instances/i{n}")

    def batch(self, kind, n, mode):
        items = [{"command": "register_instance",
                  "data": {"service": kind, "instance": f"i{n}-{i}", "address": "10.0.0.1", "port": 80}}
                 for i in range(3)]
        return Request(f"{kind}-{n}", "POST", "/v1/commands", {"mode": mode, "commands": items})

    def each(self, kind, n):
        return self.batch(kind, n, "each")

    def whole(self, kind, n):
        return self.batch(kind, n, "all")

    # the attacks

    def settle(self, request, status, may_have_happened, must_have_happened):
        """Asks again until the outcome is heard of, then once more."""
        found, answer, _ = self.ask(request)
        self.assertEqual(found, status, (request.key, answer))
        self.assertIn(answer["outcome"], ("appended", "already"), request.key)
        if not may_have_happened:
            self.assertEqual(answer["outcome"], "appended", f"{request.key}: half a request was obeyed")
        if must_have_happened:
            self.assertEqual(answer["outcome"], "already", f"{request.key}: its outcome was forgotten")
        events = events_of(answer)
        self.assertTrue(events)
        self.done.append((request, status, events))
        self.repeat(request, status, events)

    def repeat(self, request, status, events):
        found, answer, _ = self.ask(request)
        self.assertEqual((found, answer["outcome"], events_of(answer)), (status, "already", events), request.key)

    def hang_up_within_the_answer(self, make, kind, status):
        length = len(self.ask_first(make, kind, status)[2])
        for count in range(0, length + 1, STEP):
            request = make(kind, count + 1)
            wire = Wire(self.server.port)
            wire.socket.sendall(request.bytes(self.token))
            read = wire.read(count)
            self.assertEqual(len(read), count)
            wire.hang_up(rudely=count % 2 == 0)
            self.settle(request, status, may_have_happened=True, must_have_happened=count > 0)
        return length

    def hang_up_within_the_request(self, make, kind, status):
        length = len(make(kind, 0).bytes(self.token))
        for count in range(0, length, STEP):
            request = make(kind, count)
            wire = Wire(self.server.port)
            sent = request.bytes(self.token)
            wire.socket.sendall(sent[:min(count, len(sent) - 1)])
            wire.hang_up(rudely=count % 2 == 0)
            self.settle(request, status, may_have_happened=False, must_have_happened=False)
        return length

    def ask_first(self, make, kind, status):
        request = make(kind, 0)
        found, answer, whole = self.ask(request)
        self.assertEqual((found, answer["outcome"]), (status, "appended"), answer)
        self.done.append((request, status, events_of(answer)))
        return found, answer, whole

    def attack(self, make, status):
        kind = make.__name__
        if make in (self.update, self.forget):
            self.prepare(kind + "-answer", 2000)
            self.prepare(kind + "-request", 1000)
        return (self.hang_up_within_the_request(make, kind + "-request", status),
                self.hang_up_within_the_answer(make, kind + "-answer", status))

    def ask_at_once(self):
        """The same request on many connections together: one does it, the others hear of it."""
        for number in range(20):
            request = self.register("at-once", number)
            wires = [Wire(self.server.port) for _ in range(AT_ONCE)]
            for wire in wires:
                wire.socket.sendall(request.bytes(self.token))
            answers = [wire.answer() for wire in wires]
            for wire in wires:
                wire.hang_up(rudely=False)
            self.assertEqual({status for status, _, _ in answers}, {201})
            outcomes = sorted(answer["outcome"] for _, answer, _ in answers)
            self.assertEqual(outcomes, ["already"] * (AT_ONCE - 1) + ["appended"])
            self.assertEqual(len({tuple(events_of(answer)) for _, answer, _ in answers}), 1)
            self.done.append((request, 201, events_of(answers[0][1])))

    def repeat_everything(self):
        for request, status, events in self.done:
            self.repeat(request, status, events)
        request = self.done[0][0]
        other = Request(request.key, "PUT", "/v1/services/other", {})
        found, answer, _ = self.ask(other)
        self.assertEqual((found, answer["code"]), (422, "key_reused"))

    def compare(self):
        """Every event of a request is in the log once, where its answer said, and nothing else is."""
        of_reason = {}
        position = 0
        for event in self.server.all_events():
            position += 1
            self.assertEqual(int(event["position"]), position)
            of_reason.setdefault(event.get("reason"), []).append(
                (position, event["subject"], int(event["streamversion"])))
        for request, _, events in self.done:
            self.assertEqual(of_reason.pop(request.key), events, request.key)
        self.assertEqual([reason for reason in of_reason if reason and re.search(r"-\d+$", reason)], [], "of nobody")

    def test_whatever_byte_the_client_hangs_up_at(self):
        lengths = {}
        for make, status in [(self.register, 201), (self.update, 200), (self.forget, 200), (self.each, 200),
                             (self.whole, 200)]:
            lengths[make.__name__] = self.attack(make, status)
        self.ask_at_once()
        self.compare()
        self.repeat_everything()
        self.end(self.server.stop)
        self.server.start()  # from the snapshot of the shutdown, if it makes one
        self.repeat_everything()
        self.assertEqual(self.server.client().post("/v1/snapshots").status, 201)
        self.prepare("more", 500)
        self.end(self.server.kill)
        self.server.start()
        self.repeat_everything()
        self.compare()
        self.end(self.server.stop)
        self.assertEqual(run("verify", "--data", str(self.server.data)).returncode, 0)
        print(f"{len(self.done)} commands; bytes of request and answer: {lengths}", flush=True)


if __name__ == "__main__":
    unittest.main()

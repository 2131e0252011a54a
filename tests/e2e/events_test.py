# SPDX-License-Identifier: Apache-2.0
"""The log from outside: lists, single events, followers that resume or read slowly, and /metrics."""

import hashlib
import http.client
import json
import re
import shutil
import socket
import subprocess
import unittest

from harness import START_SECONDS, EventStream, Server


def register(client, service, count, first=0):
    commands = [{"command": "register_instance",
                 "data": {"service": service, "instance": f"i{first + i}", "address": "10.0.0.1", "port": 80}}
                for i in range(count)]
    answer = client.post("/v1/commands", {"mode": "all", "commands": commands})
    assert answer.status == 200, answer


def positions(events):
    return [int(event["position"]) for event in events]


class SlowFollower:
    """A stream whose bytes stay in the socket until they are asked for."""

    def __init__(self, server):
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.settimeout(START_SECONDS)
        self.socket.connect(("127.0.0.1", server.port))
        self.socket.sendall(b"GET /v1/events/stream HTTP/1.1\r\nHost: localhost\r\n"
                            b"Authorization: Bearer " + server.token.encode() + b"\r\n\r\n")
        self.response = http.client.HTTPResponse(self.socket)
        self.response.begin()

    def events(self, last):
        """Reads on until the event at that position."""
        found = []
        while not found or int(found[-1]["position"]) < last:
            line = self.response.readline()
            assert line, "the stream ended early"
            if line.startswith(b"data: "):
                found.append(json.loads(line[6:]))
        return found

    def close(self):
        self.response.close()
        self.socket.close()


class EventsTest(unittest.TestCase):
    def test_a_list_is_read_to_its_end_and_goes_on_from_there(self):
        with Server() as server:
            client = server.client()
            register(client, "web", 25)
            seen, query = [], "?limit=10"
            while True:
                page = client.get("/v1/events" + query)
                self.assertEqual(page.headers["fasti-next"], page.json["next"])
                if not page.json["events"]:
                    break
                seen += page.json["events"]
                query = "?limit=10&from=" + page.json["next"]
            self.assertEqual(positions(seen), list(range(1, 27)))
            register(client, "web", 1, first=25)
            self.assertEqual(positions(client.get("/v1/events" + query).json["events"]), [27])
            one = client.get("/v1/events/5")
            self.assertEqual(one.json, seen[4])
            self.assertEqual(client.get("/v1/events/5", If_None_Match=one.headers["etag"]).status, 304)
            batch = client.get("/v1/events?limit=2", Accept="application/cloudevents-batch+json")
            self.assertEqual(batch.headers["content-type"], "application/cloudevents-batch+json")
            self.assertEqual(batch.json, seen[:2])
            self.assertEqual(len({event["id"] for event in seen}), len(seen))

    def test_a_token_of_another_history_is_gone_and_a_far_position_unknown(self):
        with Server() as server, Server() as other:
            client = server.client()
            foreign = other.client().get("/v1/events").headers["fasti-position"]
            for path in ("/v1/events", "/v1/events/stream"):
                answer = client.get(path + "?from=" + foreign)
                self.assertEqual((answer.status, answer.json["code"]), (410, "history_forked"))
                self.assertEqual(client.get(path + "?from=99").status, 404)
                self.assertEqual(client.get(path + "?from=x").status, 400)
            self.assertEqual(client.get("/v1/events/stream", Last_Event_ID=foreign).status, 410)
            self.assertEqual(client.get("/v1/events/99").json["code"], "event_unknown")

    def test_a_follower_resumes_over_a_kill_with_its_last_event_id(self):
        with Server() as server:
            client = server.client()
            stream = EventStream(server.port, server.token, "?service=web")
            register(client, "web", 5)
            register(client, "api", 2)
            self.assertTrue(stream.wait_for(5))
            last = stream.events[2][0]
            server.kill()
            server.start()
            client = server.client()
            register(client, "web", 3, first=5)
            again = EventStream(server.port, server.token, "?service=web&from=1", last_event_id=last)
            self.assertTrue(again.wait_for(5))
            register(client, "web", 1, first=8)
            self.assertTrue(again.wait_for(6))
            seen = positions([event for _, event in stream.events[:3] + again.events])
            self.assertEqual(seen, [2, 3, 4, 5, 6, 9, 10, 11, 12])
            again.close()
            stream.close()

    def test_a_slow_follower_is_fed_from_the_log_and_misses_nothing(self):
        with Server(environment={"FASTI_SSE__BUFFER_BYTES_MAX": "65536"}) as server:
            client = server.client()
            slow = SlowFollower(server)
            for round_number in range(40):
                register(client, "web", 400, first=400 * round_number)
            metrics = client.get("/metrics").bytes.decode()
            fallbacks = int(re.search(r"^fasti_follower_fallbacks_total (\d+)$", metrics, re.M).group(1))
            self.assertGreater(fallbacks, 0, "the test must overrun the bound")
            seen = slow.events(16_001)
            self.assertEqual(positions(seen), list(range(2, 16_002)))
            register(client, "api", 1)
            self.assertEqual(positions(slow.events(16_002)), [16_002])
            slow.close()

    def test_there_are_no_more_followers_than_admitted(self):
        with Server(environment={"FASTI_SSE__FOLLOWERS_MAX": "1"}) as server:
            stream = EventStream(server.port, server.token)
            refused = server.client().get("/v1/events/stream")
            self.assertEqual((refused.status, refused.json["code"]), (503, "followers_full"))
            self.assertIn("retry-after", refused.headers)
            stream.close()

    def test_a_revoked_token_ends_its_streams(self):
        with Server() as server:
            client = server.client()
            made = client.post("/v1/tokens", {"name": "reader", "permissions": ["events:read"]}).json
            stream = EventStream(server.port, made["secret"])
            self.assertEqual(stream.status, 200)
            self.assertEqual(client.delete("/v1/tokens/" + made["token"]).status, 200)
            with stream.arrived:
                self.assertTrue(stream.arrived.wait_for(lambda: stream.ended, START_SECONDS))
            text = json.dumps([event for _, event in stream.events])
            digest = hashlib.sha256(made["secret"].encode()).hexdigest()
            self.assertNotIn(made["secret"], text)
            self.assertNotIn(digest, text)
            stream.close()

    def test_a_stream_ends_in_order_when_the_server_stops(self):
        with Server() as server:
            stream = EventStream(server.port, server.token)
            self.assertEqual(server.stop(), 0)
            with stream.arrived:
                self.assertTrue(stream.arrived.wait_for(lambda: stream.ended, START_SECONDS))
            stream.close()

    @unittest.skipIf(shutil.which("promtool") is None, "promtool is not installed")
    def test_metrics_pass_promtool(self):
        with Server() as server:
            client = server.client()
            register(client, "web", 3)
            stream = EventStream(server.port, server.token)
            for asked in (client, server.client(token="")):
                text = asked.get("/metrics").bytes
                checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True,
                                         timeout=START_SECONDS)
                self.assertEqual(checked.returncode, 0, checked)
                self.assertIn(b"\nfasti_followers 1\n", text)
                self.assertEqual(b'service="web"' in text, asked is client)
            stream.close()


if __name__ == "__main__":
    unittest.main()

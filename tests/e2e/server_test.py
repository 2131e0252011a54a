# SPDX-License-Identifier: Apache-2.0
"""What the real server promises to readers and to those who run it: waiting, past states, caches, pages, leases and
their guard, TLS, the drain."""

import http.client
import json
import pathlib
import signal
import ssl
import subprocess
import tempfile
import threading
import time
import unittest

from harness import SANITIZED, Answer, EventStream, Server, run

FIELDS = {"address": "10.0.0.1", "port": 8080}


class Asked:
    """A request under way on a thread of its own."""

    def __init__(self, client, path, other):
        """Connected and sent before `other` is answered: one thread serves both, in order of arrival."""
        self.answer = None
        self.client = client
        assert client.get("/health/live").status == 200
        client.connection.request("GET", path, headers={"Authorization": f"Bearer {client.token}"})
        assert other.get("/health/live").status == 200
        self.thread = threading.Thread(target=self.read)
        self.thread.start()

    def read(self):
        self.answer = Answer(self.client.connection.getresponse())

    def wait(self, seconds=60):
        self.thread.join(seconds)
        return self.answer


class Reading(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.addClassCleanup(cls.server.__exit__)
        cls.server.start()

    def setUp(self):
        self.client = self.server.client()

    def put(self, service, instance, **fields):
        answer = self.client.put(f"/v1/services/{service}/instances/{instance}", {**FIELDS, **fields})
        self.assertIn(answer.status, (200, 201), answer)
        return answer

    def ask_and_wait(self, path):
        return Asked(self.server.client(), path, self.client)

    def test_a_blocking_query_wakes_on_its_own_change_only(self):
        index = self.put("waited", "one").headers["fasti-position"]
        asked = self.ask_and_wait(f"/v1/services/waited/instances?index={index}&wait=60s")
        for number in range(5):
            self.put("waited-not", f"other-{number}")
            self.put("waited", "one")  # the same again: no change
        self.assertIsNone(asked.answer)
        mine = self.put("waited", "two").json["events"][0]["position"]
        answer = asked.wait()
        self.assertEqual([row["instance"] for row in answer.json["instances"]], ["one", "two"])
        self.assertEqual(int(answer.headers["fasti-position"].split(".")[1]), mine)

    def test_a_wait_on_discovery_wakes_when_the_set_shrinks_too(self):
        self.put("shrinking", "one")
        index = self.put("shrinking", "two").headers["fasti-position"]
        asked = self.ask_and_wait(f"/v1/discover/shrinking?index={index}&wait=60s")
        self.client.delete("/v1/services/shrinking/instances/one")
        self.assertEqual([row["instance"] for row in asked.wait().json["instances"]], ["two"])
        # The deletion is remembered: who asks with the old index is answered at once.
        late = self.client.get(f"/v1/discover/shrinking?index={index}&wait=60s")
        self.assertEqual([row["instance"] for row in late.json["instances"]], ["two"])

    def test_a_wait_that_nothing_ends_answers_what_there_is(self):
        index = self.put("unchanged", "one").headers["fasti-position"]
        answer = self.client.get(f"/v1/services/unchanged/instances?index={index}&wait=50ms")
        self.assertEqual((answer.status, len(answer.json["instances"])), (200, 1))

    def test_after_waits_for_the_position(self):
        head = int(self.put("after", "one").headers["fasti-position"].split(".")[1])
        asked = self.ask_and_wait(f"/v1/services/after/instances?after={head + 2}&wait=60s")
        self.put("after", "two")
        self.assertIsNone(asked.answer)
        self.put("after", "three")
        self.assertEqual(len(asked.wait().json["instances"]), 3)

    def test_the_past_by_position_instant_and_distance(self):
        first = self.put("past", "one", port=1)
        self.put("past", "one", port=2)
        last = self.put("past", "two")
        position = first.json["events"][0]["position"]
        moment = self.client.get(f"/v1/events/{position}").json["time"]
        for at in (str(position), first.headers["fasti-position"], moment):
            with self.subTest(at=at):
                rows = self.client.get(f"/v1/services/past/instances?at={at}").json["instances"]
                self.assertEqual([(row["instance"], row["port"]) for row in rows], [("one", 1)])
                self.assertEqual(self.client.get(f"/v1/services/past/instances/one?at={at}").json["port"], 1)
                self.assertEqual(self.client.get(f"/v1/services/past/instances/two?at={at}").status, 404)
        now = self.client.get(f"/v1/services/past/instances?at={last.headers['fasti-position']}")
        self.assertEqual(now.json, self.client.get("/v1/services/past/instances").json, "the present is a past too")
        before = self.client.get("/v1/services/past/instances?at=-5m")
        self.assertEqual(before.status, 404, before)  # five minutes ago there was no log

    def test_etags_spare_bodies(self):
        self.put("cached", "one")
        for path in ["/v1/services/cached", "/v1/services/cached/instances", "/v1/services/cached/instances/one"]:
            with self.subTest(path=path):
                first = self.client.get(path)
                again = self.client.get(path, If_None_Match=first.headers["etag"])
                self.assertEqual((again.status, again.bytes), (304, b""))
                self.assertEqual(again.headers["etag"], first.headers["etag"])
        tag = self.client.get("/v1/services/cached/instances/one").headers["etag"]
        self.put("cached", "one", port=2)
        changed = self.client.get("/v1/services/cached/instances/one", If_None_Match=tag)
        self.assertEqual((changed.status, changed.json["port"]), (200, 2))
        # The tag of one instance is what If-Match takes.
        path = "/v1/services/cached/instances/one"
        version = f'"{changed.json["stream_version"]}"'
        self.assertEqual(self.client.ask("PATCH", path, {"port": 3}, {"If-Match": version}).status, 200)
        self.assertEqual(self.client.ask("PATCH", path, {"port": 4}, {"If-Match": version}).status, 412)

    def test_pages_show_each_row_once(self):
        names = [f"p-{number:03}" for number in range(57)]
        for name in names:
            self.put("paged", name)
        seen, cursor = [], ""
        while True:
            page = self.client.get("/v1/services/paged/instances?limit=10" + (f"&cursor={cursor}" if cursor else ""))
            rows = [row["instance"] for row in page.json["instances"]]
            self.assertLessEqual(len(rows), 10)
            seen += rows
            cursor = page.json.get("next")
            if not cursor:
                break
        self.assertEqual(seen, names)
        self.assertIn(self.client.get("/v1/services/paged/instances?cursor=%21%21").status, (400, 422))

    def test_discovery_filters_and_picks(self):
        for number in range(4):
            self.put("picked", f"i{number}", zone="ab"[number % 2], tags=["t", f"t{number}"], version=f"{number}.0",
                     metadata={"team": "x" if number < 2 else "y"}, weight=0 if number == 3 else 100)
        self.client.post("/v1/services/picked/instances/i0/drain")
        self.client.put("/v1/services/picked/instances/i1/maintenance")

        def found(query):
            return [row["instance"] for row in self.client.get("/v1/discover/picked?" + query).json["instances"]]
        self.assertEqual(found(""), ["i2", "i3"])
        self.assertEqual(found("any_status=true"), ["i0", "i1", "i2", "i3"])
        self.assertEqual(found("any_status=true&zone=b"), ["i1", "i3"])
        self.assertEqual(found("any_status=true&tag=t&tag=t1"), ["i1"])
        self.assertEqual(found("any_status=true&version=2.0"), ["i2"])
        self.assertEqual(found("any_status=true&metadata=team:y"), ["i2", "i3"])
        turns = [self.client.get("/v1/discover/picked?strategy=round_robin").json["instance"] for _ in range(6)]
        self.assertEqual({turns.count("i2"), turns.count("i3")}, {3}, turns)
        self.assertEqual({self.client.get("/v1/discover/picked?strategy=weighted").json["instance"]
                          for _ in range(20)}, {"i2"}, "weight 0 takes none")
        self.assertEqual(self.client.get("/v1/discover/picked?strategy=random&zone=c").json["code"],
                         "no_healthy_instance")

    def test_every_answer_carries_the_safe_headers(self):
        for path in ["/v1/services", "/", "/health", "/v1/none"]:
            headers = self.client.get(path).headers
            self.assertEqual(headers["x-content-type-options"], "nosniff", path)
            self.assertIn("content-security-policy", headers)
            self.assertNotIn("strict-transport-security", headers, "over TLS only")
            self.assertNotIn("access-control-allow-origin", headers)


class Leases(unittest.TestCase):
    def test_a_lease_lapses_is_reaped_and_comes_back(self):
        with Server(["--registry-reap-ms", "100"]) as server:
            client = server.client()
            follower = EventStream(server.port, server.token, "?from=1&service=leased")
            path = "/v1/services/leased/instances/one"
            registered = client.put(path, {**FIELDS, "lease_ms": 200})
            self.assertEqual(client.post(path + "/renew").json["lease_ms"], 200)
            self.assertTrue(follower.wait_for(3), "registered, expired, reaped")
            self.assertEqual([event["type"].split(".")[-1] for _, event in follower.events],
                             ["instance_registered", "instance_expired", "instance_reaped"])
            self.assertEqual(client.get(path).status, 404)
            self.assertEqual(client.get(f"{path}?at={registered.headers['fasti-position']}").json["status"], "up")
            self.assertEqual(client.put(path, {**FIELDS, "lease_ms": 60_000}).status, 201)
            follower.close()
            self.assertEqual(server.stop(), 0)
            self.assertEqual(run("verify", "--data", str(server.data)).returncode, 0)

    def test_a_kill_neither_forgets_a_lease_nor_keeps_the_dead(self):
        with Server() as server:
            client = server.client()
            client.put("/v1/services/kept/instances/one", {**FIELDS, "lease_ms": 400})
            client.put("/v1/services/kept/instances/for-ever", FIELDS)
            server.kill()
            server.start()
            follower = EventStream(server.port, server.token, "?from=1&type=instance_expired")
            self.assertTrue(follower.wait_for(1), "nobody renews it: it expires")
            follower.close()
            found = server.client().get("/v1/discover/kept").json["instances"]
            self.assertEqual([row["instance"] for row in found], ["for-ever"])

    def test_renewals_sent_while_the_server_is_stopped_are_heard_before_any_lease_lapses(self):
        lease_ms = 1500 if not SANITIZED else 4000
        # Never a guard: only hearing the renewals keeps anybody.
        with Server(["--registry-guard-min", "1000000"]) as server:
            client = server.client()
            names = [f"i{number}" for number in range(1500)]
            opened = [server.client() for _ in range(300)]  # more than the kernel reports at once
            for one in opened:
                one.get("/health/live")
            batch = [{"command": "register_instance",
                      "data": {"service": "heard", "instance": name, **FIELDS, "lease_ms": lease_ms}}
                     for name in [*names, "silent"]]
            self.assertEqual(client.post("/v1/commands", {"mode": "all", "commands": batch}).status, 200)
            server.process.send_signal(signal.SIGSTOP)
            while "State:\tT" not in pathlib.Path(f"/proc/{server.process.pid}/status").read_text():
                pass
            stopped = time.monotonic()
            headers = {"Authorization": f"Bearer {server.token}"}
            single = names[:600]
            for number, name in enumerate(single):  # half on open connections, half on ones to be accepted
                one = opened[number] if number < len(opened) else server.client()
                one.connection.request("POST", f"/v1/services/heard/instances/{name}/renew", headers=headers)
            many = server.client()  # one body of many reads, behind all the others
            many.connection.request("POST", "/v1/leases/renew", headers={**headers, "Content-Type": "application/json"},
                                    body=json.dumps({"leases": [{"service": "heard", "instance": name}
                                                                for name in names[600:]]}))
            self.assertLess(time.monotonic() - stopped, 0.9 * lease_ms / 1000, "sent in time")
            time.sleep(2 * lease_ms / 1000 - (time.monotonic() - stopped))  # what this is about: nobody runs
            server.process.send_signal(signal.SIGCONT)
            follower = EventStream(server.port, server.token, "?from=1&type=instance_expired")
            self.assertTrue(follower.wait_for(1), "who is silent expires")
            follower.close()
            self.assertEqual([event["subject"] for _, event in follower.events], ["instance/heard/silent"])

    def test_mass_expiry_is_held_back_and_lifted(self):
        with Server(["--registry-guard-min", "5", "--registry-guard-hold-ms", "3600000"]) as server:
            client = server.client()
            follower = EventStream(server.port, server.token,
                                   "?from=1&type=expiry_guard_raised&type=instance_expired&type=expiry_guard_lifted")
            batch = [{"command": "register_instance",
                      "data": {"service": "many", "instance": f"i{number}", **FIELDS, "lease_ms": 500}}
                     for number in range(40)]
            self.assertEqual(client.post("/v1/commands", {"mode": "all", "commands": batch}).status, 200)
            self.assertTrue(follower.wait_for(1))

            def kinds():
                return [event["type"].split(".")[-1] for _, event in follower.events]
            while "expiry_guard_raised" not in kinds():
                self.assertTrue(follower.wait_for(len(follower.events) + 1))
            self.assertLess(kinds().count("instance_expired"), 40, "held back")
            healthy = len(client.get("/v1/discover/many?limit=1000").json["instances"])
            self.assertGreater(healthy, 0, "the guarded stay discoverable")
            self.assertEqual(client.post("/v1/registry/expiry_guard/lift").status, 200)
            self.assertTrue(follower.wait_for(42), "raised, lifted, and all forty expired")
            self.assertEqual(kinds().count("instance_expired"), 40)
            self.assertEqual(client.post("/v1/registry/expiry_guard/lift").json["code"], "expiry_guard_not_raised")
            follower.close()


class Running(unittest.TestCase):
    def test_a_drain_finishes_what_is_under_way(self):
        with Server() as server:
            client = server.client()
            index = client.put("/v1/services/drained", {}).headers["fasti-position"]
            asked = Asked(server.client(), f"/v1/services/drained?index={index}&wait=60s", client)
            client.close()
            server.process.send_signal(signal.SIGTERM)
            answer = asked.wait()
            self.assertEqual(server.wait(), 0, "well before the wait was over")
            self.assertEqual((answer.status, answer.json["service"]), (200, "drained"))
            server.start()
            self.assertEqual(server.client().get("/v1/services/drained").status, 200)
            server.process.send_signal(signal.SIGINT)  # drains too
            self.assertEqual(server.wait(), 0)

    def test_tls_is_spoken_and_plaintext_refused_outside_loopback(self):
        with tempfile.TemporaryDirectory(prefix="fasti-tls-") as folder:
            cert, key = folder + "/server.pem", folder + "/server.key"
            subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj",
                            "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key,
                            "-out", cert], check=True, capture_output=True)
            with Server(["--tls-cert", cert, "--tls-key", key]) as server:
                trust = ssl.create_default_context(cafile=cert)
                connection = http.client.HTTPSConnection("localhost", server.port, context=trust, timeout=60)
                connection.request("GET", "/v1/services", headers={"Authorization": f"Bearer {server.token}"})
                answer = Answer(connection.getresponse())
                self.assertEqual(answer.status, 200, answer)
                self.assertIn("max-age", answer.headers["strict-transport-security"])
                self.assertGreaterEqual(connection.sock.version(), "TLSv1.2")
                connection.close()
                status = run("status", "--output", "json", environment={
                    "FASTI_ADDR": f"https://localhost:{server.port}", "FASTI_TOKEN": server.token,
                    "FASTI_CACERT": cert})
                self.assertEqual(status.returncode, 0, status)
                distrusted = run("status", environment={"FASTI_ADDR": f"https://localhost:{server.port}",
                                                        "FASTI_TOKEN": server.token})
                self.assertEqual(distrusted.returncode, 3, distrusted)
                with self.assertRaises(OSError):
                    http.client.HTTPSConnection("localhost", server.port, timeout=60).request("GET", "/")
                self.assertEqual(server.stop(), 0)
            missing = run("serve", "--data", folder + "/none", "--listen", "127.0.0.1:0", "--tls-cert",
                          folder + "/missing.pem", "--tls-key", key)
            self.assertEqual(missing.returncode, 78, missing)
            self.assertIn("missing.pem", missing.stderr)
            plain = run("serve", "--data", folder + "/none", "--listen", "0.0.0.0:0")
            self.assertEqual(plain.returncode, 78, plain)
            self.assertIn("--insecure-plaintext", plain.stderr)

    def test_traces_reasons_and_actors_are_kept(self):
        with Server() as server:
            trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
            client = server.client()
            client.put("/v1/services/traced", {}, Traceparent=trace, Fasti_Reason="because%20of%20it")
            event = list(server.all_events(client))[-1]
            self.assertEqual((event["traceparent"], event["correlationid"], event["reason"]),
                             (trace, trace[3:35], "because of it"))
            self.assertTrue(event["authid"].startswith("token/"), event)
            why = client.get("/v1/why/service/traced")
            self.assertIn("because of it", why.bytes.decode())

    def test_no_secret_is_logged(self):
        with Server(["--log-level", "debug", "--http-access-log"]) as server:
            client = server.client()
            secret = client.post("/v1/tokens", {"name": "x", "permissions": ["registry:read"]}).json["secret"]
            server.client(token=secret).get("/v1/services")
            token = server.token
            self.assertEqual(server.stop(), 0)
            self.assertTrue([line for line in server.errors if "/v1/services" in line], "the access log is on")
            for line in server.errors:
                json.loads(line)
                self.assertNotIn(secret[-40:], line)
                self.assertNotIn(token[-40:], line)


if __name__ == "__main__":
    unittest.main()

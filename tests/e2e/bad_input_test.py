# SPDX-License-Identifier: Apache-2.0
"""What clients may do wrong, against the real binary: each gets one clear answer, and the server lives on.

Every refusal is checked whole: status, media type, the problem's fields, and that its type is explained on the
reference page.
"""

import http.client
import json
import socket
import threading
import unittest

from harness import Answer, EventStream, Server

FIELDS = {"address": "10.0.0.1", "port": 8080}
WEB_1 = "/v1/services/web/instances/web-1"


def over_raw(port, sent, half_close=False):
    """Sends bytes as they are and reads one answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        try:
            connection.sendall(sent)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the answer may be on its way before all of a refused request was sent
        if half_close:
            connection.shutdown(socket.SHUT_WR)
        response = http.client.HTTPResponse(connection)
        response.begin()
        return Answer(response)


class BadInput(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(["--http-request-timeout-ms", "300", "--http-body-bytes-max", "1000000"])
        cls.addClassCleanup(cls.server.__exit__)
        cls.server.start()
        cls.reference = cls.server.client().get("/v1/reference").bytes.decode()

    def setUp(self):
        self.client = self.server.client()
        self.addCleanup(self.client.close)

    def tearDown(self):
        fresh = self.server.client(token="")
        live = fresh.get("/health/live")
        fresh.close()
        self.assertEqual(live.status, 200, "the server lives on")
        self.assertIsNone(self.server.process.poll())

    def problem(self, answer, status, code):
        """The whole shape of a refusal; returns its JSON."""
        self.assertEqual(answer.status, status, answer)
        self.assertTrue(answer.headers["content-type"].startswith("application/problem+json"), answer.headers)
        body = answer.json
        self.assertEqual(body["code"], code, answer)
        self.assertEqual(body["status"], status)
        self.assertEqual(body["type"], f"/v1/reference#error-{code}")
        self.assertIn(f'id="error-{code}"', self.reference, "the type leads to an explanation")
        self.assertTrue(body["title"] and body["outcome"], body)
        return body

    def head(self):
        return self.client.get("/v1/status").json["head"]

    def pointers(self, answer):
        return {one["pointer"]: one["detail"] for one in self.problem(answer, 422, "fields_invalid")["errors"]}

    # ------------------------------------------------------------------ bodies

    def test_broken_json_is_malformed(self):
        before = self.head()
        deep = "[" * 200_000
        for body in ['{"address":', "", "nonsense", "{}{}", '{"port": 01}', '{"a": "\\ud800"}', "[", deep,
                     '{"a":' * 50_000, b'{"address": "\xff\xfe", "port": 1}', b'{"address": "\xc0\xaf", "port": 1}',
                     b'\xef\xbb\xbf{}\x00', '{"address": "a", "address": "b", "port": 1}', '{"port": NaN}']:
            if body == "":
                continue
            with self.subTest(body=body[:30]):
                self.problem(self.client.put(WEB_1, body), 400, "malformed")
        self.assertEqual(self.head(), before, "nothing was written")

    def test_a_duplicate_key_is_named(self):
        answer = self.client.put(WEB_1, '{"address": "a", "port": 1, "metadata": {"team": "x", "team": "y"}}')
        self.assertIn("team", self.problem(answer, 400, "malformed")["detail"])

    def test_wrong_fields_are_all_named(self):
        wrong = {"adress": "x", "port": "80", "tags": ["a", 1], "metadata": {"k": 3}, "weight": 70_000, "lease_ms": 1.5,
                 "zone": None}
        found = self.pointers(self.client.put(WEB_1, wrong))
        self.assertEqual(set(found), {"#/adress", "#/address", "#/port", "#/tags/1", "#/metadata/k", "#/weight",
                                      "#/lease_ms", "#/zone"})
        self.assertIn("`address`", found["#/adress"], "the nearest name")

    def test_values_out_of_range_are_refused(self):
        for field, value in [("port", 0), ("port", 65_536), ("port", -1), ("port", 1e400), ("port", 8080.5),
                             ("address", ""), ("address", "x" * 256), ("lease_ms", 99), ("lease_ms", 86_400_001),
                             ("tags", ["x" * 129]), ("tags", [""]), ("tags", ["t%d" % i for i in range(65)]),
                             ("metadata", {"k" * 129: "v"}), ("metadata", {"k": "v" * 1025}), ("tags", ["a\nb"])]:
            with self.subTest(field=field, value=str(value)[:20]):
                body = json.dumps({**FIELDS, field: value}).replace("Infinity", "1e400")
                answer = self.client.put(WEB_1, body)
                if answer.status == 400:  # a number no double holds is no JSON we read
                    self.assertIn("1e400", body)
                    self.problem(answer, 400, "malformed")
                else:
                    pointers = self.pointers(answer)
                    self.assertTrue(any(one.startswith("#/" + field) for one in pointers), pointers)

    def test_names_are_checked(self):
        for name in [".web", "-web", "a" * 129, "w%20b", "caf%C3%A9", "a%252Fb"]:
            with self.subTest(name=name):
                answer = self.client.put(f"/v1/services/{name}/instances/one", FIELDS)
                self.assertIn("#/service", self.pointers(answer))

    def test_a_body_that_is_no_object_is_refused(self):
        for body in ["[]", "3", '"text"', "null", "true"]:
            with self.subTest(body=body):
                self.problem(self.client.put(WEB_1, body), 422, "fields_invalid")

    def test_a_path_field_in_the_body_must_agree(self):
        answer = self.client.put(WEB_1, {**FIELDS, "service": "other"})
        self.assertIn("#/service", self.pointers(answer))

    def test_an_over_long_body_is_413(self):
        answer = self.client.put(WEB_1, "x" * 1_000_001)
        self.problem(answer, 413, "body_too_large")
        announced = over_raw(self.server.port, b"PUT /v1/services/web HTTP/1.1\r\nHost: localhost\r\n"
                             b"Content-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n")
        self.problem(announced, 413, "body_too_large")
        chunked = over_raw(self.server.port, b"PUT /v1/services/web HTTP/1.1\r\nHost: localhost\r\n"
                           b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
                           + (b"f4240\r\n" + b"x" * 1_000_000 + b"\r\n") * 2 + b"0\r\n\r\n")
        self.problem(chunked, 413, "body_too_large")

    def test_an_over_long_header_is_431(self):
        self.problem(self.client.get("/v1/services", X_Long="x" * 20_000), 431, "header_too_large")
        self.problem(self.server.client().get("/v1/services?prefix=" + "x" * 20_000), 431, "header_too_large")

    def test_other_media_types_are_415(self):
        for kind in ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1"]:
            with self.subTest(kind=kind):
                answer = self.client.put(WEB_1, json.dumps(FIELDS), Content_Type=kind)
                detail = self.problem(answer, 415, "media_type_unsupported")["detail"]
                self.assertIn(kind, detail, "it names the type")
        taken = self.client.put("/v1/services/kinds", "{}", Content_Type="application/json; charset=utf-8")
        self.assertEqual(taken.status, 201, taken)

    # ------------------------------------------------------------------ requests

    def test_a_slow_client_is_408(self):
        for sent in [b"GET /v1/serv", b"PUT /v1/services/web HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n{"]:
            with self.subTest(sent=sent[:12]):
                self.problem(over_raw(self.server.port, sent), 408, "request_timeout")

    def test_what_is_no_http_is_refused(self):
        for sent in [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(600), b"nonsense\r\n\r\n",
                     b"GET / HTTP/1.1\r\nHost: localhost\r\nBad Header: x\r\n\r\n",
                     b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n",
                     b"POST /v1/commands HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n"
                     b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                     b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"]:
            with self.subTest(sent=sent[:40]):
                self.problem(over_raw(self.server.port, sent), 400, "malformed")

    def test_many_requests_on_one_connection_are_answered_in_order(self):
        names = [f"pipelined-{i}" for i in range(50)]
        sent = b"".join(f"PUT /v1/services/{name} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer "
                        f"{self.server.token}\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{{}}"
                        .encode() for name in names)
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=60) as connection:
            connection.sendall(sent)
            stream = connection.makefile("rb")
            for name in names:
                status = int(stream.readline().split()[1])
                headers = http.client.parse_headers(stream)
                body = json.loads(stream.read(int(headers["Content-Length"])))
                self.assertEqual(status, 201, body)
                self.assertEqual(body["events"][0]["stream"], "service/" + name)
            stream.close()

    def test_unknown_things_are_404(self):
        detail = self.problem(self.client.post("/v1/commands/register_instence", {}), 404, "command_unknown")["detail"]
        self.assertIn("register_instence", detail)
        for path in ["/v1/nothing", "/v2/services", "/v1/services/web/instances/a/b", "/favicon.ico", "//v1/services"]:
            self.problem(self.client.get(path), 404, "route_unknown")
        self.problem(self.client.get("/v1/services/none-such"), 404, "service_unknown")
        self.problem(self.client.get("/v1/discover/none-such"), 404, "service_unknown")

    def test_commands_of_the_server_itself_are_refused(self):
        for name in ["expire_instance", "reap_instance", "raise_expiry_guard", "end_expiry_guard"]:
            data = {"service": "web", "instance": "web-1"}
            self.problem(self.client.post("/v1/commands/" + name, data), 404, "command_unknown")
            batch = {"mode": "all", "commands": [{"command": name, "data": data}]}
            self.problem(self.client.post("/v1/commands", batch), 404, "command_unknown")

    def test_other_methods_are_405_and_say_which(self):
        answer = self.client.delete("/v1/services")
        self.problem(answer, 405, "method_not_allowed")
        self.assertIn("GET", answer.headers["allow"])
        answer = self.client.ask("BREW", WEB_1)
        self.assertIn(answer.status, (405, 501), answer)

    def test_parameters_are_checked(self):
        for query, pointer in [("att=1", "#/att"), ("limit=0", "#/limit"), ("limit=x", "#/limit"),
                               ("wait=11m&index=1", "#/wait"), ("wait=soon", "#/wait")]:
            with self.subTest(query=query):
                self.assertIn(pointer, self.pointers(self.client.get("/v1/services?" + query)))
        self.problem(self.client.get("/v1/services?prefix=%zz"), 400, "malformed")
        for query in ["after=nonsense", "index=1.2.3", "at=yesterday"]:
            answer = self.client.get("/v1/services?" + query)
            self.assertIn(answer.status, (400, 422), answer)

    def test_paths_are_decoded_once_and_a_plus_is_a_plus(self):
        self.assertEqual(self.client.put("/v1/services/g++/instances/a%2Bb", FIELDS).status, 201)
        found = self.client.get("/v1/services/g%2B%2B/instances/a+b")
        self.assertEqual((found.status, found.json["service"], found.json["instance"]), (200, "g++", "a+b"))
        for path in ["/v1/services/a%2Fb", "/v1/services/%zz", "/v1/services/%2", "/v1/services/w%00b",
                     "/v1/services/..%2fadmin.token"]:
            with self.subTest(path=path):
                self.problem(self.client.get(path), 400, "malformed")

    def test_the_host_is_checked_on_loopback(self):
        for host in ["evil.example", "evil.example:80", "localhost.evil.example"]:
            self.problem(self.client.get("/v1/services", Host=host), 421, "host_unknown")
        for host in ["localhost", "127.0.0.1", f"localhost:{self.server.port}"]:
            self.assertEqual(self.client.get("/v1/services", Host=host).status, 200, host)

    # ------------------------------------------------------------------ who

    def test_no_token_is_401(self):
        anonymous = self.server.client(token="")
        answer = anonymous.get("/v1/services")
        self.problem(answer, 401, "token_missing")
        self.assertIn("Bearer", answer.headers["www-authenticate"])
        for given in ["Bearer nonsense", "Bearer " + self.server.token[:-1], "Bearer " + self.server.token + "x",
                      "bearer  ", "Basic YTpi"]:
            with self.subTest(given=given[:12]):
                answer = anonymous.get("/v1/services", Authorization=given)
                self.assertEqual(answer.status, 401, answer)
                self.assertIn("Bearer", answer.headers["www-authenticate"])
        self.assertEqual(anonymous.get("/v1/services", Authorization="bearer " + self.server.token).status, 200)

    def test_a_token_is_not_taken_from_the_url(self):
        for name in ["token", "access_token"]:
            answer = self.client.get(f"/v1/services?{name}={self.server.token}")
            self.problem(answer, 400, "token_in_url")
        self.assertFalse([line for line in self.server.errors if self.server.token in line], "nor logged")

    def test_permissions_are_kept(self):
        made = self.client.post("/v1/tokens", {"name": "reader", "permissions": ["registry:read"]})
        reader = self.server.client(token=made.json["secret"])
        self.assertEqual(reader.get("/v1/services").status, 200)
        self.problem(reader.put(WEB_1, FIELDS), 403, "permission_denied")
        self.problem(reader.get("/v1/events"), 403, "permission_denied")
        self.problem(reader.post("/v1/commands/register_service", {"service": "x"}), 403, "permission_denied")
        batch = {"mode": "each", "commands": [{"command": "register_service", "data": {"service": "x"}}]}
        self.assertEqual(reader.post("/v1/commands", batch).status, 403)
        maker = self.client.post("/v1/tokens", {"name": "maker", "permissions": ["tokens:write"]}).json["secret"]
        answer = self.server.client(token=maker).post("/v1/tokens", {"name": "all", "permissions": ["admin:*"]})
        self.problem(answer, 422, "permission_not_held")
        self.problem(self.client.post("/v1/tokens", {"name": "x", "permissions": ["no:such"]}), 422,
                     "permission_unknown")
        self.assertEqual(self.client.delete("/v1/tokens/" + made.json["token"]).status, 200)
        self.problem(reader.get("/v1/services"), 401, "token_invalid")

    # ------------------------------------------------------------------ commands

    def test_stale_versions_conflict(self):
        path = "/v1/services/stale/instances/one"
        self.assertEqual(self.client.put(path, FIELDS).status, 201)
        answer = self.client.ask("PATCH", path, {"port": 1}, {"If-Match": '"7"'})
        self.assertEqual(self.problem(answer, 412, "precondition_failed")["actual_version"], 1)
        batch = {"mode": "all", "commands": [{"command": "update_instance", "expect": 7,
                                              "data": {"service": "stale", "instance": "one", "port": 1}}]}
        self.assertEqual(self.problem(self.client.post("/v1/commands", batch), 409, "version_conflict")
                         ["actual_version"], 1)
        self.problem(self.client.put(path, FIELDS, If_None_Match="*"), 412, "precondition_failed")
        self.problem(self.client.put("/v1/services/stale/instances/two", FIELDS, If_Match="*"), 412,
                     "precondition_failed")
        self.problem(self.client.put(path, FIELDS, If_Match="nonsense"), 400, "malformed")
        self.assertEqual(self.client.ask("PATCH", path, {"port": 1}, {"If-Match": '"1"'}).status, 200)
        self.assertEqual(self.client.get(path).json["port"], 1)

    def test_a_repeated_key_gives_the_first_answer(self):
        path = "/v1/services/keys/instances/one"
        first = self.client.put(path, FIELDS, Idempotency_Key='"key-1"')
        self.assertEqual((first.status, first.json["outcome"]), (201, "appended"))
        head = self.head()
        again = self.client.put(path, FIELDS, Idempotency_Key="key-1")
        self.assertEqual((again.status, again.json["outcome"]), (201, "already"))
        self.assertEqual(again.json["events"], first.json["events"])
        self.assertEqual(again.json["position"], first.json["position"])
        self.problem(self.client.put(path, {**FIELDS, "port": 1}, Idempotency_Key="key-1"), 422, "key_reused")
        other = self.client.put("/v1/services/keys", {}, Idempotency_Key="key-1")
        self.problem(other, 422, "key_reused")
        self.assertEqual(self.head(), head)
        for key in ["", '""', "x" * 256, "a b", 'a"b']:
            self.problem(self.client.put(path, FIELDS, Idempotency_Key=key), 400, "malformed")

    def test_a_refused_command_does_not_use_its_key_up(self):
        path = "/v1/services/unused/instances/one"
        self.problem(self.client.delete(path, Idempotency_Key="later"), 404, "instance_unknown")
        self.client.put(path, FIELDS)
        answer = self.client.delete(path, Idempotency_Key="later")
        self.assertEqual((answer.status, answer.json["outcome"]), (200, "appended"))

    def test_renewals_say_why_not(self):
        base = "/v1/services/leased/instances/"
        self.problem(self.client.post(base + "none/renew"), 404, "instance_unknown")
        self.client.put(base + "still", FIELDS)
        self.problem(self.client.post(base + "still/renew"), 422, "lease_absent")
        follower = EventStream(self.server.port, self.server.token, "?from=1&type=instance_expired&service=leased")
        self.client.put(base + "short", {**FIELDS, "lease_ms": 100})
        self.assertTrue(follower.wait_for(1), "the lease lapses")
        follower.close()
        self.problem(self.client.post(base + "short/renew"), 404, "instance_expired")
        many = self.client.post("/v1/leases/renew", {"leases": [{"service": "leased", "instance": name}
                                                                for name in ("none", "still", "short")]})
        self.assertEqual([item["status"] for item in many.json["items"]], [404, 422, 404], many)
        self.assertEqual(self.client.put(base + "short", {**FIELDS, "lease_ms": 60_000}).status, 200)
        self.assertEqual(self.client.post(base + "short/renew").status, 200)

    def test_batches_answer_as_their_mode_says(self):
        def item(instance, port=1):
            return {"command": "register_instance",
                    "data": {"service": "batched", "instance": instance, "address": "a", "port": port}}
        missing = {"command": "deregister_instance", "data": {"service": "batched", "instance": "none"}}
        head = self.head()
        answer = self.client.post("/v1/commands", {"mode": "all", "commands": [item("a"), missing, item("b")]})
        self.assertEqual(self.problem(answer, 404, "instance_unknown")["errors"][0]["pointer"], "#/commands/1")
        self.assertEqual(self.head(), head, "nothing of it was done")
        answer = self.client.post("/v1/commands", {"mode": "each", "commands": [item("a"), missing, item("a")]})
        self.assertEqual(answer.status, 200, answer)
        items = answer.json["items"]
        self.assertEqual([(one["status"], one["outcome"]) for one in items],
                         [(200, "appended"), (404, "unknown"), (200, "unchanged")])
        self.assertEqual(items[1]["problem"]["code"], "instance_unknown")
        self.assertEqual(self.head(), head + 1)
        for wrong, pointer in [({"mode": "some", "commands": [item("c")]}, "#/mode"),
                               ({"mode": "all", "commands": []}, "#/commands"),
                               ({"mode": "all", "comands": [item("c")]}, "#/comands"),
                               ({"mode": "all", "commands": [item("c"), item("d", 0)]}, "#/commands/1/data/port"),
                               ({"mode": "all", "commands": [{"command": "register_service", "extra": 1}]},
                                "#/commands/0/extra"),
                               ({"mode": "all", "commands": [3]}, "#/commands/0")]:
            with self.subTest(pointer=pointer):
                self.assertIn(pointer, self.pointers(self.client.post("/v1/commands", wrong)))
        self.assertEqual(self.head(), head + 1)

    def test_a_dry_run_leaves_no_trace(self):
        path = "/v1/services/dry/instances/one"
        head, waiting = self.head(), self.client.get("/v1/events?limit=10000").json["next"]
        answer = self.client.put(path + "?dry_run=true", FIELDS, Idempotency_Key="dry")
        self.assertEqual((answer.status, answer.json["outcome"]), (200, "dry_run"))
        self.assertEqual(answer.json["events"][0]["type"], "instance_registered")
        self.assertTrue(answer.json["diff"])
        self.assertEqual(self.head(), head)
        self.assertEqual(self.client.get("/v1/events?limit=10000").json["next"], waiting)
        self.problem(self.client.get(path), 404, "instance_unknown")
        made = self.client.put(path, {**FIELDS, "port": 9}, Idempotency_Key="dry")
        self.assertEqual((made.status, made.json["outcome"]), (201, "appended"), "the key is free")
        token = self.client.post("/v1/tokens?dry_run=true", {"name": "dry", "permissions": ["registry:read"]})
        self.assertEqual(token.status, 200, token)
        self.assertNotIn("secret", token.json)
        self.assertNotIn("secret", json.dumps(token.json))

    # ------------------------------------------------------------------ positions

    def test_a_token_of_another_history_is_410(self):
        with Server() as other:
            foreign = other.client().put("/v1/services/web", {}).headers["fasti-position"]
        for path in ["/v1/services?after=", "/v1/services?index=", "/v1/events?from=", "/v1/events/stream?from="]:
            with self.subTest(path=path):
                self.problem(self.client.get(path + foreign), 410, "history_forked")
        own = self.client.put("/v1/services/forked", {}).headers["fasti-position"]
        altered = own[:-1] + ("0" if own[-1] != "0" else "1")
        self.problem(self.client.get("/v1/services?after=" + altered), 410, "history_forked")
        self.assertEqual(self.client.get("/v1/services?after=" + own).status, 200)

    def test_after_is_504_when_it_is_not_reached(self):
        answer = self.client.get(f"/v1/services?after={self.head() + 1000}&wait=50ms")
        self.problem(answer, 504, "wait_timeout")

    def test_positions_ahead_of_the_log_are_unknown(self):
        head = self.head()
        self.problem(self.client.get(f"/v1/events?from={head + 100}"), 404, "position_unknown")
        self.problem(self.client.get(f"/v1/services?at={head + 100}"), 404, "position_unknown")
        self.problem(self.client.get(f"/v1/events/{head + 100}"), 404, "event_unknown")


class FullQueue(unittest.TestCase):
    def test_a_full_queue_is_503_and_nothing_of_it_is_done(self):
        with Server(["--pipeline-queue-commands-max", "16"]) as server:
            count = 400
            connections = [socket.create_connection(("127.0.0.1", server.port), timeout=60) for _ in range(count)]
            answers = [None] * count

            def read(first):
                for index in range(first, count, 8):
                    response = http.client.HTTPResponse(connections[index])
                    response.begin()
                    answers[index] = Answer(response)

            for index, connection in enumerate(connections):
                body = json.dumps(FIELDS)
                connection.sendall((f"PUT /v1/services/full/instances/i{index} HTTP/1.1\r\nHost: localhost\r\n"
                                    f"Authorization: Bearer {server.token}\r\nContent-Type: application/json\r\n"
                                    f"Content-Length: {len(body)}\r\n\r\n{body}").encode()[:-1])
            for connection in connections:  # all of them become complete at once
                connection.sendall(b"}")
            threads = [threading.Thread(target=read, args=(first,)) for first in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            for connection in connections:
                connection.close()
            refused = {index for index, answer in enumerate(answers) if answer.status == 503}
            self.assertTrue(refused, "sixteen wait at the most")
            for index, answer in enumerate(answers):
                if index in refused:
                    self.assertEqual(answer.json["code"], "queue_full")
                    self.assertIn("retry-after", answer.headers)
                else:
                    self.assertEqual(answer.status, 201, answer)
            listed = {row["instance"] for row in
                      server.client().get("/v1/services/full/instances?limit=1000").json["instances"]}
            self.assertEqual(listed, {f"i{index}" for index in range(count) if index not in refused})


if __name__ == "__main__":
    unittest.main()

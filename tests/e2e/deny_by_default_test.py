# SPDX-License-Identifier: Apache-2.0
"""Deny by default: every route and every sub-command, without a token and with malformed, unknown, revoked, expired
and narrower ones. Driven from the generated tables, so that a new one cannot be forgotten.
"""

import json
import os
import pathlib
import re
import stat
import tempfile
import unittest

from harness import START_SECONDS, Client, EventStream, Server, run

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROUTE = re.compile(r'^    \{operation::(\w+), route_kind::(\w+), method::(\w+), [^,]+, "([^"]+)", "([^"]*)", ', re.M)
PUBLIC = {"api_reference", "health", "health_live", "health_ready", "metrics", "openapi"}
FIELDS = {"address": "10.0.0.1", "port": 80}
# What a path's fields are filled with: what is there, and something of the same length that is not.
THERE = {"service": "there", "instance": "one", "position": "1", "view": "tokens", "stream*": "instance/there/one",
         "command": "register_service"}
NOT_THERE = {"service": "absnt", "instance": "two", "position": "9", "view": "tokenz", "stream*": "instance/absnt/two",
             "command": "register_servicf", "token": "0123456789abcdef"}


class Route:
    def __init__(self, found):
        self.name, self.kind, verb, self.path, self.permission = found
        self.method = verb.rstrip("_").upper()

    def filled(self, by):
        return re.sub(r"\{([^}]+)\}", lambda field: by.get(field.group(1), by["service"]), self.path)

    def __str__(self):
        return f"{self.method} {self.path}"


def routes():
    return [Route(found) for found in ROUTE.findall((ROOT / "adapters/http/routes.gen.cpp").read_text())]


def comparable(answer):
    """All that a refusal tells, but for what any answer of that moment would tell."""
    passing = ("date", "fasti-position", "x-request-id")
    return answer.status, answer.bytes, {name: value for name, value in answer.headers.items() if name not in passing}


class Denied(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.addClassCleanup(cls.server.__exit__)
        cls.server.start()
        cls.admin = cls.server.client()
        document = cls.admin.get("/v1/openapi.json").json
        cls.operations = {(method.upper(), path) for path, methods in document["paths"].items()
                          for method in methods if method in ("get", "put", "post", "patch", "delete")}
        cls.routes = routes()
        cls.permissions = sorted({route.permission for route in cls.routes if route.permission} |
                                 {command["permission"] for command in cls.commands().values()})
        cls.admin.put("/v1/services/there/instances/one", {**FIELDS, "lease_ms": 3_600_000})
        cls.victim = cls.make(["registry:read"])
        cls.revoked = cls.make(cls.permissions)
        assert cls.admin.delete("/v1/tokens/" + cls.revoked["token"]).status == 200
        cls.expired = cls.make(cls.permissions, expires_in_ms=1000)
        client = cls.server.client(token=cls.expired["secret"])
        while client.get("/v1/services").status == 200:
            pass
        cls.there = {**THERE, "token": cls.victim["token"]}

    @classmethod
    def commands(cls):
        """Every command of the declarations with its permission."""
        text = (ROOT / "docs/reference/api.gen.md").read_text()
        found = re.findall(r'<a id="command-(\w+)">.*?Needs `([a-z_:*]+)`', text, re.S)
        return {name: {"permission": permission} for name, permission in found}

    @classmethod
    def make(cls, permissions, **more):
        answer = cls.admin.post("/v1/tokens", {"name": "x", "permissions": permissions, **more})
        assert answer.status == 200, answer
        return answer.json

    @classmethod
    def position(cls):
        return int(cls.admin.get("/v1/services").headers["fasti-position"].split(".")[1])

    def ask(self, client, route, path, query="", authorization=None):
        body = {} if route.method in ("PUT", "POST", "PATCH") else None
        headers = {} if authorization is None else {"Authorization": authorization}
        return client.ask(route.method, path + query, body, headers)

    def closed(self):
        return [route for route in self.routes if route.name not in PUBLIC]

    def test_the_tables_agree(self):
        table = {(route.method, route.path.replace("*}", "}")) for route in self.routes}
        self.assertEqual(table, self.operations)
        self.assertGreater(len(self.closed()), 35)
        self.assertEqual({route.name for route in self.closed() if not route.permission}, {"run_command", "run_commands"})
        self.assertEqual({route.permission for route in self.routes if route.name in PUBLIC}, {""})

    def test_nothing_but_a_valid_token_is_a_token(self):
        """One text for all of them, whether the resource is there or not."""
        token, secret = self.victim["token"], self.victim["secret"]
        other = self.make(["registry:read"])
        unknown = "fasti_" + "0" * 16 + "_" + secret[23:]
        swapped = f"fasti_{other['token']}_{secret[23:]}"  # the id of one and the secret of another
        self.assertEqual((len(unknown), len(swapped)), (len(secret), len(secret)))
        wrong = {"revoked": self.revoked["secret"], "expired": self.expired["secret"], "unknown": unknown,
                 "of two": swapped, "altered": secret[:-1] + ("A" if secret[-1] != "A" else "B"), "cut": secret[:-1],
                 "long": secret + "A", "its id": token, "words": "let me in", "no text": "'", "case": secret.upper(),
                 "huge": "A" * 8000, "bytes": "\x80\xff", "star": "*", "empty user": ":"}
        client = Client(self.server.port)
        head = self.position()
        for route in self.closed():
            told = set()
            for by in (self.there, NOT_THERE):
                for query in ("", "?dry_run=true", "?at=1&index=1&wait=60s"):
                    answers = {name: self.ask(client, route, route.filled(by), query, "Bearer " + text)
                               for name, text in wrong.items()}
                    for name, answer in answers.items():
                        self.assertEqual((answer.status, answer.json["code"]), (401, "token_invalid"),
                                         f"{route} {name}: {answer}")
                        self.assertEqual(comparable(answer), comparable(answers["unknown"]), f"{route} {name}")
                    told.add(answers["unknown"].bytes)
            self.assertEqual(len(told), 1, f"{route} tells whether something is there")
        client.close()
        self.assertEqual(self.position(), head, "nothing was done")

    def test_without_a_token(self):
        client = Client(self.server.port)
        head = self.position()
        for route in self.closed():
            told = set()
            for by in (self.there, NOT_THERE):
                for sent in (None, "", "Bearer", "Bearer ", "Basic YWRtaW46YWRtaW4=", "fasti", self.victim["secret"]):
                    answer = self.ask(client, route, route.filled(by), authorization=sent)
                    self.assertEqual((answer.status, answer.json["code"]), (401, "token_missing"), f"{route} {sent}")
                    self.assertIn("www-authenticate", answer.headers)
                    told.add(answer.bytes)
                for query in ("?access_token=", "?token="):
                    answer = self.ask(client, route, route.filled(by), query + self.victim["secret"])
                    self.assertIn(answer.status, (400, 401), f"{route}: {answer}")
            self.assertEqual(len(told), 1, f"{route} tells whether something is there")
            if route.method == "GET":
                answer = client.ask("HEAD", route.filled(self.there))
                self.assertEqual((answer.status, answer.bytes), (401, b""), f"HEAD {route}")
        client.close()
        self.assertEqual(self.position(), head, "nothing was done")

    def test_a_narrower_token_is_refused_in_the_same_words(self):
        """Everything but what the route needs is not enough."""
        head = None
        for permission in self.permissions:
            narrow = self.server.client(token=self.make([one for one in self.permissions if one != permission])["secret"])
            enough = self.server.client(token=self.make([permission])["secret"])
            head = self.position()
            for route in self.closed():
                if route.permission != permission:
                    continue
                told = []
                for by in (self.there, NOT_THERE):
                    for query in ("", "?dry_run=true", "?wait=x"):
                        answer = self.ask(narrow, route, route.filled(by), query)
                        self.assertEqual((answer.status, answer.json["code"]), (403, "permission_denied"),
                                         f"{route}: {answer}")
                        told.append(comparable(answer))
                self.assertTrue(all(one == told[0] for one in told), f"{route}: {told}")
                # With it one gets further: the query is refused for what it says.
                further = self.ask(enough, route, route.filled(NOT_THERE), "?nothing=of-this-name")
                self.assertNotIn(further.status, (401, 403, 200, 201), f"{route}: {further}")
            self.assertEqual(self.position(), head, "nothing was done")

    def test_a_command_by_its_name_needs_what_its_route_needs(self):
        commands = self.commands()
        self.assertGreater(len(commands), 12)
        for name, info in commands.items():
            others = [one for one in self.permissions if one != info["permission"]]
            narrow = self.server.client(token=self.make(others)["secret"])
            head = self.position()
            by_name = narrow.post("/v1/commands/" + name, {})
            self.assertEqual((by_name.status, by_name.json["code"]), (403, "permission_denied"), name)
            if name == "renew_leases":
                continue  # is no part of a batch
            for mode in ("each", "all"):
                batch = {"mode": mode, "commands": [{"command": name, "data": {}}]}
                answer = narrow.post("/v1/commands", batch)
                self.assertEqual((answer.status, answer.json["code"]), (403, "permission_denied"), (name, answer))
            self.assertEqual(self.position(), head, "nothing was done")

    def test_commands_of_the_server_itself_are_refused(self):
        declared = "\n".join(path.read_text() for path in sorted(ROOT.glob("domain/*/*.toml")))
        internal = re.findall(r"^\[command\.(\w+)\]\n(?:[^\[]*\n)?internal = true", declared, re.M)
        self.assertIn("expire_instance", internal)
        for name in internal:
            answer = self.admin.post("/v1/commands/" + name, {"service": "there", "instance": "one"})
            self.assertEqual((answer.status, answer.json["code"]), (404, "command_unknown"), name)
            batch = {"mode": "each", "commands": [{"command": name, "data": {"service": "there", "instance": "one"}}]}
            self.assertNotIn(self.admin.post("/v1/commands", batch).status, (200, 201), name)

    def test_nobody_gives_what_he_has_not(self):
        for permission in self.permissions:
            others = [one for one in self.permissions if one != permission]
            giver = self.server.client(token=self.make(sorted({*others, "tokens:write"}))["secret"])
            for wanted in (permission, "admin:*"):
                if wanted == "tokens:write":
                    continue
                for query in ("", "?dry_run=true"):
                    made = giver.post("/v1/tokens" + query, {"name": "more", "permissions": [wanted]})
                    self.assertEqual((made.status, made.json["code"]), (422, "permission_not_held"), wanted)

    def test_a_dry_run_shows_what_is_stored_to_who_may_read_it(self):
        self.assertIn(self.admin.put("/v1/services/planned", {"owner": "nobody knows"}).status, (200, 201))
        path, change = "/v1/commands/register_service?dry_run=true", {"service": "planned", "description": "new"}
        batch = {"mode": "all", "commands": [{"command": "register_service", "data": change}]}
        for permissions, sees in ((["registry:write"], False), (["registry:read", "registry:write"], True)):
            client = self.server.client(token=self.make(permissions)["secret"])
            for told in (client.post(path, change).json, client.post("/v1/commands?dry_run=true", batch).json):
                self.assertEqual(told["outcome"], "dry_run", told)
                self.assertEqual("nobody knows" in json.dumps(told), sees, told)
                self.assertEqual("diff" in told, sees, told)
        writer = self.server.client(token=self.make(["tokens:write"])["secret"])
        told = writer.post("/v1/tokens?dry_run=true", {"name": "none", "permissions": ["tokens:write"]}).json
        self.assertEqual(told["events"][0].keys(), {"type", "stream", "stream_version"}, told)

    def test_a_view_of_tokens_needs_their_permission_too(self):
        reader = self.server.client(token=self.make(["events:read"])["secret"])
        for path in ("/v1/views/tokens", "/v1/views/tokens?at=1", "/v1/views/tokens/difference?from=1"):
            answer = reader.get(path)
            self.assertEqual((answer.status, answer.json["code"]), (403, "permission_denied"), answer)
        self.assertEqual(reader.get("/v1/views/instances").status, 200)

    def test_what_waits_ends_with_its_token(self):
        """A wait that began in time is not answered after its token ended."""
        for how in ("revoked", "expired"):
            with self.subTest(how=how):
                more = {"expires_in_ms": 1500} if how == "expired" else {}
                made = self.make(["registry:read", "events:read"], **more)
                index = self.admin.put("/v1/services/awaited", {"owner": how}).headers["fasti-position"]
                far = int(index.split(".")[1]) + 3
                stream = EventStream(self.server.port, made["secret"], "?service=awaited")
                self.assertEqual(stream.status, 200)
                waits = []
                for query in (f"?index={index}&wait=60s", f"?after={far}&wait=60s"):
                    client = self.server.client(token=made["secret"])
                    self.assertEqual(client.get("/v1/services").status, 200)
                    client.connection.request("GET", "/v1/services/awaited" + query,
                                              headers={"Authorization": "Bearer " + made["secret"]})
                    waits.append(client)
                self.assertEqual(self.admin.get("/health/live").status, 200)  # one thread: they wait now
                if how == "revoked":
                    self.assertEqual(self.admin.delete("/v1/tokens/" + made["token"]).status, 200)
                asking = Client(self.server.port, made["secret"])
                while asking.get("/v1/services").status == 200:
                    pass
                asking.close()
                for number in range(3):
                    self.admin.put("/v1/services/awaited", {"owner": f"{how} {number}", "description": "secret"})
                for client in waits:
                    response = client.connection.getresponse()
                    body = response.read()
                    self.assertEqual((response.status, json.loads(body)["code"]), (401, "token_invalid"), body)
                with stream.arrived:
                    self.assertTrue(stream.arrived.wait_for(lambda: stream.ended, START_SECONDS))
                self.assertNotIn("secret", json.dumps(stream.events))
                stream.close()

    def test_what_is_on_disk_is_for_its_owner(self):
        for folder, _, files in os.walk(self.server.data):
            self.assertEqual(stat.S_IMODE(os.stat(folder).st_mode) & 0o077, 0, folder)
            for name in files:
                mode = stat.S_IMODE(os.stat(os.path.join(folder, name)).st_mode)
                self.assertEqual(mode & 0o077, 0, f"{name}: {mode:o}")

    def test_every_sub_command_is_refused(self):
        narrow = self.make(["status:read"])["secret"]
        wide = self.make([one for one in self.permissions if one != "status:read"])["secret"]
        head = self.position()
        for words, line, permission in sub_commands():
            refused = {"none": "", "revoked": self.revoked["secret"], "expired": self.expired["secret"],
                       "narrower": wide if permission == "status:read" else narrow}
            for name, token in refused.items():
                with self.subTest(words=words, token=name), tempfile.TemporaryDirectory() as empty:
                    environment = {"FASTI_ADDR": f"127.0.0.1:{self.server.port}", "FASTI_DATA__DIR": empty}
                    if token:
                        environment["FASTI_TOKEN"] = token
                    done = run(*line, environment=environment)
                    self.assertEqual(done.returncode, 4, done)
                    self.assertEqual(done.stdout, "", done)
        self.assertEqual(self.position(), head, "nothing was done")


def sub_commands():
    """(words, arguments, permission) of each sub-command that asks the server."""
    text = (ROOT / "adapters/cli/commands.gen.cpp").read_text()
    words = {name: re.findall(r'"([^"]*)"', row)
             for name, row in re.findall(r"(\w+)_words = \{(.*)\};", text)}
    options = {name: re.findall(r'^    \{"(\w+)", "([^"]*)", value_kind::(\w+), (true|false)', rows, re.M)
               for name, rows in re.findall(r"(\w+)_options = \{\{\n(.*?)\n\}\};", text, re.S)}
    choices = {name: re.findall(r'"([^"]*)"', row)[0]
               for name, row in re.findall(r"(\w+)_choices = \{(.*)\};", text)}
    permissions = {route.name: route.permission for route in routes()}
    samples = {"number": "1", "list": "registry:read", "labels": "a=b", "boolean": "true"}
    for name in re.findall(r'^    \{"(\w+)", \w+_words, call_kind::', text, re.M):
        line = list(words[name])
        for option, flag, kind, required in options.get(name, []):
            if required == "true":
                value = choices.get(f"{name}_{option}") or samples.get(kind) or \
                    ("0123456789abcdef" if option == "token" else "10.0.0.1" if option == "address" else "there")
                line += [flag, value] if flag else [value]
        yield words[name], line, permissions[name]


if __name__ == "__main__":
    unittest.main()

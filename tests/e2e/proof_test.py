# SPDX-License-Identifier: Apache-2.0
"""verify, replay and snapshots with the real binary: beside a server under load, and on what was damaged."""

import http.client
import json
import threading
import unittest

from harness import START_SECONDS, Server, run

SMALL_SEGMENTS = ("--store-segment-bytes", "65536")


def register(client, first, count):
    """Instances of a few services, each with an event of its own."""
    commands = [{"command": "register_instance",
                 "data": {"service": f"s{i % 5}", "instance": f"i{i}", "address": "10.0.0.1", "port": 1 + i % 60_000,
                          "metadata": {"note": f"instance number {i}"}}} for i in range(first, first + count)]
    answer = client.post("/v1/commands", {"mode": "each", "commands": commands})
    assert answer.status == 200, answer


def reports(answer):
    """The frames of a proof, as (type, data)."""
    frames = []
    for block in answer.bytes.decode().strip().split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines())
        frames.append((lines["event"], json.loads(lines["data"])))
    return frames


def flip(path, offset):
    with open(path, "r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 1]))


class Load:
    """Registers and changes instances until told to stop."""

    def __init__(self, server):
        self.client = server.client()
        self.ending = threading.Event()
        self.events = 0
        self.thread = threading.Thread(target=self._run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        self.thread.join()

    def _run(self):
        while not self.ending.is_set():
            register(self.client, 100_000 + self.events, 100)
            self.events += 100


class Proof(unittest.TestCase):
    def command_line(self, server, *arguments):
        return run(*arguments, environment={"FASTI_ADDR": f"127.0.0.1:{server.port}",
                                            "FASTI_TOKEN": server.token}, timeout=START_SECONDS)

    def test_everything_equals_a_fold_while_commands_go_on(self):
        with Server(SMALL_SEGMENTS) as server:
            register(server.client(), 0, 3_000)
            with Load(server) as load:
                served = reports(server.client().get("/v1/verify"))
                views = server.client().get("/v1/views")
                asked = self.command_line(server, "replay", "--output", "json")
                beside = run("verify", "--data", str(server.data), "--output", "json")
                again = run("replay", "--data", str(server.data), "--output", "json")
            self.assertGreater(load.events, 0)
            kind, result = served[-1]
            self.assertEqual(kind, "result", served)
            self.assertEqual(result["findings"], 0, served)
            self.assertEqual({part["part"] for part in result["parts"]},
                             {view["folded_in"] for view in views.json["views"]} | {"parked", "write_model"})
            self.assertTrue(all(part["equal"] for part in result["parts"]), result)
            for made in (asked, beside, again):
                self.assertEqual(made.returncode, 0, made.stdout + made.stderr)
                report = json.loads(made.stdout)
                self.assertGreater(report["events"], 3_000)
                self.assertTrue(all(part["equal"] for part in report["parts"]), report)

    def test_a_flipped_byte_of_a_snapshot_is_found_and_does_no_harm(self):
        with Server() as server:
            register(server.client(), 0, 500)
            taken = self.command_line(server, "snapshot", "--output", "json")
            self.assertEqual(taken.returncode, 0, taken.stderr)
            snapshot = server.data / "snapshots" / (json.loads(taken.stdout)["name"] + ".snapshot")
            flip(snapshot, snapshot.stat().st_size // 2)
            asked = self.command_line(server, "verify")
            self.assertEqual(asked.returncode, 1, asked.stdout + asked.stderr)
            self.assertIn(snapshot.stem, asked.stdout)
            server.kill()
            server.start()
            beside = run("verify", "--data", str(server.data))
            self.assertEqual(beside.returncode, 1, beside.stdout + beside.stderr)
            self.assertIn("not whole", beside.stdout)
            rebuilt = self.command_line(server, "replay")
            self.assertEqual(rebuilt.returncode, 0, rebuilt.stdout)
            server.stop()  # all that it said is read then
            self.assertTrue(any("is not used" in line for line in server.errors), server.errors)

    def test_a_flipped_byte_of_a_sealed_segment_is_found_with_its_positions(self):
        with Server(SMALL_SEGMENTS) as server:
            client = server.client()
            for first in range(0, 2_000, 100):
                register(client, first, 100)
            segments = sorted((server.data / "log").glob("*.seg"))
            self.assertGreater(len(segments), 2, segments)
            place = segments[0].read_bytes().index(b"instance number 77")
            flip(segments[0], place)
            kinds = reports(server.client().get("/v1/verify"))
            findings = [data for kind, data in kinds if kind == "finding"]
            self.assertTrue(findings, kinds)
            self.assertTrue(any(one["first"] <= 79 <= one["last"] and segments[0].name in one["where"]
                                for one in findings), findings)
            self.assertEqual(kinds[-1][0], "result")
            beside = run("verify", "--data", str(server.data))
            self.assertIn(beside.returncode, (1, 78), beside.stdout + beside.stderr)
            self.assertIn(segments[0].name, beside.stdout + beside.stderr)

    def test_a_client_that_goes_away_ends_its_proof(self):
        with Server() as server:
            register(server.client(), 0, 2_000)
            leaver = http.client.HTTPConnection("127.0.0.1", server.port, timeout=START_SECONDS)
            leaver.request("GET", "/v1/verify", headers={"Authorization": f"Bearer {server.token}"})
            leaver.getresponse().read(10)
            leaver.close()
            client = server.client()
            answer = client.get("/v1/verify")
            while answer.status == 503:
                self.assertIn("retry-after", answer.headers)
                self.assertEqual(answer.json["code"], "proof_running")
                answer = client.get("/v1/verify")
            self.assertEqual(reports(answer)[-1][0], "result")

    def test_the_past_of_a_view_and_what_differs(self):
        with Server() as server:
            client = server.client()
            register(client, 0, 20)
            client.put("/v1/services/s0/instances/i0", {"address": "10.0.0.1", "port": 4711})
            past = client.get("/v1/views/instances?at=21&limit=1000").json
            self.assertEqual(len(past["rows"]), 20)
            self.assertEqual({row["port"] for row in past["rows"] if row["instance"] == "i0"}, {1})
            shown = self.command_line(server, "replay", "--view", "instances", "--since", "21")
            self.assertEqual(shown.returncode, 1, shown.stderr)
            self.assertIn("port: 1 -> 4711", shown.stdout)
            equal = self.command_line(server, "replay", "--view", "tokens", "--since", "21")
            self.assertEqual(equal.returncode, 0, equal.stdout)

    def test_exit_codes(self):
        with Server() as server:
            address = {"FASTI_ADDR": f"127.0.0.1:{server.port}"}
            self.assertEqual(run("verify", environment={**address, "FASTI_TOKEN": "fasti_no"}).returncode, 4)
            token = ("token", "create", "--name", "rescue", "--permissions", "admin:*", "--data", str(server.data))
            locked = run(*token)
            self.assertEqual(locked.returncode, 5, locked.stderr)
            self.assertEqual(run("snapshot", "--data", str(server.data)).returncode, 0)
            server.stop()
            self.assertEqual(run("verify", environment={**address, "FASTI_TOKEN": "fasti_no"}).returncode, 3)
            made = run(*token, "--output", "json")
            self.assertEqual(made.returncode, 0, made.stderr)
            server.start()
            client = server.client(token=json.loads(made.stdout)["secret"])
            self.assertEqual(client.get("/v1/status").status, 200)


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: Apache-2.0
"""The main job on real input: every package of the machine's own Debian sources becomes a service with an
instance. Registered in batches over HTTP, discovered, streamed, killed half-way, restarted, replayed, verified.
"""

import pathlib
import sys
import unittest

import harness
from harness import EventStream, Server, run

sys.path.append(str(pathlib.Path(__file__).parents[2] / "ops" / "examples"))
from debian_packages import BATCH, command, packages  # noqa: E402  the README's tour uses the same


class DebianIndex(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.packages = packages()
        if harness.SANITIZED:
            cls.packages = cls.packages[::10]  # ten times slower there; the whole index runs without
        if len(cls.packages) < 1_000:
            raise unittest.SkipTest("the machine has no package index: apt-get update")
        print(f"{len(cls.packages)} packages, {sum('+' in name for name, _ in cls.packages)} with a plus", flush=True)

    def register(self, client, first, last):
        """Registers packages[first:last] and returns how many were appended."""
        appended = 0
        for start in range(first, last, BATCH):
            some = [command(*package) for package in self.packages[start:min(start + BATCH, last)]]
            answer = client.post("/v1/commands", {"mode": "each", "commands": some})
            self.assertEqual(answer.status, 200, answer)
            for item in answer.json["items"]:
                self.assertIn(item["outcome"], ("appended", "already"), item)
                appended += item["outcome"] == "appended"
        return appended

    def test_the_whole_index(self):
        count = len(self.packages)
        half = count // 2 // BATCH * BATCH
        with Server() as server:
            client = server.client()
            follower = EventStream(server.port, server.token, "?from=1")
            self.assertEqual(self.register(client, 0, half), half)
            self.assertTrue(follower.wait_for(half + 1), "one event each, and the admin token's")
            last_seen = follower.events[-1][0]
            follower.close()

            client.close()

            # Killed: what was acknowledged is there after the restart, and the keys are remembered.
            server.kill()
            server.start()
            client = server.client()
            self.assertEqual(self.register(client, 0, BATCH), 0, "the keys of the first batch are remembered")
            resumed = EventStream(server.port, server.token, last_event_id=last_seen)
            self.assertEqual(self.register(client, half, count), count - half)
            self.assertTrue(resumed.wait_for(count - half), "resumed behind the last event that was seen")
            resumed.close()
            seen = [int(event["position"]) for _, event in follower.events + resumed.events]
            self.assertEqual(seen, list(range(1, count + 2)), "dense and in order across the kill")

            self.discover(client)
            self.walk_services(client)
            past = client.get(f"/v1/services?limit=1000&at={half // 2 + 1}")
            self.assertEqual(past.status, 200, past)

            # Beside the running server, and again when it is gone.
            for tool in ("replay", "verify"):
                done = run(tool, "--data", str(server.data), timeout=300)
                self.assertEqual(done.returncode, 0, done)
            client.close()
            self.assertEqual(server.stop(), 0)
            offline = run("verify", "--data", str(server.data), timeout=300)
            self.assertEqual(offline.returncode, 0, offline)

    def discover(self, client):
        for index in range(0, len(self.packages), len(self.packages) // 200):
            name, version = self.packages[index]
            found = client.get(f"/v1/discover/{name}?strategy=random")
            self.assertEqual(found.status, 200, (name, found))
            self.assertEqual(found.json["version"], version)
            self.assertEqual(found.json["instance"], f"{name}:amd64")

    def walk_services(self, client):
        names, cursor = [], ""
        while True:
            page = client.get("/v1/services?limit=1000" + (f"&cursor={cursor}" if cursor else "")).json
            names += [row["service"] for row in page["services"]]
            cursor = page.get("next")
            if not cursor:
                break
        self.assertEqual(names, sorted(name for name, _ in self.packages))


if __name__ == "__main__":
    unittest.main(verbosity=2)

# SPDX-License-Identifier: Apache-2.0
"""What may happen to a data folder, against the real binary: a second server, a full disk, altered and torn
bytes, a newer format, a lost token. Each has a plain message and exit code; nothing is lost or served wrongly.

Clocks that jump are left to the simulation: the real binary takes the system's clock.
"""

import errno
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import harness
from harness import Server, run

SMALL = ["--store-segment-bytes", "65536"]
FRAME = 512  # frames begin on sectors


def register(client, name, **more):
    return client.put(f"/v1/services/stored/instances/{name}", {"address": "10.0.0.1", "port": 1, **more})


def serve(data, *arguments):
    """A `serve` that is expected to refuse."""
    return run("serve", "--data", str(data), "--listen", "127.0.0.1:0", *arguments)


class StoreFaults(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="fasti-faults-")
        self.addCleanup(folder.cleanup)
        self.data = pathlib.Path(folder.name) / "data"

    def filled(self, count, arguments=SMALL):
        """A stopped server's folder with that many registrations; returns how long the log is."""
        with Server(arguments, folder=self.data) as server:
            client = server.client()
            commands = [{"command": "register_instance", "data": {
                "service": "stored", "instance": f"i{i}", "address": "10.0.0.1", "port": 1, "version": "x" * 100}}
                for i in range(count)]
            for start in range(0, count, 10):
                answer = client.post("/v1/commands", {"mode": "all", "commands": commands[start:start + 10]})
                self.assertEqual(answer.status, 200, answer)
            head = client.get("/v1/status").json["head"]
            self.assertEqual(server.stop(), 0)
        return head

    def segments(self):
        return sorted((self.data / "log").glob("*.seg"))

    def flip(self, path, offset):
        with open(path, "r+b") as file:
            file.seek(offset)
            byte = file.read(1)
            file.seek(offset)
            file.write(bytes([byte[0] ^ 0x40]))

    def refused_as_damaged(self):
        """A start that refuses with 78 and names positions; returns what it said."""
        refused = serve(self.data)
        self.assertEqual(refused.returncode, 78, refused)
        self.assertRegex(refused.stderr, r"[Pp]ositions? (from )?\d+")
        return refused.stderr

    # ------------------------------------------------------------------ who may open it

    def test_a_second_server_is_refused_and_the_first_goes_on(self):
        with Server(folder=self.data) as server:
            second = serve(self.data)
            self.assertEqual(second.returncode, 5, second)
            self.assertIn(str(self.data), second.stderr)
            self.assertRegex(second.stderr, "another|Another")
            self.assertEqual(register(server.client(), "still").status, 201)
            # Readers may look beside it.
            self.assertEqual(run("verify", "--data", str(self.data)).returncode, 0)
            server.kill()
            server.start()  # the lock went with the process
            self.assertEqual(register(server.client(), "again").status, 201)

    def test_tokens_are_recovered_offline_but_not_beside_a_server(self):
        with Server(folder=self.data) as server:
            made = ["token", "create", "--name", "rescue", "--permissions", "admin:*", "--data", str(self.data),
                    "--output", "json"]
            beside = run(*made)
            self.assertEqual(beside.returncode, 5, beside)
            (self.data / "admin.token").rename(self.data / "away")
            self.assertEqual(server.stop(), 0)
            server.start()
            self.assertFalse((self.data / "admin.token").exists(), "it is not made again")
            self.assertEqual(server.client(token="").get("/v1/services").status, 401)
            self.assertEqual(server.stop(), 0)
            offline = run(*made)
            self.assertEqual(offline.returncode, 0, offline)
            secret = json.loads(offline.stdout)["secret"]
            server.start()
            client = server.client(token=secret)
            self.assertEqual(client.get("/v1/services").status, 200)
            named = [event["data"] for event in server.all_events(client, type="token_created")]
            self.assertEqual([one["name"] for one in named][-1], "rescue")
            _, _, random = secret.split("_", 2)  # it may hold "_" itself
            self.assertGreater(len(random), 20)
            self.assertNotIn(random, str(list(server.all_events(client))))
            self.assertEqual(server.stop(), 0)
        self.assertEqual(run("verify", "--data", str(self.data)).returncode, 0)

    def test_folder_and_admin_token_are_private(self):
        self.data.mkdir(mode=0o755)
        self.data.chmod(0o755)  # whatever the umask
        with Server(folder=self.data):
            self.assertEqual((self.data / "admin.token").stat().st_mode & 0o777, 0o600)
            self.assertEqual(self.data.stat().st_mode & 0o777, 0o700)

    # ------------------------------------------------------------------ altered and missing facts

    def test_an_altered_byte_in_the_active_segment_is_refused(self):
        self.filled(30)
        self.flip(self.segments()[-1], FRAME * 3 + 200)
        said = self.refused_as_damaged()
        self.assertIn(self.segments()[-1].name, said)
        self.assertEqual(run("verify", "--data", str(self.data)).returncode, 78)

    def test_an_altered_footer_of_a_sealed_segment_is_refused(self):
        self.filled(800)
        self.assertGreater(len(self.segments()), 3, "some are sealed")
        sealed = self.segments()[0]
        self.flip(sealed, sealed.stat().st_size - 100)
        self.assertIn(sealed.name, self.refused_as_damaged())

    def test_an_altered_event_in_a_sealed_segment_is_never_served(self):
        head = self.filled(800)
        sealed = self.segments()[1]
        self.flip(sealed, FRAME * 5 + 300)
        verified = run("verify", "--data", str(self.data))
        self.assertNotEqual(verified.returncode, 0, verified)
        self.assertIn(sealed.name, verified.stdout + verified.stderr)
        started = serve(self.data)  # no snapshot: the fold reads all and must meet it
        self.assertEqual(started.returncode, 78, started)
        self.assertRegex(started.stderr, r"[Pp]ositions? \d+")
        self.assertGreater(head, 800)

    def test_a_missing_segment_is_refused(self):
        self.filled(800)
        self.segments()[1].unlink()
        self.refused_as_damaged()

    def test_a_lost_last_segment_is_refused(self):
        self.filled(30)
        self.segments()[-1].unlink()
        refused = serve(self.data)
        self.assertEqual(refused.returncode, 78, refused)

    def test_bytes_behind_the_end_are_cut_and_reported(self):
        head = self.filled(30)
        last = self.segments()[-1]
        content = last.read_bytes()
        end = (len(content.rstrip(b"\0")) + FRAME - 1) // FRAME * FRAME
        with open(last, "r+b") as file:
            file.seek(end)
            file.write(content[FRAME:FRAME * 2][:300] + b"torn" * 200)  # begins as a frame, is none
        with Server(folder=self.data) as server:
            self.assertTrue([line for line in server.errors if "Cut" in line], server.errors)
            client = server.client()
            self.assertEqual(client.get("/v1/status").json["head"], head, "nothing acknowledged went")
            self.assertEqual(register(client, "after").json["events"][0]["position"], head + 1)
            self.assertEqual(server.stop(), 0)
            server.start()
            self.assertFalse([line for line in server.errors if "Cut" in line], "once")
            self.assertEqual(server.stop(), 0)
        self.assertEqual(run("verify", "--data", str(self.data)).returncode, 0)

    def test_a_folder_put_back_as_it_was_answers_newer_tokens_with_410(self):
        self.filled(30)
        older = self.data.with_name("older")
        shutil.copytree(self.data, older)
        with Server(SMALL, folder=self.data) as server:
            token = register(server.client(), "lost").headers["fasti-position"]
            self.assertEqual(server.stop(), 0)
        shutil.rmtree(self.data)
        older.rename(self.data)
        with Server(SMALL, folder=self.data) as server:
            client = server.client()

            def gone():
                for path in ("/v1/services?after=", "/v1/services?at=", "/v1/events?from="):
                    answer = client.get(path + token)
                    self.assertEqual((answer.status, answer.json["code"]), (410, "history_forked"), path)

            gone()
            for number in range(3):  # the same positions again, with other events
                self.assertEqual(register(client, f"other{number}").status, 201)
            gone()
            self.assertEqual(server.stop(), 0)

    def test_a_newer_format_is_refused_naming_both(self):
        self.filled(3)
        named = self.data / "log" / "LOG"
        text = named.read_text()
        self.assertIn("format 2", text)
        named.write_text(text.replace("format 2", "format 3"))
        refused = serve(self.data)
        self.assertEqual(refused.returncode, 78, refused)
        self.assertRegex(refused.stderr, r"3.*2")
        named.write_text(text)
        with Server(folder=self.data) as server:
            self.assertEqual(register(server.client(), "back").status, 201)

    def test_what_is_derived_may_be_deleted(self):
        head = self.filled(800, SMALL + ["--snapshots-every-events", "50"])
        shutil.rmtree(self.data / "snapshots")
        for run_file in (self.data / "log").glob("*.run"):
            run_file.unlink()
        (self.data / "leases").unlink()
        with Server(folder=self.data) as server:
            client = server.client()
            self.assertEqual(client.get("/v1/status").json["head"], head)
            self.assertEqual(len(client.get("/v1/services/stored/instances?limit=1000").json["instances"]), 800)
            self.assertEqual(server.stop(), 0)
        self.assertEqual(run("verify", "--data", str(self.data)).returncode, 0)


class FullDisk(unittest.TestCase):
    """A folder on a small file system of its own."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="fasti-full-")
        self.addCleanup(folder.cleanup)
        mounted = os.geteuid() == 0 and subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=1m,mode=0700", "tmpfs", folder.name], capture_output=True,
            check=False).returncode == 0
        if not mounted:
            self.skipTest("needs the right to mount a tmpfs")
        self.addCleanup(subprocess.run, ["umount", folder.name], check=True)
        self.room = pathlib.Path(folder.name)

    def test_a_full_disk_refuses_writes_reads_go_on_and_room_heals_it(self):
        ballast = self.room / "ballast"
        with Server(SMALL, folder=self.room / "data") as server:
            client = server.client()
            self.assertEqual(register(client, "before").status, 201)
            with open(ballast, "wb", buffering=0) as file:
                try:
                    while file.write(bytes(4096)) > 0:
                        pass
                except OSError as full:
                    self.assertEqual(full.errno, errno.ENOSPC)
            statuses, acknowledged = [], 1
            for number in range(2_000):
                answer = register(client, f"n{number}", version="x" * 100)
                statuses.append(answer.status)
                if answer.status != 201:
                    break
                acknowledged += 1
            self.assertEqual(answer.status, 507, answer)
            self.assertEqual(answer.json["code"], "store_full")
            self.assertTrue(answer.headers["content-type"].startswith("application/problem+json"))
            self.assertEqual(client.get("/health/live").status, 200)
            rows = client.get("/v1/services/stored/instances?limit=1000").json["instances"]
            self.assertEqual(len(rows), acknowledged, "reads go on, with what was acknowledged")
            self.assertEqual(register(client, "again").status, 507)
            ballast.unlink()
            self.assertEqual(register(client, "again").status, 201, "there is room again")
            self.assertEqual(server.stop(), 0)
            server.start()
            rows = server.client().get("/v1/services/stored/instances?limit=1000").json["instances"]
            self.assertEqual(len(rows), acknowledged + 1)
            self.assertEqual(server.stop(), 0)
        verified = run("verify", "--data", str(self.room / "data"))
        self.assertEqual(verified.returncode, 0, verified)


if __name__ == "__main__":
    unittest.main()

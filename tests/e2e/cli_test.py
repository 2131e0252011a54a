#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The command line against the real server: what people and scripts do with it, and its exit codes."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import time
import unittest

from harness import BINARY, Server, run


class CommandLine(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.server.start()

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        cls.server.__exit__()

    def environment(self):
        return {"FASTI_ADDR": f"127.0.0.1:{self.server.port}", "FASTI_DATA__DIR": str(self.server.data)}

    def fasti(self, *words, code=0, **more):
        done = run(*words, environment=self.environment(), **more)
        self.assertEqual(done.returncode, code, done)
        return done

    def json(self, *words, **more):
        return json.loads(self.fasti(*words, "--output", "json", **more).stdout)

    def start(self, *words):
        clean = {name: value for name, value in os.environ.items() if not name.startswith("FASTI_")}
        return subprocess.Popen([BINARY, *words], env=clean | self.environment(), text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def test_register_change_and_explain(self):
        self.fasti("registry", "register", "shop", "s-1", "--address", "10.0.0.1", "--port", "80", "--zone", "a")
        dry = self.fasti("registry", "update", "shop", "s-1", "--weight", "5", "--dry-run")
        self.assertIn("~ instances shop/s-1  weight: 100 -> 5", dry.stdout)
        self.fasti("registry", "drain", "shop", "s-1", "--reason", "upgrade to 2.1")
        self.assertEqual(self.json("registry", "instance", "shop", "s-1")["status"], "draining")
        self.fasti("registry", "discover", "shop", "--strategy", "random", code=1)
        self.fasti("registry", "resume", "shop", "s-1", "--expect", "1", code=5)
        self.assertIn('"upgrade to 2.1"', self.fasti("why", "instance/shop/s-1").stdout)
        self.fasti("registry", "register", "shop", "no name", "--address", "x", "--port", "1", code=2)

    def test_hold_renews_registers_again_and_cleans_up(self):
        holding = self.start("registry", "register", "held", "h-1", "--address", "10.0.0.2", "--port", "81",
                             "--lease-ms", "600", "--hold")
        self.assertIn("appended", holding.stdout.readline())
        # Held well beyond one lease: only renewals can keep it up.
        until = time.monotonic() + 2
        while time.monotonic() < until:
            self.assertEqual(self.json("registry", "instance", "held", "h-1")["status"], "up")
        self.fasti("registry", "deregister", "held", "h-1")
        self.wait_for(lambda: run("registry", "instance", "held", "h-1", environment=self.environment()).returncode == 0)
        holding.send_signal(signal.SIGINT)
        output, errors = holding.communicate(timeout=20)
        self.assertEqual(holding.returncode, 0, errors)
        self.assertIn("instance_deregistered", output)
        self.assertIn("registering held/h-1 again", errors)
        self.fasti("registry", "instance", "held", "h-1", code=1)

    def test_watch_tells_of_changes(self):
        watching = self.start("registry", "watch", "watched", "--max", "3")
        self.assertEqual(watching.stderr.readline(), "No instance yet; waiting.\n")
        self.fasti("registry", "register", "watched", "w-1", "--address", "10.0.0.3", "--port", "82")
        self.assertEqual(watching.stdout.readline(), "+ w-1  up  10.0.0.3:82  weight=100\n")
        self.fasti("registry", "update", "watched", "w-1", "--weight", "7")
        self.assertEqual(watching.stdout.readline(), "~ w-1  up  10.0.0.3:82  weight=7\n")
        watching.communicate(timeout=20)  # the third change was the last one asked for
        self.assertEqual(watching.returncode, 0)

    def test_tail_list_show_and_export_agree_online_and_offline(self):
        self.fasti("registry", "register-service", "told", "--owner", "us")
        data = ("--data", str(self.server.data))
        listed = self.fasti("events", "list", "--service", "told").stdout
        self.assertEqual(self.fasti("events", "list", "--service", "told", *data).stdout, listed)
        tail = self.fasti("events", "tail", "--from", "1", "--service", "told", "--max", "1")
        self.assertEqual(tail.stdout, listed)
        online = self.fasti("events", "export", "--service", "told").stdout
        self.assertEqual(self.fasti("events", "export", "--service", "told", *data).stdout, online)
        position = json.loads(online)["position"]
        self.assertEqual(self.fasti("events", "show", position, *data).stdout,
                         self.fasti("events", "show", position).stdout)

    def test_replay_verify_and_snapshot_find_nothing_wrong(self):
        self.fasti("registry", "register", "proved", "p-1", "--address", "10.0.0.4", "--port", "83")
        for beside in ((), ("--data", str(self.server.data))):
            self.assertIn("snapshot at", self.fasti("snapshot", *beside).stdout)
            self.assertIn("nothing found", self.fasti("verify", *beside).stdout)
            self.assertNotIn("DIFFERENT", self.fasti("replay", *beside).stdout)
            self.assertIn("p-1", self.fasti("replay", "--view", "instances", "--at", "-0s", *beside).stdout)
            changed = self.fasti("replay", "--view", "instances", "--since", "1", *beside, code=1)
            self.assertIn("+ proved/p-1", changed.stdout)
        listed = self.fasti("snapshot", "list").stdout
        self.assertRegex(listed, r"^NAME +POSITION +BYTES\n")
        self.assertEqual(self.fasti("snapshot", "list", "--data", str(self.server.data)).stdout, listed)

    def test_tokens_are_made_used_refused_and_revoked(self):
        made = self.json("token", "create", "--name", "reader", "--permissions", "registry:read")
        reader = self.environment() | {"FASTI_TOKEN": made["secret"]}
        self.assertEqual(run("registry", "services", environment=reader).returncode, 0)
        self.assertEqual(run("token", "list", environment=reader).returncode, 4)
        self.assertNotIn(made["secret"], self.fasti("token", "list", "--output", "json").stdout)
        self.fasti("token", "revoke", made["token"])
        self.assertEqual(run("registry", "services", environment=reader).returncode, 4)
        self.fasti("token", "create", "--name", "x", "--permissions", "admin:*", "--data", str(self.server.data),
                   code=5)

    def test_a_lost_admin_token_is_recovered_offline(self):
        with Server() as server:
            os.unlink(server.data / "admin.token")
            server.stop()
            made = run("token", "create", "--name", "rescue", "--permissions", "admin:*", "--data", str(server.data),
                       "--output", "json")
            self.assertEqual(made.returncode, 0, made)
            server.start()
            self.assertFalse((server.data / "admin.token").exists(), "it is not made again")
            environment = {"FASTI_ADDR": f"127.0.0.1:{server.port}", "FASTI_TOKEN": json.loads(made.stdout)["secret"]}
            self.assertEqual(run("token", "list", environment=environment).returncode, 0)
            self.assertEqual(run("status", environment={"FASTI_ADDR": f"127.0.0.1:{server.port}"}).returncode, 4)

    def test_settings_are_checked_and_reloaded(self):
        bad = run("config", "check", "--config", "/nonexistent.toml")
        self.assertEqual(bad.returncode, 78, bad)
        refused = run("serve", "--listen", "0.0.0.0:0", "--data", "/nonexistent")
        self.assertEqual(refused.returncode, 78, refused)
        self.assertIn("--insecure-plaintext", refused.stderr)
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "fasti.toml"
            file.write_text('[log]\nlevel = "info"\n')
            with Server(arguments=("--config", str(file))) as server:
                file.write_text('[log]\nlevel = "debug"\n[store]\nsegment_bytes = "1MiB"\n')
                server.process.send_signal(signal.SIGHUP)
                self.wait_for(lambda: any("store.segment_bytes" in line for line in server.errors))
                self.assertTrue(any('"key":"log.level"' in line for line in server.errors), server.errors)
                self.hang_up(server, '"reloaded":0,"need_restart":1')
                file.write_text('[log]\nlevel = "debug"\n')
                self.hang_up(server, '"reloaded":0,"need_restart":0')
                file.write_text('[log]\nlevl = "debug"\n')
                self.hang_up(server, "did you mean `log.level`?")
                self.assertEqual(server.stop(), 0)

    def hang_up(self, server, told):
        """SIGHUP; returns when the log tells this."""
        server.process.send_signal(signal.SIGHUP)
        self.wait_for(lambda: any(told in line for line in server.errors))

    def test_a_second_process_is_told_which_one_has_the_folder(self):
        data = ("--data", str(self.server.data))
        second = self.fasti("serve", *data, "--listen", "127.0.0.1:0", code=5)
        self.assertIn(f"Process {self.server.process.pid} has ", second.stderr)
        self.assertIn("another folder with --data", second.stderr)
        made = self.fasti("token", "create", "--name", "x", "--permissions", "admin:*", *data, code=5)
        self.assertIn(f"Process {self.server.process.pid} has ", made.stderr)
        self.assertIn("leave out --data", made.stderr)

    def test_an_unknown_permission_is_told_with_those_there_are(self):
        refused = self.fasti("token", "create", "--name", "x", "--permissions", "registry:reed", code=1)
        self.assertIn("registry:read, registry:write", refused.stderr)

    def test_the_service_manager_is_told(self):
        with tempfile.TemporaryDirectory() as folder:
            listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            listener.bind(folder + "/notify")
            listener.settimeout(30)
            with Server(environment={"NOTIFY_SOCKET": folder + "/notify"}) as server:
                self.assertIn(b"READY=1", listener.recv(4096))
                server.stop()
                self.assertIn(b"STOPPING=1", listener.recv(4096))
            listener.close()

    def test_nobody_there_is_3(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            gone = run("status", "--addr", f"127.0.0.1:{free.getsockname()[1]}")
        self.assertEqual(gone.returncode, 3, gone)

    def wait_for(self, holds, seconds=20):
        until = time.monotonic() + seconds
        while not holds():
            self.assertLess(time.monotonic(), until, "it never came to be")
            time.sleep(0.02)


if __name__ == "__main__":
    unittest.main(verbosity=2)

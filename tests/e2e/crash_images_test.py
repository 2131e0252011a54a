#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A real server writes while every change to its files is recorded. From the record the disk is rebuilt as
a power cut at many moments would have left it, each with another mixture of what was not synced; a server
starts on every such image and must know all that was durable, nothing else, and each command once.

  crash_images_test.py [--images N] [--seed N]
"""

import argparse
import bisect
import json
import os
import pathlib
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import unittest

from harness import Server, run

TOOL = pathlib.Path(os.environ.get("FASTI_BUILD_DIR", "build/dev")) / "bin" / "fasti_crash_image"
WRITERS = 8
SMALL = {"FASTI_STORE__SEGMENT_BYTES": "65536", "FASTI_SNAPSHOTS__EVERY_EVENTS": "100"}
OPTIONS = argparse.Namespace(images=100, seed=1)


def request(writer, number):
    """What a writer asks for; the same number always asks for the same."""
    name = f"/v1/services/s{writer % 4}/instances/i{number % 7}-{writer}"
    if number % 9 == 8:
        return "DELETE", name, None
    return "PUT", name, {"address": "10.0.0.1", "port": 1000 + number, "metadata": {"op": f"{writer}.{number}"},
                         "tags": ["x" * (number * 37 % 100 + 1)]}


def ask(client, writer, number):
    method, path, body = request(writer, number)
    return client.ask(method, path, body, {"Idempotency-Key": f"{writer}-{number}"})


class CrashImages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="fasti-images-")
        root = pathlib.Path(cls.folder.name)
        cls.record = root / "record"
        cls.answers = {}  # (writer, number) -> token of its position
        cls.lengths = {}  # (writer, number) -> bytes of the record when the answer had arrived
        cls.server = Server(folder=str(root / "data"), environment={**SMALL, "FASTI_RECORD_FILES": str(cls.record)})
        with cls.server:
            writers = [threading.Thread(target=cls.write, args=(writer,)) for writer in range(WRITERS)]
            for one in writers:
                one.start()
            for one in writers:
                one.join()
            client = cls.server.client()
            cls.events = list(cls.server.all_events(client))
            client.close()
            cls.token = cls.server.token
        cls.summary = json.loads(subprocess.run([TOOL, cls.record], capture_output=True, check=True).stdout)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    @classmethod
    def write(cls, writer):
        client = cls.server.client()
        for number in range(120):
            answer = ask(client, writer, number)
            if answer.status in (200, 201) and answer.json["outcome"] == "appended":
                cls.lengths[writer, number] = cls.record.stat().st_size
                cls.answers[writer, number] = answer.json["position"]
        client.close()

    def build(self, operations, seed, out):
        made = subprocess.run([TOOL, self.record, str(operations), str(seed), str(self.server.data), out],
                              capture_output=True, check=True)
        return json.loads(made.stdout)

    def check_image(self, operations, seed):
        data = pathlib.Path(self.folder.name) / "image"
        shutil.rmtree(data, ignore_errors=True)
        data.mkdir(mode=0o700)
        image = self.build(operations, seed, str(data))
        # Durable before its event was written; without the event the start makes another one.
        (data / "admin.token").write_text(self.token + "\n")
        if (data / "log" / "LOG").exists():  # read only, before a start mends anything
            verified = run("verify", "--data", str(data))
            self.assertEqual(verified.returncode, 0, verified.stdout + verified.stderr)
        with Server(folder=str(data), environment=SMALL) as server:
            client = server.client()
            found = list(server.all_events(client))
            kept = next((i for i, (one, other) in enumerate(zip(found, self.events)) if one != other),
                        min(len(found), len(self.events)))
            self.assertGreaterEqual(kept, image["must_have"], "durable events are missing or were altered")
            extra = [one["type"] for one in found[kept:]]
            self.assertLessEqual(len(extra), 1 if kept == 0 else 0, f"events that nobody asked for: {extra}")
            if kept > 0:
                self.check_keys(client, kept)
            client.close()
        verified = run("verify", "--data", str(data))
        self.assertEqual(verified.returncode, 0, verified.stdout + verified.stderr)

    def check_keys(self, client, kept):
        """What is there is remembered with its position; what is not happens now, once."""
        chosen = random.Random(kept).sample(sorted(self.answers), 12)
        for writer, number in chosen:
            answer = ask(client, writer, number)
            told = self.answers[writer, number]
            if int(told.split(".")[1]) <= kept:
                self.assertEqual((answer.json["outcome"], answer.json["position"]), ("already", told), answer)
            elif answer.status in (200, 201):
                self.assertNotEqual(answer.json["outcome"], "already", answer)

    def test_every_image_starts_and_holds_what_was_durable(self):
        chance = random.Random(OPTIONS.seed)
        total = self.summary["operations"]
        print(f"{len(self.events)} events, {total} operations, {self.summary['syncs']} syncs", flush=True)
        self.assertGreater(len(self.events), 100)
        for number in range(OPTIONS.images):
            operations = total if number == 0 else chance.randint(1, total)
            with self.subTest(operations=operations, seed=number):
                self.check_image(operations, number)

    def test_answers_come_after_their_sync(self):
        """What was answered when the record had some length is durable on every disk cut there."""
        record = self.record.read_bytes()
        header = struct.Struct("<BQQQIII")  # eventstore/segments/recording.cpp
        ends, at = [], 0
        while at + header.size <= len(record):
            at += header.size + sum(header.unpack_from(record, at)[4:])
            ends.append(at)
        self.assertIn(len(ends) - self.summary["operations"], (0, 1), "read as the tool reads it")
        image = pathlib.Path(self.folder.name) / "answered"
        looked_at = min(OPTIONS.images, len(self.answers))
        for asked in random.Random(OPTIONS.seed).sample(sorted(self.answers), looked_at):
            operations = bisect.bisect_right(ends, self.lengths[asked])
            with self.subTest(asked=asked, operations=operations):
                must_have = self.build(operations, 1, str(image))["must_have"]
                self.assertGreaterEqual(must_have, int(self.answers[asked].split(".")[1]), "answered too early")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=OPTIONS.images)
    parser.add_argument("--seed", type=int, default=OPTIONS.seed)
    OPTIONS, rest = parser.parse_known_args()
    unittest.main(argv=[sys.argv[0], *rest])

# SPDX-License-Identifier: Apache-2.0
"""Work that is slow by nature holds nothing else up: past views are folded while followers are fed, and a server
that is told to stop does not finish them first."""

import threading
import time
import unittest

from harness import Client, EventStream, Server

EVENTS = 40_000
QUESTIONS = 12  # fewer than the server lets wait


def fill(server):
    """Instances without leases, a hundred in a request."""
    client = server.client()
    for first in range(0, EVENTS, 100):
        batch = [{"command": "register_instance", "data": {"service": f"s{number % 50}", "instance": f"i{number}",
                  "address": "10.0.0.1", "port": 80}} for number in range(first, first + 100)]
        answer = client.post("/v1/commands", {"mode": "all", "commands": batch})
        assert answer.status == 200, answer


class past_question(threading.Thread):
    """Asks for a whole view as it was at a moment nobody asked for yet."""

    def __init__(self, server, at):
        super().__init__()
        self.client = Client(server.port, server.token)
        self.at = at
        self.answer = None

    def run(self):
        try:
            self.answer = self.client.get(f"/v1/views/services?at={self.at}&limit=1")
        except OSError as trouble:
            self.answer = trouble
        finally:
            self.client.close()


class SlowWork(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server().start()
        cls.addClassCleanup(cls.server.__exit__)
        fill(cls.server)

    def ask_much(self, newest):
        asked = [past_question(self.server, newest - number) for number in range(QUESTIONS)]
        for one in asked:
            one.start()
        return asked

    def test_followers_are_fed_from_the_log_while_past_views_are_folded(self):
        asked = self.ask_much(EVENTS)
        stream = EventStream(self.server.port, self.server.token, "?from=1&service=s7")
        self.addCleanup(stream.close)
        self.assertTrue(stream.wait_for(EVENTS // 50))
        # One at a time is folded, so that this many cannot be done in the time of one follower's few pieces.
        waiting = sum(one.answer is None for one in asked)
        self.assertGreater(waiting, QUESTIONS // 2)
        for one in asked:
            one.join()
            self.assertEqual(one.answer.status, 200, one.answer)

    def test_stopping_finishes_no_fold_first_and_says_so(self):
        asked = self.ask_much(EVENTS - QUESTIONS)
        client = self.server.client()
        while all(one.answer is None for one in asked):
            client.get("/v1/status")  # until one is answered: the next is under way
        begun = time.monotonic()
        self.assertEqual(self.server.stop(), 0)
        took = time.monotonic() - begun
        for one in asked:
            one.join()
        refused = [one.answer for one in asked if getattr(one.answer, "status", None) == 503]
        self.assertGreater(len(refused), QUESTIONS // 2, [one.answer for one in asked])
        for answer in refused:
            self.assertIn("shutting down", answer.json["detail"])
            self.assertEqual(answer.headers["retry-after"], "1")
        self.assertLess(took, 10, "the time that draining may take by default")


if __name__ == "__main__":
    unittest.main()

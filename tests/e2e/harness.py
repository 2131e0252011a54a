# SPDX-License-Identifier: Apache-2.0
"""Starts the real binary on a private folder and port, talks HTTP to it, kills it, starts it again.

Everything waits for something that happens (a line, an answer, an exit), never for time to pass.
"""

import http.client
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import threading
import urllib.parse

BINARY = os.environ.get("FASTI_BINARY", "build/dev/bin/fasti")
SANITIZED = os.path.basename(os.environ.get("FASTI_BUILD_DIR", "")) in ("asan", "tsan")
START_SECONDS = 60  # sanitizers and a busy machine included
REPORT_OF_A_SANITIZER = re.compile(r"(Address|Thread|Leak|UndefinedBehavior)Sanitizer|: runtime error: ")


class Answer:
    """Status, headers and body of one answer."""

    def __init__(self, response):
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.bytes = response.read()

    @property
    def json(self):
        return json.loads(self.bytes)

    def __repr__(self):
        return f"{self.status} {self.bytes[:300]!r}"


class Client:
    """One keep-alive connection. One thread at a time."""

    def __init__(self, port, token=None, timeout=60):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
        self.token = token

    def ask(self, method, path, body=None, headers=None):
        sent = dict(headers or {})
        if self.token and "Authorization" not in sent:
            sent["Authorization"] = f"Bearer {self.token}"
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
        self.connection.request(method, path, body=body, headers=sent)
        return Answer(self.connection.getresponse())

    def get(self, path, **headers):
        return self.ask("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def put(self, path, body=None, **headers):
        return self.ask("PUT", path, {} if body is None else body,
                        {name.replace("_", "-"): value for name, value in headers.items()})

    def post(self, path, body=None, **headers):
        return self.ask("POST", path, body, {name.replace("_", "-"): value for name, value in headers.items()})

    def delete(self, path, **headers):
        return self.ask("DELETE", path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def close(self):
        self.connection.close()


class Server:
    """A `fasti serve` of its own. Use as a context manager; the folder goes with it."""

    def __init__(self, arguments=(), environment=None, folder=None):
        self._own = None
        if folder is None:
            self._own = tempfile.TemporaryDirectory(prefix="fasti-e2e-")
            folder = self._own.name + "/data"
        self.data = pathlib.Path(folder)
        self.arguments = list(arguments)
        self.environment = dict(environment or {})
        self.process = None
        self.port = None
        self.output = []
        self.errors = []
        self.clients = []

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        if self.process is not None:
            self.kill()
        if self._own is not None:
            self._own.cleanup()

    def start(self):
        """Returns once the server announced its address."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("FASTI_")}
        environment.update(self.environment)
        self.output, self.errors = [], []
        self.process = subprocess.Popen(
            [BINARY, "serve", "--data", str(self.data), "--listen", "127.0.0.1:0", *self.arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
        announced = threading.Event()

        def read(stream, lines, is_output):
            for line in stream:
                lines.append(line.rstrip("\n"))
                if is_output and self.port_in(line):
                    announced.set()
            if is_output:
                announced.set()

        self.readers = [threading.Thread(target=read, args=(self.process.stdout, self.output, True)),
                        threading.Thread(target=read, args=(self.process.stderr, self.errors, False))]
        for reader in self.readers:
            reader.start()
        if not announced.wait(START_SECONDS) or self.port is None:
            self.kill()
            raise AssertionError("the server did not start:\n" + "\n".join(self.output + self.errors))
        return self

    def port_in(self, line):
        found = re.search(r"https?://\S+:(\d+)", line)
        if found:
            self.port = int(found.group(1))
        return bool(found)

    @property
    def token(self):
        return (self.data / "admin.token").read_text().strip()

    def client(self, token=None, **more):
        """Closed when the server ends."""
        self.clients.append(Client(self.port, self.token if token is None else token, **more))
        return self.clients[-1]

    def kill(self):
        """kill -9: nothing is flushed."""
        self._end(signal.SIGKILL)

    def stop(self):
        """SIGTERM: drains; returns the exit code."""
        return self._end(signal.SIGTERM)

    def wait(self, seconds=START_SECONDS):
        code = self.process.wait(seconds)
        self._close()
        self._look_for_reports()
        return code

    def _end(self, number):
        by_itself = self.process.poll() is not None and self.port is not None
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(START_SECONDS)
        self._close()
        self._look_for_reports()
        if by_itself:
            raise AssertionError(f"the server had ended by itself with {code}:\n" + "\n".join(self.errors[-20:]))
        return code

    def _look_for_reports(self):
        """A sanitizer's report ends the process: a test that kills it anyway would not notice."""
        if any(REPORT_OF_A_SANITIZER.search(line) for line in self.errors):
            told, self.errors = self.errors, []
            raise AssertionError("a sanitizer found something:\n" + "\n".join(told))

    def _close(self):
        for client in self.clients:
            client.close()
        self.clients.clear()
        for reader in self.readers:
            reader.join()
        self.process.stdout.close()
        self.process.stderr.close()
        self.port = None

    def all_events(self, client=None, **filters):
        """Every event of the log in order, by pages."""
        client = client or self.client()
        query = {"limit": 10_000, **filters}
        while True:
            answer = client.get("/v1/events?" + urllib.parse.urlencode(query))
            assert answer.status == 200, answer
            page = answer.json
            yield from page["events"]
            if not page["events"]:
                return
            query["from"] = page["next"]


def run(*arguments, environment=None, stdin=None, timeout=START_SECONDS):
    """Runs the command line to its end."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("FASTI_")}
    clean.update(environment or {})
    return subprocess.run([BINARY, *arguments], capture_output=True, text=True, env=clean, input=stdin,
                          timeout=timeout)


class EventStream:
    """Follows /v1/events/stream on a thread; keeps (id, CloudEvent) in order."""

    def __init__(self, port, token, query="", last_event_id=None):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=START_SECONDS)
        headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
        if last_event_id:
            headers["Last-Event-ID"] = last_event_id
        self.connection.request("GET", "/v1/events/stream" + query, headers=headers)
        self.response = self.connection.getresponse()
        self.status = self.response.status
        self.events = []
        self.arrived = threading.Condition()
        self.ended = False
        if self.status == 200:
            self.thread = threading.Thread(target=self._read, daemon=True)
            self.thread.start()

    def _read(self):
        identifier, data = None, None
        try:
            for raw in self.response:
                line = raw.decode().rstrip("\n").rstrip("\r")
                if line.startswith("id:"):
                    identifier = line[3:].strip()
                elif line.startswith("data:"):
                    data = line[5:].strip()
                elif not line and data is not None:
                    with self.arrived:
                        self.events.append((identifier, json.loads(data)))
                        self.arrived.notify_all()
                    data = None
        except (OSError, http.client.HTTPException, ValueError, AttributeError):
            pass  # closed under our hands by close(), or by the server
        with self.arrived:
            self.ended = True
            self.arrived.notify_all()

    def wait_for(self, count, seconds=START_SECONDS):
        """True once that many events arrived."""
        with self.arrived:
            self.arrived.wait_for(lambda: len(self.events) >= count or self.ended, seconds)
            return len(self.events) >= count

    def close(self):
        if self.connection.sock is not None:
            self.connection.sock.shutdown(socket.SHUT_RDWR)
        if self.status == 200:
            self.thread.join()
        self.response.close()
        self.connection.close()

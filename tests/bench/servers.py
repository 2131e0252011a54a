# SPDX-License-Identifier: Apache-2.0
"""The servers that the benchmarks start, each in a temporary folder and on a private port of loopback."""

from __future__ import annotations

import contextlib
import mmap
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path


class bench_error(Exception):
    """Something that makes a measurement impossible; its text says what."""


def cores_for(placement: str) -> tuple[set[int], set[int]]:
    """The cores of the server and of the load."""
    there = sorted(os.sched_getaffinity(0))
    if placement == "split" and len(there) > 1:
        return {there[0]}, {there[1]}
    return set(there[:2]), set(there[:2])


MADV_POPULATE_WRITE = 23  # Linux 5.14; mmap has no name for it yet


def have_memory_ready(megabytes: int) -> None:
    """Touches so much memory and gives it back, so that whoever runs next finds pages that the machine has. Where a
    hypervisor takes back what a guest leaves free, supplying a page again takes it 7 to 14 us instead of 2, more than all else
    that is done for an event. It takes them back within seconds, so this holds for short runs. An older kernel
    refuses; then nothing is touched."""
    if megabytes > 0:
        with mmap.mmap(-1, megabytes << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as memory:
            with contextlib.suppress(OSError):
                memory.madvise(MADV_POPULATE_WRITE)


def free_port() -> int:
    # Below the ephemeral range: connections of the load generator itself take ports from there.
    while True:
        port = random.randint(20000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def _program(name: str) -> str | None:
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin")


def is_installed(name: str) -> bool:
    return _program(name) is not None


def needed(name: str) -> str:
    found = _program(name)
    if found is None:
        raise bench_error(f"{name} is not installed: ./ops/dev setup bench")
    return found


class server:
    """A process with an address; `with` starts and ends it."""

    name = ""
    ready_path = "/"
    token_file: Path | None = None
    started_in = 0.0  # seconds from the start of the process to its first good answer

    def __init__(self, cores: set[int]) -> None:
        self.cores = cores
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="fasti-bench-"))
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def command(self) -> list[str]:
        raise NotImplementedError

    def __enter__(self):
        log = open(self.folder / "log", "wb")
        try:
            self.process = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                preexec_fn=lambda: os.sched_setaffinity(0, self.cores))
            log.close()
            self._wait_until_ready()
        except OSError as error:
            self.stop()
            raise bench_error(f"{self.name} cannot be started: {error}") from None
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _wait_until_ready(self) -> None:
        begin = time.monotonic()
        until = time.monotonic() + 60
        while time.monotonic() < until:
            assert self.process is not None
            if self.process.poll() is not None:
                raise bench_error(f"{self.name} ended with status {self.process.returncode}: {self.log_tail()}")
            try:
                with urllib.request.urlopen(f"http://{self.address}{self.ready_path}", timeout=2):
                    self.started_in = time.monotonic() - begin
                    return
            except urllib.error.HTTPError as error:
                if error.code != 503:
                    return
            except OSError:
                pass
            time.sleep(0.02)
        raise bench_error(f"{self.name} is not ready after 60 s: {self.log_tail()}")

    def log_tail(self) -> str:
        return (self.folder / "log").read_text(errors="replace")[-1000:]


class nginx(server):
    name = "nginx return 200"

    def command(self) -> list[str]:
        places = "".join(f"  {kind}_temp_path {self.folder}/{kind};\n"
                         for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (self.folder / "nginx.conf").write_text(
            f"daemon off;\nmaster_process off;\nworker_processes 1;\npid {self.folder}/pid;\n"
            f"error_log {self.folder}/error.log crit;\nevents {{ worker_connections 8192; }}\n"
            f"http {{\n{places}  access_log off;\n  keepalive_requests 1000000000;\n  keepalive_timeout 600s;\n"
            f"  server {{\n    listen 127.0.0.1:{self.port};\n"
            f"    location / {{ return 200 \"Hello, World!\"; }}\n  }}\n}}\n")
        return [needed("nginx"), "-p", str(self.folder), "-e", str(self.folder / "error.log"),
                "-c", str(self.folder / "nginx.conf")]


class adapter(server):
    """Our HTTP adapter with one constant answer behind it: no routes, no tokens, no state."""

    name = "our HTTP adapter"

    def __init__(self, build: Path, cores: set[int]) -> None:
        super().__init__(cores)
        self.build = build

    def command(self) -> list[str]:
        return [str(self.build / "bin/http_constant"), str(self.port)]


class bare(server):
    name = "bare server, same sync"

    def __init__(self, build: Path, cores: set[int], record_bytes: int, sse_bytes: int = 0) -> None:
        super().__init__(cores)
        self.build = build
        self.record_bytes = record_bytes
        self.sse_bytes = sse_bytes  # of an event told to a subscriber

    def command(self) -> list[str]:
        return [str(self.build / "bin/fasti_bare_server"), str(self.port), str(self.folder / "bare.log"),
                str(512 << 20), "160", str(self.record_bytes), str(self.sse_bytes)]


class fasti(server):
    name = "fasti"
    ready_path = "/health/ready"

    def __init__(self, build: Path, cores: set[int], data: Path | None = None) -> None:
        """Without `data` on a fresh folder; with it on one that outlives the server."""
        super().__init__(cores)
        self.build = build
        self.data = data or self.folder / "data"
        self.token_file = self.data / "admin.token"

    def command(self) -> list[str]:
        return [str(self.build / "bin/fasti"), "serve", "--data", str(self.data), "--listen", self.address]


class etcd(server):
    name = "etcd"
    ready_path = "/health"

    def command(self) -> list[str]:
        peer = f"http://127.0.0.1:{free_port()}"
        client = f"http://{self.address}"
        return [needed("etcd"), "--data-dir", str(self.folder / "data"), "--listen-client-urls", client,
                "--advertise-client-urls", client, "--listen-peer-urls", peer,
                "--initial-advertise-peer-urls", peer, "--initial-cluster", f"default={peer}",
                "--log-level", "error", "--quota-backend-bytes", str(8 << 30)]


def resident_bytes(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise bench_error(f"process {pid} has no VmRSS")


def read_all(folder: Path) -> float:
    """Seconds that reading every file of a folder takes."""
    begin = time.monotonic()
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb", buffering=0) as file:
                while file.read(1 << 20):
                    pass
    return time.monotonic() - begin


def bytes_used(folder: Path) -> int:
    """Bytes up to the last one that is not zero, over all files: what a preallocating log really holds."""
    total = 0
    block = 1 << 20
    for path in folder.rglob("*"):
        if not path.is_file():
            continue
        with path.open("rb") as file:
            end = file.seek(0, os.SEEK_END)
            while end > 0:
                start = max(0, end - block)
                file.seek(start)
                data = file.read(end - start).rstrip(b"\0")
                if data:
                    total += start + len(data)
                    break
                end = start
    return total

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Registers every package of this machine's Debian sources as a service with one instance.

Real names and versions by the ten thousand, for a first look at a registry that is not empty:

    ops/examples/debian_packages.py --token-file build/data/admin.token
"""

import argparse
import http.client
import json
import re
import subprocess
import sys
import time
import zlib

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+~-]{0,127}")
BATCH = 200


def packages():
    """(name, version) of every package, each name once and in order, as apt knows them."""
    listing = subprocess.run(["apt-cache", "dumpavail"], capture_output=True, text=True, check=True).stdout
    found = {}
    for stanza in listing.split("\n\n"):
        name = re.search(r"^Package: (\S+)$", stanza, re.M)
        version = re.search(r"^Version: (\S+)$", stanza, re.M)
        if name and version and NAME.fullmatch(name.group(1)):
            found.setdefault(name.group(1), version.group(1))
    return sorted(found.items())


def command(name, version):
    """One register_instance of a batch, the same on every machine. The key makes sending it again harmless."""
    spread = zlib.crc32(name.encode())
    return {"command": "register_instance", "idempotency_key": f"debian {name} {version}",
            "data": {"service": name, "instance": f"{name}:amd64",
                     "address": f"10.{spread >> 16 & 255}.{spread >> 8 & 255}.{spread & 255}",
                     "port": 1024 + spread % 60_000, "version": version, "zone": f"rack-{spread % 16}",
                     "tags": ["debian"], "metadata": {"package": name}}}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--addr", default="127.0.0.1:8400", help="address:port of the server")
    parser.add_argument("--token-file", required=True, help="file with a token that may registry:write")
    given = parser.parse_args()
    with open(given.token_file, encoding="utf-8") as file:
        token = file.read().strip()
    found = packages()
    if not found:
        sys.exit("apt knows no packages: run 'apt-get update' first")
    connection = http.client.HTTPConnection(given.addr)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json",
               "Fasti-Reason": "a first look with real names"}
    counts = {}
    started = time.monotonic()
    for first in range(0, len(found), BATCH):
        some = [command(*package) for package in found[first:first + BATCH]]
        connection.request("POST", "/v1/commands", json.dumps({"mode": "each", "commands": some}), headers)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            sys.exit(f"{answer.status}: {body.decode(errors='replace')}")
        for item in json.loads(body)["items"]:
            counts[item["outcome"]] = counts.get(item["outcome"], 0) + 1
        if sys.stderr.isatty():
            print(f"\r{first + len(some)} of {len(found)}", end="", file=sys.stderr)
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)
    told = ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items()))
    print(f"{len(found)} packages in {time.monotonic() - started:.1f} s: {told}")


if __name__ == "__main__":
    main()

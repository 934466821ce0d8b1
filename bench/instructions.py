#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Instructions that Fusewire's worker executes per request, counted by callgrind: the same on a busy and on an idle machine.

Client and origin are this one program, which takes each step only when the proxy has come to rest after the last. Counted
is the difference of two numbers of requests, so that neither start nor end weighs in. Kernel time is not in it: see bench/run.sh.
"""
import argparse
import contextlib
import json
import os
import pathlib
import re
import select
import socket
import sys
import time

sys.dont_write_bytecode = True
import contestants
from contestants import Contestant, Setting
from stage import HOST, Stage, end_by_signal, fill, free_ports

FEW, MANY = 100, 600
TOLERANCE = 0.03
# A worker's rounds over all upstreams, each second, are in it: on a slow machine more of them fall into the same requests.
GROWTH = 0.08
NAMES = {"128": "128 B answer", "observed": "128 B answer, access log and tracing on", "reject": "rejection by an open breaker", "small": "128 B answer, routed by host and prefix",
         "large": "128 B answer, 1,000 upstreams × 10,000 routes", "several": "128 B answer, four endpoints and everything on",
         "several-eight": "128 B answer, 1 upstream × 8 endpoints and everything on",
         "several-large": "128 B answer, 1,000 upstreams × 8 endpoints and everything on"}
GROWS = {"large": "small", "several-large": "several-eight"}
ANSWER = (b"HTTP/1.1 200 OK\r\nServer: bench\r\nDate: Sat, 21 Nov 2026 12:00:00 GMT\r\n"
          b"Content-Type: application/octet-stream\r\nContent-Length: 128\r\n\r\n" + b"x" * 128)
# What the C library chooses by the processor at hand would make the figure a property of the machine.
TUNABLES = {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX512F,-AVX512VL,-AVX2,-AVX,-AVX_Fast_Unaligned_Load,-ERMS,-FSRM,-BMI1,-BMI2,-LZCNT,-MOVBE,-RTM"}


class Script:
    """Client and origin in lock-step."""

    def __init__(self, pid, host):
        self.status = [pathlib.Path(f"/proc/{pid}/task/{thread.name}/stat") for thread in pathlib.Path(f"/proc/{pid}/task").iterdir()]
        self.request = f"GET /b/128 HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
        self.connections = []

    def ticks(self):
        return [status.with_name("schedstat").read_text().split()[0] for status in self.status]

    def rest(self):
        """Waits until no thread of the proxy has run for a moment."""
        before = None
        while (now := self.ticks()) != before:
            before = now
            time.sleep(0.0006)

    def arrival(self, listeners):
        """The connection on which the proxy's request arrives."""
        while True:
            for ready in select.select([*listeners, *self.connections], [], [])[0]:
                if ready in self.connections:
                    return ready
                self.connections.append(ready.accept()[0])
                self.connections[-1].setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def exchange(self, client, listeners):
        """One request; no listeners where nothing may arrive at an origin."""
        client.sendall(self.request)
        if listeners:
            upstream = self.arrival(listeners)
            head_of(upstream)
            self.rest()
            upstream.sendall(ANSWER)
        head, body = head_of(client)
        length = int(re.search(rb"content-length: (\d+)", head, re.I)[1])
        while len(body) < length:
            body += client.recv(65536)
        self.rest()
        return head


def head_of(connection):
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            raise SystemExit("instructions: the proxy closed a connection")
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    return head, body


def endpoints_of(case):
    return contestants.SEVERAL[f"fusewire-{case}"][1] if case.startswith("several") else 1


def configuration(case, port, admin, origins):
    if case.startswith("several"):
        return contestants.several_configuration(port, admin, origins, contestants.SEVERAL[f"fusewire-{case}"][0]), "bench"
    if case in contestants.SIZES:
        return contestants.routed_configuration(port, admin, origins[0], *contestants.SIZES[case])
    # Of the requests counted none is sampled, most probably, and nobody collects.
    access, tracing = ("on", f"{{otlp_endpoint: 'http://{HOST}:1', sample_ratio: 0.000001}}") if case == "observed" else ("off", "off")
    text = fill("fusewire.yaml", {"PORT": port, "ADMIN": admin, "ORIGIN": origins[0], "WORKERS": 1, "ACCESS": access, "TRACING": tracing, "TLS": ""})
    return text, "bench"


def listen(stack):
    listener = stack.enter_context(socket.socket())
    listener.bind((HOST, 0))
    listener.listen()
    return listener


def count(fusewire, case, requests):
    """Instructions of each thread over its life, by the thread's number."""
    with Stage() as stage, contextlib.ExitStack() as stack:
        listeners = [listen(stack) for _ in range(endpoints_of(case))]
        port, admin = free_ports(2)
        text, host = configuration(case, port, admin, [one.getsockname()[1] for one in listeners])
        arguments = ["valgrind", "--tool=callgrind", "--separate-threads=yes", f"--callgrind-out-file={stage.folder}/count", str(fusewire),
                     "run", "-c", stage.write("fusewire.yaml", text)]
        process = stage.start(arguments, os.sched_getaffinity(0), port, TUNABLES)
        if case == "reject":
            contestants.force_open(Contestant(case, process, port, admin))
        send(Script(process.pid, host), port, listeners, case, requests)
        stage.stop(process)
        totals = {file.name: re.search(r"^totals: (\d+)", file.read_text(), re.M) for file in stage.folder.glob("count-*")}
        return {name: int(found[1]) for name, found in totals.items()}


def send(script, port, listeners, case, requests):
    expected, asked = (b" 503 ", []) if case == "reject" else (b" 200 ", listeners)
    with socket.create_connection((HOST, port)) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(requests):
            head = script.exchange(client, asked)
            if expected not in head.split(b"\r\n")[0]:
                raise SystemExit(f"instructions: not the answer that was expected: {head[:60]}")


def measure(fusewire):
    """Per request and case, of the worker: the thread that has more to do when there are more requests."""
    result = {}
    for case in ("128", "observed", "reject", "several", *GROWS.values()):
        few, many = count(fusewire, case, FEW), count(fusewire, case, MANY)
        worker = max(many, key=lambda thread: many[thread] - few[thread])
        result[case] = (many[worker] - few[worker]) / (MANY - FEW)
        for large in (large for large, small in GROWS.items() if small == case):
            # What the worker does once grows with the configuration, too, and is none of a request's.
            result[large] = (count(fusewire, large, MANY)[worker] - count(fusewire, large, FEW)[worker]) / (MANY - FEW)
    return {case: round(value) for case, value in result.items()}


def growth(measured):
    """Of each large configuration over its small one."""
    return {large: measured[large] / measured[small] - 1 for large, small in GROWS.items()}


def compare(measured, recorded):
    """Lines, and whether all is well."""
    good = True
    for case, value in measured.items():
        change = value / recorded[case] - 1
        verdict = "ok" if abs(change) <= TOLERANCE else "FAILED: more than before" if change > 0 else "FAILED: less than before; record it with --update"
        good = good and verdict == "ok"
        print(f"{NAMES[case]}: {value:,} instructions, recorded {recorded[case]:,}, {change:+.1%} (±{TOLERANCE:.0%}): {verdict}")
    return good


def main():
    parser = argparse.ArgumentParser(prog="bench/instructions.py", description=__doc__.split("\n")[0])
    parser.add_argument("--fusewire", metavar="BINARY", default="build/release/fusewire")
    parser.add_argument("--gate", metavar="FILE", help="fail where a figure is off the recorded one by more than 3 %%")
    parser.add_argument("--update", metavar="FILE", help="record the figures")
    chosen = parser.parse_args()
    end_by_signal()
    measured = measure(pathlib.Path(chosen.fusewire).resolve())
    good = compare(measured, json.loads(pathlib.Path(chosen.gate).read_text())) if chosen.gate else True
    if not chosen.gate:
        for case, value in measured.items():
            print(f"{NAMES[case]}: {value:,} instructions")
    for case, more in growth(measured).items():
        print(f"{NAMES[case]}: {more:+.1%} for the size of the configuration (at most {GROWTH:.0%}): {'ok' if more <= GROWTH else 'FAILED'}")
        good = good and more <= GROWTH
    if chosen.update:
        pathlib.Path(chosen.update).write_text(json.dumps(measured, indent=1) + "\n")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())

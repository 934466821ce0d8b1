# SPDX-License-Identifier: Apache-2.0
"""One round of load with wrk, the CPU time that a proxy took for it, and whether its answers are right."""
import dataclasses
import http.client
import json
import os
import pathlib
import re
import ssl
import subprocess

from stage import HERE, HOST

CONNECTIONS = 32


@dataclasses.dataclass
class Request:
    """What is sent, and what must come back."""
    path: str
    method: str = "GET"
    body: int = 0
    tls: bool = False
    host: str = ""
    status: int = 200
    length: int | None = None  # of the answer's body


@dataclasses.dataclass
class Round:
    cpu_us: float  # per request
    rate: float    # requests per second
    p50_us: float
    p99_us: float
    errors: int


def family(pid):
    """The process and its children: nginx has its workers there."""
    pids = [pid]
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(stat.read_text().rpartition(")")[2].split()[1]) == pid:
                pids.append(int(stat.parent.name))
        except OSError:
            pass
    return pids


def cpu_ns(pids):
    """User and system time of all threads, in nanoseconds; /proc/PID/stat counts in steps of 10 ms."""
    total = 0
    for pid in pids:
        for thread in pathlib.Path(f"/proc/{pid}/task").iterdir():
            total += int((thread / "schedstat").read_text().split()[0])
    return total


def ask(port, request):
    """One request on a connection of its own: status and body."""
    if request.tls:
        connection = http.client.HTTPSConnection(HOST, port, timeout=10, context=ssl._create_unverified_context())
    else:
        connection = http.client.HTTPConnection(HOST, port, timeout=10)
    headers = {"Host": request.host} if request.host else {}
    connection.request(request.method, request.path, b"x" * request.body if request.body else None, headers)
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response.status, body


def problem(port, request):
    """What is wrong with the answer; empty when nothing is."""
    status, body = ask(port, request)
    if status != request.status:
        return f"status {status} instead of {request.status}"
    if request.length is not None and len(body) != request.length:
        return f"{len(body)} bytes instead of {request.length}"
    return ""


def run(contestant, request, seconds, cores):
    scheme = "https" if request.tls else "http"
    environment = {**os.environ, "BENCH_METHOD": request.method, "BENCH_BODY": str(request.body), "BENCH_HOST": request.host}
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}", "-s", str(HERE / "load.lua"),
               f"{scheme}://{HOST}:{contestant.port}{request.path}"]
    pids = family(contestant.process.pid)
    before = cpu_ns(pids)
    shown = subprocess.run(command, env=environment, capture_output=True, text=True, check=True,
                           preexec_fn=lambda: os.sched_setaffinity(0, cores)).stdout
    spent = cpu_ns(pids) - before
    wrk = json.loads(re.search(r"RESULT (.*)", shown)[1])
    expected = wrk["requests"] if request.status >= 400 else 0
    errors = wrk["broken"] + wrk["timeouts"] + abs(wrk["status_errors"] - expected)
    return Round(spent / 1000 / max(1, wrk["requests"]), wrk["requests"] / wrk["us"] * 1e6, wrk["p50_us"], wrk["p99_us"], errors)

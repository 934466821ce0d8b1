# SPDX-License-Identifier: Apache-2.0
"""One round of load, the CPU time that a proxy took for it, and whether its answers are right.

with_wrk: kept connections, as fast as answers come · at_rate: a plan that does not wait for answers · by_handshakes: a TLS connection for each request.
"""
import dataclasses
import http.client
import json
import os
import pathlib
import re
import ssl
import subprocess
import time

from stage import HERE, HOST

CONNECTIONS = 32
HANDSHAKERS = 4  # clients that make one TLS connection after the other


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
    p999_us: float | None = None


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


def measured(contestant, work):
    """What `work` gives, and the CPU time that the proxy took meanwhile, in microseconds."""
    pids = family(contestant.process.pid)
    before = cpu_ns(pids)
    result = work()
    return result, (cpu_ns(pids) - before) / 1000


def start(command, cores, environment=None):
    return subprocess.Popen(command, env={**os.environ, **(environment or {})}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            preexec_fn=lambda: os.sched_setaffinity(0, cores))


def output(process):
    """All that it said, when it has ended well."""
    said, _ = process.communicate()
    if process.returncode:
        raise SystemExit(f"bench: {process.args[0]} failed:\n{said[-2000:]}")
    return said


def with_wrk(contestant, request, seconds, cores):
    scheme = "https" if request.tls else "http"
    environment = {"BENCH_METHOD": request.method, "BENCH_BODY": str(request.body), "BENCH_HOST": request.host}
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}", "-s", str(HERE / "load.lua"),
               f"{scheme}://{HOST}:{contestant.port}{request.path}"]
    said, spent = measured(contestant, lambda: output(start(command, cores, environment)))
    wrk = json.loads(re.search(r"RESULT (.*)", said)[1])
    expected = wrk["requests"] if request.status >= 400 else 0
    errors = wrk["broken"] + wrk["timeouts"] + abs(wrk["status_errors"] - expected)
    return Round(spent / max(1, wrk["requests"]), wrk["requests"] / wrk["us"] * 1e6, wrk["p50_us"], wrk["p99_us"], errors)


def at_rate(contestant, request, seconds, cores, rate, tool):
    """Latencies count from the moment that the plan has for a request."""
    command = [tool, contestant.port, request.path, request.length, rate, seconds, CONNECTIONS]
    said, spent = measured(contestant, lambda: output(start([str(word) for word in command], cores)))
    pace = json.loads(said)
    return Round(spent / max(1, pace["answered"]), pace["rate"], pace["p50_us"], pace["p99_us"], pace["planned"] - pace["answered"], pace["p999_us"])


def by_handshakes(contestant, request, seconds, cores):
    """Each request on a TLS connection of its own; no session is resumed."""
    command = ["openssl", "s_time", "-connect", f"{HOST}:{contestant.port}", "-new", "-tls1_3", "-time", str(seconds), "-www", request.path]
    began = time.monotonic()
    said, spent = measured(contestant, lambda: [output(one) for one in [start(command, cores) for _ in range(HANDSHAKERS)]])
    took = time.monotonic() - began
    made = sum(int(re.search(r"^(\d+) connections in [\d.]+s", one, re.M)[1]) for one in said)
    return Round(spent / max(1, made), made / took, None, None, sum("error" in one.lower() for one in said))


def negotiated(port):
    """TLS version, cipher suite and group that a client of OpenSSL's defaults gets."""
    done = subprocess.run(["openssl", "s_client", "-brief", "-connect", f"{HOST}:{port}"], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, check=False, timeout=10)
    said = done.stdout + done.stderr
    found = [re.search(f"^{label}: ([^,\n]*)", said, re.M) for label in ("Protocol version", "Ciphersuite", "Server Temp Key")]
    return " ".join(one[1] for one in found if one)

# SPDX-License-Identifier: Apache-2.0
"""What the load tests share: kept connections, and what the proxy holds."""
import os
import re
import socket
import time
import urllib.request


class Kept:
    """A client's connection."""

    def __init__(self, port, patience=10):
        self.socket = socket.create_connection(("127.0.0.1", port), patience)

    def ask(self):
        """On a connection that has ended the answer says so."""
        try:
            self.socket.sendall(b"GET /small HTTP/1.1\r\nHost: load\r\n\r\n")
        except OSError:
            pass

    def answer(self, patience=10):
        """The status of one whole answer; 0 where none came in time or the connection was closed."""
        self.socket.settimeout(patience)
        data = b""
        try:
            while b"\r\n\r\n" not in data:
                data += self._more()
            head, _, body = data.partition(b"\r\n\r\n")
            length = int(re.search(rb"content-length: (\d+)", head, re.I)[1])
            while len(body) < length:
                body += self._more()
        except OSError:
            return 0
        return int(head.split()[1])

    def _more(self):
        piece = self.socket.recv(65536)
        if not piece:
            raise ConnectionResetError
        return piece


def get(url):
    with urllib.request.urlopen(url, timeout=5) as response:
        return response.read().decode()


def gauge(admin, name):
    """The sum over its labels."""
    return sum(int(float(value)) for value in re.findall(rf"^{name}(?:\{{.*\}})? (\S+)$", get(f"{admin}/metrics"), re.M))


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def resident_kib(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", open(f"/proc/{pid}/status").read())[1])


def eventually(holds, patience=10):
    """Whether it holds by then."""
    end = time.monotonic() + patience
    while not (good := holds()) and time.monotonic() < end:
        time.sleep(0.02)
    return good


def leaked(pid, admin, before):
    """Descriptors over `before` and the upstream's kept connections, when all clients have gone."""
    over = 0

    def none():
        nonlocal over
        over = descriptors(pid) - before - gauge(admin, "fusewire_upstream_connections")
        return over <= 0 and gauge(admin, "fusewire_connections") == 0
    eventually(none)
    return over

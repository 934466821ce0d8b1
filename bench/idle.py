# SPDX-License-Identifier: Apache-2.0
"""Memory of a proxy per idle connection: what is resident and its own, before and after."""
import pathlib
import socket
import time

from load import family
from stage import HOST

REMEMBERED = 12_000  # requests: more than a proxy keeps to explain
REQUEST = b"GET /b/128 HTTP/1.1\r\nHost: bench\r\n\r\n"


def resident(pid):
    """Bytes: proportional set and what of it was swapped out."""
    total = 0
    for one in family(pid):
        for line in pathlib.Path(f"/proc/{one}/smaps_rollup").read_text().splitlines():
            if line.startswith(("Pss:", "SwapPss:")):
                total += int(line.split()[1]) * 1024
    return total


def ask(connection):
    connection.sendall(REQUEST)
    answer = b""
    while not answer.endswith(b"x" * 128):
        piece = connection.recv(4096)
        if not piece:
            raise SystemExit("bench: a connection that should be kept was closed")
        answer += piece


def use_once(port):
    """A connection that has had one answer and is kept."""
    connection = socket.create_connection((HOST, port), 10)
    ask(connection)
    return connection


def bytes_per_connection(contestant, count):
    kept = [use_once(contestant.port)]
    for _ in range(REMEMBERED):  # what is remembered of requests takes all the room that it ever will
        ask(kept[0])
    time.sleep(0.5)
    before = resident(contestant.process.pid)
    kept += [use_once(contestant.port) for _ in range(count)]
    time.sleep(1.5)
    after = resident(contestant.process.pid)
    for connection in kept:
        connection.close()
    return (after - before) / count

# SPDX-License-Identifier: Apache-2.0
"""One long stream through the proxy to a reader that takes it in bursts and stands still now and then. Called by slow_reader.sh.
    stream.py down|up PID PROXY_PORT UPSTREAM_PORT MIB        down: the client reads; up: the upstream does
"""
import multiprocessing
import random
import socket
import sys
import time

KIB, MIB = 1024, 1024 * 1024
PERIOD = 1048573  # of the bytes sent, a prime: a piece that is lost or doubled shifts all that follows
PIECE = 512 * KIB
LIMIT = 256 * KIB
PAUSES = 5
STILL, PATIENCE = 0.5, 10  # s: in each pause the sender must stand still for so long within so long
MOST_AHEAD = 128 * MIB  # what the kernel's four queues on the way may hold
BURST, BREATH = 64 * MIB, 0.005
PATTERN = random.Random(1).randbytes(PERIOD)
PATTERN += PATTERN[:PIECE]


def sender(connection, total, sent):
    """`sent` follows what the kernel has taken."""
    view, done = memoryview(PATTERN), 0
    while done < total:
        at = done % PERIOD
        done += connection.send(view[at:at + min(PIECE, total - done)])
        sent.value = done


def pause(sent, done):
    """Reads nothing until the sender stands still; says how far it was ahead then."""
    end, before, since = time.monotonic() + PATIENCE, sent.value, time.monotonic()
    while time.monotonic() - since < STILL:
        time.sleep(0.02)
        if sent.value != before:
            before, since = sent.value, time.monotonic()
        if since > end or before - done > MOST_AHEAD:
            raise SystemExit(f"FAILED: the sender went on while the reader stood still: {(before - done) // MIB} MiB ahead of {done} bytes")
    return before - done


def reader(connection, first, total, sent):
    """Reads and compares; says how far the sender was ahead in each pause."""
    buffer, done, ahead = bytearray(PIECE), 0, []
    next_pause, next_breath = total // (PAUSES + 1), BURST
    while done < total:
        piece = first or memoryview(buffer)[:connection.recv_into(buffer, min(PIECE, total - done))]
        first = b""
        at = done % PERIOD
        if not piece or bytes(piece) != PATTERN[at:at + len(piece)]:
            raise SystemExit(f"FAILED: other bytes than were sent, or none, behind byte {done}")
        done += len(piece)
        if done >= next_pause and done < total:
            next_pause += total // (PAUSES + 1)
            ahead.append(pause(sent, done))
        elif done >= next_breath:
            next_breath += BURST
            time.sleep(BREATH)
    return ahead


def read_head(connection):
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(KIB)
        if not piece:
            raise SystemExit("FAILED: closed before a head was whole")
        data += piece
    head, _, rest = data.partition(b"\r\n\r\n")
    return head, rest


def answer(length):
    return f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n".encode()


def serve_down(listener, totals, sent):
    for total in totals:
        connection, _ = listener.accept()
        read_head(connection)
        connection.sendall(answer(total))
        sender(connection, total, sent)
        connection.close()


def client_up(port, total, sent, accepted):
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(f"PUT /up HTTP/1.1\r\nHost: load\r\nContent-Length: {total}\r\n\r\n".encode())
        sender(connection, total, sent)
        head, _ = read_head(connection)
        accepted.value = head.startswith(b"HTTP/1.1 200 ")


def download(port, total, sent):
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"GET /down HTTP/1.1\r\nHost: load\r\n\r\n")
        head, rest = read_head(connection)
        if not head.startswith(b"HTTP/1.1 200 "):
            raise SystemExit(f"FAILED: {head[:80]}")
        return reader(connection, rest, total, sent)


def upload(port, listener, total, sent):
    accepted = multiprocessing.Value("b", False)
    client = multiprocessing.Process(target=client_up, args=(port, total, sent, accepted), daemon=True)
    client.start()
    connection, _ = listener.accept()
    with connection:
        _, rest = read_head(connection)
        ahead = reader(connection, rest, total, sent)
        connection.sendall(answer(0))
    client.join(30)
    if not accepted.value:
        raise SystemExit("FAILED: the client was not notified of the upload's success")
    return ahead


def anonymous(pid):
    """Bytes that are the process' own: code that is touched for the first time is not a connection's."""
    for line in open(f"/proc/{pid}/smaps_rollup"):
        if line.startswith("Pss_Anon:"):
            return int(line.split()[1]) * KIB
    raise SystemExit("FAILED: no Pss_Anon here")


def watch(pid, peak, samples):
    while True:
        peak.value = max(peak.value, anonymous(pid))
        samples.value += 1
        time.sleep(0.005)


def main():
    way, pid, port, upstream, mib = sys.argv[1], *map(int, sys.argv[2:])
    small, total = 128, mib * MIB
    sent, peak, samples = (multiprocessing.Value("Q", 0) for _ in range(3))
    listener = socket.create_server(("127.0.0.1", upstream))
    if way == "down":
        multiprocessing.Process(target=serve_down, args=(listener, (small, total), sent), daemon=True).start()
        run = lambda size: download(port, size, sent)
    else:
        run = lambda size: upload(port, listener, size, sent)
    run(small)
    time.sleep(0.5)
    idle = anonymous(pid)
    multiprocessing.Process(target=watch, args=(pid, peak, samples), daemon=True).start()
    began = time.monotonic()
    ahead = run(total)
    took = time.monotonic() - began
    grown = max(0, peak.value - idle)
    print(f"{way}: {mib} MiB in {took:.0f} s, same bytes; in {len(ahead)} pauses the sender stood still, {max(ahead) / MIB:.1f} MiB ahead at most "
          f"(the kernel's buffers); the proxy's memory grew by {grown // KIB} KiB at most, {samples.value} samples")
    if grown > LIMIT:
        raise SystemExit(f"FAILED: more than {LIMIT // KIB} KiB for one connection")


if __name__ == "__main__":
    main()

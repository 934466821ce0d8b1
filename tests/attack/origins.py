# SPDX-License-Identifier: Apache-2.0
"""Upstreams: one that behaves, one that does not, and one that authenticates connections."""

import asyncio
import random
import socket
import struct


def reset(writer):
    """Closes with RST instead of FIN."""
    sock = writer.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def read_head(reader):
    head = await reader.readuntil(b"\r\n\r\n")
    line, *fields = head.decode("latin-1").split("\r\n")
    method, target, _ = line.split(" ", 2)
    pairs = [field.split(":", 1) for field in fields if ":" in field]
    return method, target, {name.lower(): value.strip() for name, value in pairs}


def answer(status, body, *fields):
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *fields, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


async def good(reader, writer):
    """Says what it was asked. Gives up an upload that stands still for a second, and a reader that takes nothing for two."""
    try:
        while True:
            method, target, fields = await read_head(reader)
            left = int(fields.get("content-length", "0"))
            while left > 0:
                piece = await asyncio.wait_for(reader.read(min(left, 65536)), 1.2)
                if not piece:
                    return
                left -= len(piece)
            if "/big" in target:
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 8000000\r\n\r\n")
                for _ in range(80):
                    writer.write(b"x" * 100000)
                    await asyncio.wait_for(writer.drain(), 2)
                continue
            body = f"{method} {target} host={fields.get('host', '')}".encode("latin-1")
            writer.write(answer("200 OK", b"" if method == "HEAD" else body, "Cache-Control: max-age=1"))
            await writer.drain()
    except asyncio.TimeoutError:
        if random.random() < 0.5:
            writer.write(answer("408 Request Timeout", b"", "Connection: close"))
            writer.close()
        else:
            reset(writer)
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError, ValueError):
        pass
    finally:
        writer.close()


# What an impatient or broken upstream says; b"RST" resets, b"HANG" says nothing more for a while.
BEHAVIOURS = [
    [b"RST"],
    [b"HANG"],
    [b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", b"RST"],
    [b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"],
    [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n"],
    [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;;=\r\nhello\r\n0\r\n\r\n"],
    [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nContent-Length: 3\r\nHost: x\r\n\r\n"],
    [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc"],
    [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"],
    [b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70000 + b"\r\n\r\n"],
    [b"HTTP/1.1 200 OK\r\n" + b"".join(b"F%d: v\r\n" % i for i in range(300)) + b"\r\n"],
    [b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100],
    [b"garbage\r\n\r\n"],
    [b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", b"HANG"],
    [b"HTTP/1.1 200 OK\r\n\r\nuntil the end"],
    [b"HTTP/1.1 200 OK\r\n\r\nuntil", b"RST"],
    [b"HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 2\r\n\r\nok", b"HANG"],
    [b"HTTP/1.1 503 No\r\nProxy-Status: x; error=destination_unavailable\r\nContent-Length: 0\r\n\r\n"],
    [b"HTTP/1.1 200 OK\r\nTrailer: X\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\na\r\n" * 50, b"HANG"],
]


async def hostile(reader, writer):
    try:
        for _ in range(random.choice([1, 1, 3])):
            await read_head(reader)
            for part in random.choice(BEHAVIOURS):
                if part == b"RST":
                    return reset(writer)
                if part == b"HANG":
                    await asyncio.sleep(random.uniform(0.2, 3))
                else:
                    writer.write(part)
                    await writer.drain()
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError, ValueError):
        pass
    finally:
        writer.close()
    return None


async def ntlm(reader, writer):
    """Authenticates its connection, as NTLM does: who has spoken the third leg on it is its user from then on."""
    user = "nobody"
    try:
        while True:
            _, _, fields = await read_head(reader)
            credentials = fields.get("authorization", "")
            if credentials.startswith("NTLM leg1"):
                writer.write(answer("401 Unauthorized", b"", "WWW-Authenticate: NTLM challenge"))
            else:
                if credentials.startswith("NTLM leg3-"):
                    user = credentials[len("NTLM leg3-"):]
                writer.write(answer("200 OK", user.encode(), "Cache-Control: no-store"))
            await writer.drain()
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError, ValueError):
        pass
    finally:
        writer.close()

# SPDX-License-Identifier: Apache-2.0
"""Endpoints that lie at every step of an exchange, as often as the caller asks. A true answer says what was asked, so
that a client knows its own."""

import asyncio
import random

import origins

RETRY_AFTER = ["999999999999999999999", "-1", "0", "1", "Thu, 01 Jan 1970 00:00:00 GMT", "soon", ""]
CACHING = ["Cache-Control: max-age=1", "Cache-Control: no-store", "X-Nothing: said"]


def half(truth):
    return truth[:random.randint(1, max(1, len(truth) - 1))]


def chunked(body, trailers=b""):
    return (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n" % len(body) + body + b"\r\n0\r\n"
            + trailers + b"\r\n")


def lies(truth, body):
    """Each is a list of what is sent: bytes, seconds to wait, or how the connection ends. Without an end it is kept."""
    failed = origins.answer(f"{random.choice([500, 502, 503, 504, 599])} No", b"failed", "Cache-Control: max-age=1000",
                            f"Retry-After: {random.choice(RETRY_AFTER)}")
    interim = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    pause = random.uniform(0, 0.8)
    return [
        ["reset"],
        [pause, "reset"],
        ["close"],
        [half(truth), pause, "reset"],
        [half(truth), pause, "close"],
        [truth, pause / 20, "reset"],
        [truth, "close"],
        [truth + origins.answer("200 OK", b"poison"), "close"],
        [pause, truth],
        [pause * 3, truth],
        [failed],
        [failed],
        [origins.answer(f"{random.choice([400, 404, 408, 421, 425, 429, 501])} No", b"refused")],
        [interim * random.choice([1, 64, 65]) + truth],
        [interim, "reset"],
        [b"HTTP/1.1 100 Continue\r\n\r\n" + truth],
        [chunked(body, b"X-Checked: 1\r\nContent-Length: 5\r\n")],
        [chunked(body)[:-5], pause, "reset"],
        [b"nonsense\r\n\r\n", "close"],
        [b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", "close"],
        [origins.answer("200 OK", body, "Keep-Alive: timeout=" + random.choice(["0", "-5", "99999999999999999999"]))],
    ]


class Liar:
    """One endpoint; `share` of its answers are lies."""

    def __init__(self, share):
        self.share = share
        self.server = None
        self.port = 0

    async def listen(self):
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", self.port)
        self.port = self.server.sockets[0].getsockname()[1]

    def listens(self):
        return self.server.is_serving()

    async def serve(self, reader, writer):
        try:
            while await self.exchange(reader, writer):
                await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError, ValueError):
            pass
        finally:
            writer.close()

    async def exchange(self, reader, writer):
        method, target, fields = await origins.read_head(reader)
        await reader.readexactly(int(fields.get("content-length", "0")))
        body = f"{method} {target} of {fields.get('host')}".encode()
        truth = origins.answer("200 OK", body, random.choice(CACHING))
        if method == "HEAD":
            writer.write(truth[:-len(body)])
            return True
        if random.random() >= self.share:
            writer.write(truth)
            return True
        for part in random.choice(lies(truth, body)):
            if isinstance(part, bytes):
                writer.write(part)
                await writer.drain()
            elif isinstance(part, float):
                await asyncio.sleep(part)
            elif part == "reset":
                origins.reset(writer)
                return False
            else:
                return False
        return True

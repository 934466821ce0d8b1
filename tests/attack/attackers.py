# SPDX-License-Identifier: Apache-2.0
"""Clients and neighbours that mean harm. Each is one bounded act; run.py repeats them while it has time."""

import asyncio
import random

from origins import reset

SHORT = 6


async def dial(port):
    return await asyncio.wait_for(asyncio.open_connection("127.0.0.1", port), SHORT)


async def quietly(act):
    try:
        await act
    except (OSError, asyncio.TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        pass


def end(writer):
    reset(writer) if random.random() < 0.5 else writer.close()


async def say(port, text, wait=0.2, close=True):
    """Sends, reads what comes for a moment, leaves."""
    _, writer = await dial(port)
    writer.write(text)
    await asyncio.sleep(random.uniform(0, wait))
    if close:
        end(writer)
    return writer


async def slow_upload(ports):
    _, writer = await dial(ports.main)
    writer.write(b"POST /slow/upload HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n")
    for _ in range(random.randint(1, 4)):
        writer.write(b"drop")
        await asyncio.sleep(random.uniform(0.3, 2))
    end(writer)


async def slow_reader(ports):
    _, writer = await dial(ports.main)
    writer.transport.pause_reading()
    writer.write(b"GET /slow/big/%d HTTP/1.1\r\nHost: a\r\n\r\n" % random.randint(0, 9))
    await asyncio.sleep(random.uniform(1, 4))
    end(writer)


async def poison(ports):
    victim = b"/good/v%d" % random.randint(0, 19)
    targets = [b"http://shop?x=http://evil" + victim, b"http://evil" + victim, b"/good/../good" + victim,
               b"http://x@evil" + victim, b"/good/?://" + victim, b"http://evil:80" + victim, b"//evil" + victim]
    fields = [b"", b"X-Forwarded-Host: evil\r\n", b"X_Forwarded_Host: evil\r\n", b"Connection: X-Forwarded-For\r\n",
              b"Range: bytes=0-1\r\n", b"Cookie: a=1\r\n", b"Accept-Encoding: evil\r\n", b"Forwarded: host=evil\r\n"]
    host = random.choice([b"victim", b"evil", b"victim:80", b"VICTIM", b"victim."])
    text = b"GET " + random.choice(targets) + b" HTTP/1.1\r\nHost: " + host + b"\r\n" + random.choice(fields) + b"\r\n"
    await say(ports.main, text * random.randint(1, 3))


async def pipeline(ports):
    await say(ports.main, b"GET /good/flood HTTP/1.1\r\nHost: a\r\n\r\n" * 1500, 1)


async def own_answers(ports):
    await say(ports.main, b"GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n" * 1500, 1)


async def hostile_upstream(ports):
    method = random.choice([b"GET", b"HEAD", b"POST", b"PUT"])
    body = b"Content-Length: 3\r\n\r\nabc" if method in (b"POST", b"PUT") else b"\r\n"
    await say(ports.main, method + b" /hostile HTTP/1.1\r\nHost: a\r\n" + body, 1)


async def garbage(ports):
    await say(random.choice([ports.main, ports.probes, ports.admin]), random.randbytes(random.randint(1, 3000)))


async def half_head(ports):
    _, writer = await dial(random.choice([ports.main, ports.probes]))
    writer.write(b"GET /good/x HTTP/1.1\r\nHost: a\r\nX: ")
    await asyncio.sleep(random.uniform(0.5, 4))
    end(writer)


async def idle(ports):
    _, writer = await dial(ports.main)
    await asyncio.sleep(random.uniform(1, 8))
    end(writer)


async def half_closed(ports):
    reader, writer = await dial(ports.main)
    writer.write(b"GET /good/half HTTP/1.1\r\nHost: a\r\n\r\n")
    writer.write_eof()
    await asyncio.wait_for(reader.read(4096), 3)
    end(writer)


async def large_before_reading(ports):
    _, writer = await dial(ports.main)
    writer.write(b"POST /nowhere HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n" + b"x" * 500000)
    await asyncio.sleep(random.uniform(0, 1))
    end(writer)


async def probe_body(ports):
    _, writer = await dial(ports.probes)
    writer.write(b"POST /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 200000)
    await asyncio.sleep(random.uniform(0.5, 3))
    end(writer)


async def scrape(ports):
    await say(random.choice([ports.probes, ports.admin]), b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 0.5)


async def upgrade(ports):
    await say(ports.main, b"GET /hostile HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
              + b"z" * random.randint(0, 50000), 1)


async def authenticate(ports):
    """Speaks both legs of a handshake, and stays for a moment so that its connection could be mistaken for a free one."""
    name = b"mallory%d" % random.randint(0, 999)
    reader, writer = await dial(ports.main)
    for leg in (b"leg1", b"leg3-" + name):
        writer.write(b"GET /ntlm HTTP/1.1\r\nHost: a\r\nAuthorization: NTLM " + leg + b"\r\n\r\n")
        await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), SHORT)
    await asyncio.sleep(random.uniform(0, 1))
    end(writer)


ALL = [slow_upload, slow_reader, poison, pipeline, own_answers, hostile_upstream, garbage, half_head, idle, half_closed,
       large_before_reading, probe_body, scrape, upgrade, authenticate]

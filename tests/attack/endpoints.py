#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Attacks what several endpoints bring: breakers of their own, retries, queues, rates, fallbacks, while endpoints lie and
go, and a reload every 200 ms changes everything about them. Whatever comes, an answer is well formed, in time and the
client's own; afterwards nothing is held.

Usage: endpoints.py FUSEWIRE [SECONDS, default 8] [SEED]. Loopback only; ports of the kernel's choice."""

import asyncio
import collections
import json
import os
import random
import sys
import tempfile
import time

import attackers
import liars
import shifting
from run import free_ports

PATIENCE = 9  # seconds; the total timeout is 3


async def read_answer(reader, method):
    """Status, fields and body of the final response."""
    status = 100
    while status < 200:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        status = int(head[0].split()[1])
        if status == 101:
            raise ValueError("a switch of protocols that nobody asked for")
    fields = dict((name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in head[1:] if line))
    if method == "HEAD" or status in (204, 304):
        return status, fields, b""
    if fields.get("transfer-encoding") != "chunked":
        return status, fields, await reader.readexactly(int(fields["content-length"]))
    body = b""
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    while await reader.readuntil(b"\r\n") != b"\r\n":
        pass
    return status, fields, body


class Attack:
    def __init__(self, binary, seconds):
        self.binary = binary
        self.until = time.monotonic() + seconds
        self.folder = tempfile.mkdtemp(prefix="fusewire-attack-")
        self.path = os.path.join(self.folder, "fusewire.yaml")
        self.main, self.admin = free_ports(2)
        self.liars = [liars.Liar(share) for share in (0, 0.1, 0.5, 0.9, 0.3, 0.05)]
        self.faults = {}
        self.counts = collections.Counter()
        self.process = None

    def over(self):
        return time.monotonic() >= self.until

    def fault(self, what, example):
        self.counts["FAULT " + what] += 1
        self.faults.setdefault(what, example)

    # ---------------------------------------------------------------------------------------------- clients

    def request(self):
        method = random.choice(["GET"] * 6 + ["HEAD", "POST", "PUT", "DELETE"])
        target = f"/{random.choice(shifting.UPSTREAMS)}/{random.randint(0, 30)}"
        host = random.choice(["h1", "h2"])
        text = f"{method} {target} HTTP/1.1\r\nHost: {host}\r\nX-User: {random.randint(0, 5)}\r\n"
        text += random.choice(["", "", f"Cookie: sid={random.randint(0, 9)}\r\n"])
        text += random.choice(["", "", f"X-Request-Timeout-Ms: {random.choice([0, 1, 50, 5000])}\r\n"])
        text += random.choice(["", "", f"X-Priority: {random.choice([-5, 10, 99999999999])}\r\n"])
        text += "Content-Length: 3\r\n\r\nabc" if method in ("POST", "PUT") else "\r\n"
        return method, text.encode(), f"{method} {target} of {host}".encode()

    async def victim(self):
        reader = writer = None
        while not self.over():
            method, text, expected = self.request()
            began = time.monotonic()
            try:
                if writer is None:
                    reader, writer = await attackers.dial(self.main)
                writer.write(text)
                status, fields, body = await asyncio.wait_for(read_answer(reader, method), PATIENCE)
                self.judge(method, status, fields, body, expected)
                closes = fields.get("connection", "").lower() == "close"
            except asyncio.TimeoutError:
                self.fault("no answer in time", text)
                closes = True
            except (asyncio.IncompleteReadError, ConnectionError):
                closes = True  # the endpoint broke off, and that is not covered up
                self.counts["broken off"] += 1
            except (KeyError, ValueError) as error:
                self.fault(f"malformed: {error}", text)
                closes = True
            if closes and writer is not None:
                writer.close()
                writer = None
            self.counts["slowest answer, ms"] = max(self.counts["slowest answer, ms"],
                                                    int(1000 * (time.monotonic() - began)))
            await asyncio.sleep(random.uniform(0, 0.02))
        if writer is not None:
            writer.close()

    def judge(self, method, status, fields, body, expected):
        self.counts[status] += 1
        if method == "HEAD":
            return
        if fields.get("content-type") == "application/problem+json":
            problem = json.loads(body)
            if problem["status"] != status:
                self.fault("a status line that says something else than its body", (status, body))
            if b"127.0.0.1" in body or b"localhost" in body:
                self.fault("an address in an error", body)
        elif status == 200 and body != expected or status == 203 and body != b"static":
            self.fault("somebody else's answer", (status, fields, body[:200], expected))

    async def leaver(self):
        while not self.over():
            path = f"/{random.choice(shifting.UPSTREAMS)}/1 HTTP/1.1\r\nHost: h1\r\n".encode()
            text = random.choice([(b"GET " + path + b"\r\n") * random.randint(1, 30),
                                  b"POST " + path + b"Content-Length: 10\r\n\r\nabc",
                                  b"POST " + path + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
                                  b"POST " + path + b"Expect: 100-continue\r\nContent-Length: 10\r\n\r\n"])
            await attackers.quietly(attackers.say(self.main, text, random.choice([0.01, 0.2, 1.5])))

    # ---------------------------------------------------------------------------------------------- the others

    def write_config(self):
        with open(self.path + ".new", "w", encoding="utf-8") as file:
            file.write(shifting.config(self.main, self.admin, [liar.port for liar in self.liars]))
        os.replace(self.path + ".new", self.path)

    async def operator(self):
        while not self.over():
            self.write_config()
            status, body = await self.ask("POST", "/admin/config/reload")
            if status != 200:
                self.fault(f"a reload is answered {status}", body[:300])
            name, act = random.choice("abcde"), random.choice(["reset", "force-open?for=100ms", "release"])
            await self.ask("POST", f"/admin/circuit-breakers/{name}/{act}")
            await asyncio.sleep(0.2)

    async def neighbour(self):
        while not self.over():
            for path in ("upstreams", "circuit-breakers", "events", "config", "cache"):
                status, body = await self.ask("GET", f"/admin/{path}")
                if status != 200 or not json.loads(body):
                    self.fault(f"/admin/{path} is answered {status}", body[:300])
            await asyncio.sleep(0.3)

    async def flap(self):
        while not self.over():
            await asyncio.sleep(random.uniform(0.3, 1))
            liar = random.choice(self.liars)
            liar.share = random.choice([0, 0, 0.1, 0.5, 1])
            if not liar.listens():
                await attackers.quietly(liar.listen())  # its port may be taken
            elif random.random() < 0.3:
                liar.server.close()

    # ---------------------------------------------------------------------------------------------- the whole

    async def ask(self, method, path):
        reader, writer = await attackers.dial(self.admin)
        try:
            writer.write(f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer t\r\n"
                         "Content-Length: 0\r\nConnection: close\r\n\r\n".encode())
            status, _, body = await asyncio.wait_for(read_answer(reader, method), PATIENCE)
            return status, body
        finally:
            writer.close()

    async def start(self):
        for liar in self.liars:
            await liar.listen()
        self.write_config()
        log = open(os.path.join(self.folder, "log"), "wb")  # pylint: disable=consider-using-with
        self.process = await asyncio.create_subprocess_exec(self.binary, "run", "-c", self.path, stdout=log, stderr=log)
        for _ in range(200):
            try:
                if (await self.ask("GET", "/admin/ready"))[0] == 200:
                    return
            except OSError:
                pass
            await asyncio.sleep(0.05)
        raise SystemExit(f"fusewire does not start: see {self.folder}/log")

    async def run(self):
        await self.start()
        people = [self.operator(), self.neighbour(), self.flap()]
        people += [self.victim() for _ in range(16)] + [self.leaver() for _ in range(8)]
        await asyncio.gather(*people)
        await asyncio.sleep(4)  # until the last of what they began is over
        _, upstreams = await self.ask("GET", "/admin/upstreams")
        for one in json.loads(upstreams)["upstreams"]:
            held = [one["concurrent_requests"], one["queued_requests"], one["connections"]["active"]]
            held += [state["in_flight"] for endpoint in one["endpoints"] for state in endpoint["address_states"]]
            if any(held):
                self.fault("something is held when all are gone", (one["upstream"], held))
        _, breakers = await self.ask("GET", "/admin/circuit-breakers")
        for one in json.loads(breakers)["circuit_breakers"]:
            if one["half_open"]["in_flight"]:
                self.fault("a half-open slot is held when all are gone", one["name"])
        self.process.terminate()
        status = await asyncio.wait_for(self.process.wait(), 30)
        if status != 0:
            self.fault(f"exit status {status}", self.folder)


def main():
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 8
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else random.randrange(10**6)
    random.seed(seed)
    print(f"seed {seed}")
    attack = Attack(os.path.abspath(sys.argv[1]), seconds)
    asyncio.run(attack.run())
    for what, count in sorted(attack.counts.items(), key=str):
        print(f"{count:8} {what}")
    for what, example in attack.faults.items():
        print(f"FAULT: {what}, such as {example!r}")
    if attack.faults:
        raise SystemExit(f"the attack found something; log: {attack.folder}/log")
    print("nothing found")


main()

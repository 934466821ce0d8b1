#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Attacks a running Fusewire for a while, as clients, as a neighbour at the probes' port, as an impatient upstream and
by a reload every 200 ms, while victims use it: each of their requests must get its own right answer in time.

Usage: run.py FUSEWIRE [SECONDS, default 20] [SEED]. Loopback only; ports of the kernel's choice."""

import asyncio
import collections
import json
import os
import random
import signal
import socket
import sys
import tempfile
import time
import types

import attackers
import origins

PATIENCE = 5  # seconds that a victim waits for its answer; the attack shares its two cores

CONFIG = """
listeners:
  - name: {name}
    address: 127.0.0.1:{main}
    client_half_close: {half_close}
    limits: {{max_connections: 150, head_timeout: 3s, idle_timeout: 30s, max_body: {max_body}MiB}}
    routes:
      - {{match: {{path_prefix: /good}}, upstream: good}}
      - {{match: {{path_prefix: /slow}}, upstream: slow}}
      - {{match: {{path_prefix: /ntlm}}, upstream: ntlm}}
      - {{match: {{path_prefix: /hostile}}, upstream: hostile}}
upstreams:
  good: {{endpoints: [http://127.0.0.1:{good}], cache: {{serve: normal}}, timeouts: {{response: {response}ms}}}}
  slow: {{endpoints: ["http://localhost:{good}"], fallback: {{chain: []}}}}
  ntlm: http://127.0.0.1:{ntlm}
  hostile: {{endpoints: [http://127.0.0.1:{hostile}], timeouts: {{response: 1s, idle: 2s, keep_alive: 10s}},
            circuit_breaker: {{transitions: {{open_timeout: 100ms, backoff: {{max: 200ms}}}}}}}}
admin: {{address: "127.0.0.1:{admin}", probes: "127.0.0.1:{probes}"}}
log: {{level: warn}}
runtime: {{workers: 2}}
"""


def free_ports(count):
    held = [socket.socket() for _ in range(count)]
    for one in held:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


class Attack:
    def __init__(self, binary, seconds):
        self.binary = binary
        self.until = time.monotonic() + seconds
        self.folder = tempfile.mkdtemp(prefix="fusewire-attack-")
        self.path = os.path.join(self.folder, "fusewire.yaml")
        self.ports = types.SimpleNamespace(**dict(zip(["main", "admin", "probes"], free_ports(3))))
        self.faults = collections.Counter()
        self.counts = collections.Counter()
        self.examples = collections.Counter()
        self.worst = 0.0
        self.process = None

    def over(self):
        return time.monotonic() >= self.until

    def fault(self, what):
        self.faults[what] += 1

    # ---------------------------------------------------------------------------------------------- the proxy

    def write_config(self, turn):
        text = CONFIG.format(name=["main", "front"][turn % 3 == 0], half_close=["abort", "answer"][turn % 5 == 0],
                             max_body=1 + turn % 7, response=4000 + turn % 100, **vars(self.ports))
        with open(self.path + ".new", "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(self.path + ".new", self.path)

    async def start(self):
        for name in ("good", "hostile", "ntlm"):
            server = await asyncio.start_server(getattr(origins, name), "127.0.0.1", 0)
            setattr(self.ports, name, server.sockets[0].getsockname()[1])
        self.write_config(1)
        log = open(os.path.join(self.folder, "log"), "wb")  # pylint: disable=consider-using-with
        self.process = await asyncio.create_subprocess_exec(self.binary, "run", "-c", self.path, stdout=log, stderr=log)
        for _ in range(200):
            try:
                if await self.ask("admin", "/admin/ready"):
                    return
            except OSError:
                await asyncio.sleep(0.05)
        raise SystemExit(f"fusewire does not start: see {self.folder}/log")

    async def ask(self, port, path):
        """Status and body of one GET on a connection of its own."""
        reader, writer = await attackers.dial(getattr(self.ports, port))
        try:
            writer.write(f"GET {path} HTTP/1.1\r\nHost: {'victim' if port == 'main' else '127.0.0.1'}\r\n"
                         "Connection: close\r\n\r\n".encode())
            head, _, body = (await asyncio.wait_for(reader.read(-1), PATIENCE)).partition(b"\r\n\r\n")
            if b"chunked" in head:
                body = b"".join(part.split(b"\r\n", 1)[1] for part in [body])
            return int(head.split()[1]), body
        finally:
            writer.close()

    def memory(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            return int(next(line for line in status if line.startswith("VmRSS")).split()[1])

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    # ---------------------------------------------------------------------------------------------- who is there

    async def victim(self, port, path, check, pause=0.02):
        while not self.over():
            began = time.monotonic()
            target = path()
            try:
                status, body = await self.ask(port, target)
                if not check(status, target, body):
                    self.fault(f"{port} /{target.split('/')[1]}: wrong answer {status}")
                    self.examples[f"{port} {target} {status} {body[:200]!r}"] += 1
            except (OSError, asyncio.TimeoutError, IndexError, ValueError) as error:
                self.fault(f"{port} /{target.split('/')[1]}: no answer ({type(error).__name__})")
            self.worst = max(self.worst, time.monotonic() - began)
            self.counts["victims' requests"] += 1
            await asyncio.sleep(pause)

    async def attacker(self):
        while not self.over():
            act = random.choice(attackers.ALL)
            await attackers.quietly(act(self.ports))
            self.counts[act.__name__] += 1

    async def operator(self):
        turn = 0
        while not self.over():
            turn += 1
            self.write_config(turn)
            if turn % 2:
                self.process.send_signal(signal.SIGHUP)
            self.counts["reloads"] += 1
            await asyncio.sleep(0.2)

    # ---------------------------------------------------------------------------------------------- the whole

    async def run(self):
        await self.start()
        before = self.descriptors()
        good = lambda: f"/good/v{random.randint(0, 19)}"  # noqa: E731
        tasks = [self.victim("main", good, lambda s, t, b: s == 200 and b == f"GET {t} host=victim".encode())
                 for _ in range(3)]
        tasks.append(self.victim("main", lambda: "/slow/x", lambda s, t, b: s == 200 and b.startswith(b"GET /slow/x "), 1.5))
        tasks.append(self.victim("main", lambda: "/ntlm/", lambda s, t, b: s == 200 and b == b"nobody"))
        tasks.append(self.victim("probes", lambda: "/admin/health", lambda s, t, b: s == 200))
        tasks.append(self.victim("admin", lambda: "/admin/ready", lambda s, t, b: s == 200))
        tasks.append(self.operator())
        tasks += [self.attacker() for _ in range(60)]
        await asyncio.gather(*tasks)
        await asyncio.sleep(9)  # until the last of them has left
        await self.aftermath(before)

    async def aftermath(self, before):
        for name in ("good", "slow", "ntlm"):
            _, body = await self.ask("admin", f"/admin/circuit-breakers/{name}")
            breaker = json.loads(body)
            if breaker["totals"]["trips"]:
                self.fault(f"a client has opened the breaker of {name}: {breaker['last_trip']}")
        memory, after = self.memory(), self.descriptors()
        if memory > 150_000:
            self.fault(f"{memory} KiB of memory")
        if after > before + 40:
            self.fault(f"{after} descriptors, {before} at the start")
        self.process.terminate()
        status = await asyncio.wait_for(self.process.wait(), 30)
        if status != 0:
            self.fault(f"exit status {status}")
        for what, count in sorted(self.counts.items()):
            print(f"{count:8} {what}")
        print(f"longest wait of a victim {self.worst * 1000:.0f} ms, memory {memory} KiB, "
              f"descriptors {before} -> {after}")


def main():
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 20
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else random.randrange(10**6)
    random.seed(seed)
    print(f"seed {seed}")
    attack = Attack(os.path.abspath(sys.argv[1]), seconds)
    asyncio.run(attack.run())
    for what, count in attack.faults.items():
        print(f"FAULT ({count} times): {what}")
    for example, _ in attack.examples.most_common(3):
        print(f"  such as: {example}")
    if attack.faults:
        raise SystemExit(f"the attack found something; log: {attack.folder}/log")
    print("nothing found")


if __name__ == "__main__":
    main()

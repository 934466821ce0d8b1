# SPDX-License-Identifier: Apache-2.0
"""Plays one scenario with one proxy: starts endpoints, proxy and client, and reads what they wrote."""
import os
import pathlib
import subprocess
import tempfile
import time

import records
from proxies import COMMANDS, Upstream
from stage import Stage, free_ports

if os.path.isdir("/dev/shm"):
    tempfile.tempdir = "/dev/shm"  # logs and nginx's cache: no disk is to be measured

PATIENCE = 60  # seconds after the script's end until a client counts as stuck
DISTURBED = 0.15  # seconds without the processor that make a run void
VOID = 5          # such runs of a scenario, at most
PAUSE = 5         # seconds until the next one
LEAD = 0.3  # seconds between the start of the processes and that of the script


class Play:
    """One run; its processes end with the `with` block."""

    def __init__(self, scenario, contestant, binary, tools):
        self.scenario, self.contestant = scenario, contestant
        self.binary, self.tools = binary, pathlib.Path(tools)
        self.seconds = 0.0

    def run(self):
        with Stage() as stage:
            endpoints, ports, sees_wire = self.start_endpoints(stage)
            upstreams = self.upstreams(ports)
            (port,) = free_ports(1)
            proxy = None
            if self.contestant in COMMANDS:
                command = COMMANDS[self.contestant](stage, self.binary, port, upstreams)
                proxy = stage.start(command, os.sched_getaffinity(0), port)
            start = time.monotonic_ns() + int(LEAD * 1e9)
            endpoints.stdin.write(f"start {start}\n")
            endpoints.stdin.flush()
            client_log = self.play(stage, self.plan(port, upstreams), start)
            died = proxy is not None and proxy.poll() is not None
            endpoints.stdin.close()
            if endpoints.wait(10) != 0:
                raise SystemExit("chaos: the endpoints have failed")
            endpoints.stdout.close()
            return records.read(client_log, stage.folder / "endpoints.log", sees_wire=sees_wire, proxy_died=died)

    def start_endpoints(self, stage):
        lives = [life for lives in self.scenario.upstreams.values() for life in lives]
        script = stage.write("script", "\n".join(life.script() for life in lives) + "\n")
        process = subprocess.Popen([self.tools / "chaos_endpoints", script, stage.folder / "endpoints.log"], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, text=True, start_new_session=True)
        stage.processes.append(process)
        _, *ports = process.stdout.readline().split()
        sees_wire = bool(ports) and ports[-1] == "wire"
        return process, [int(p) for p in ports if p != "wire"], sees_wire

    def upstreams(self, ports):
        found, left = [], list(ports)
        for name, lives in self.scenario.upstreams.items():
            mine, left = left[:len(lives)], left[len(lives):]
            cacheable = any(one.upstream == name and one.keys for one in self.scenario.streams)
            found.append(Upstream(name, mine, cacheable))
        return found

    def plan(self, port, upstreams):
        lines, own = [], {one.name: one.ports for one in upstreams}
        for seed, one in enumerate(self.scenario.streams, 1):
            to = own[one.upstream][0] if one.direct else port
            lines.append(f"stream {to} {one.upstream} {one.start * 1e6:.0f} {one.end * 1e6:.0f} {one.rate} {one.gaps} {one.gets} {one.keys} "
                         f"{one.deadline * 1e6:.0f} {'declared' if one.says_deadline else 'undeclared'} {seed}")
        return "\n".join(lines) + "\n"

    def play(self, stage, plan, start):
        log = stage.folder / "client.log"
        client = subprocess.Popen([self.tools / "chaos_client", stage.write("plan", plan), log, str(start)], start_new_session=True)
        stage.processes.append(client)
        if client.wait(self.scenario.end + PATIENCE) != 0:
            raise SystemExit("chaos: the client has failed")
        stage.processes.remove(client)
        return log


def undisturbed(*arguments):
    """Records of a Play in which client and endpoints could do their part; where there is none, of the last."""
    for _ in range(VOID):
        found = Play(*arguments).run()
        if found.stalls.longest() <= DISTURBED:
            break
        print(f"{arguments[0].name:<15} void: this machine kept client or endpoints waiting for {1000 * found.stalls.longest():.0f} ms", flush=True)
        time.sleep(PAUSE)
    return found

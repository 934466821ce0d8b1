#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The same raw bytes through Fusewire, a real nginx and a real HAProxy, to an origin that keeps what it is sent.

    tests/differential/run.py build/release/fusewire [PATTERN]

Fusewire may be stricter than both, never laxer, and what it lets through must be framed as at least one of them frames
it; whatever it writes, to either side, must be read without fault by a suspicious reader. The exceptions stand in
allowed.py with their reasons."""

import os
import re
import sys
import tempfile
import threading
import time
from queue import Empty, SimpleQueue

sys.dont_write_bytecode = True
# pylint: disable=wrong-import-position
from allowed import reason
from exchange import run_request, run_response
from peers import Peer
from raw_requests import all_requests
from raw_responses import all_responses

LANES = 8
SILENCE = 0.15  # seconds without a byte: the proxy waits for more. What then looks wrong is looked at again, slowly:
PATIENCE = 2.0


def framed(message):
    name = re.sub(rb":[0-9]*$", b"", message.host.lower())  # some drop a port, or the scheme's own
    return message.method, name, message.body


def agrees(ours, theirs, upto):
    return len(theirs) > upto and [framed(m) for m in ours[:upto + 1]] == [framed(m) for m in theirs[:upto + 1]]


def complain_of_requests(ours, peers):
    """What Fusewire did that it must not do."""
    yield from ours.faults
    most = max(len(peer.requests) for peer in peers)
    if len(ours.requests) > most:
        yield f"laxer: {len(ours.requests)} requests at its origin, {most} at the others'"
        return
    for i in range(len(ours.requests)):
        if not any(agrees(ours.requests, peer.requests, i) for peer in peers):
            yield f"request {i + 1} is framed as by nobody else: {framed(ours.requests[i])}"


def complain_of_responses(ours, peers):
    yield from ours.faults
    if len(ours.answers) > 2:
        yield f"{len(ours.answers)} answers to two requests"
        return
    if not ours.answers:
        return
    first = ours.answers[0]
    if first.status < 500 and all(not p.answers or p.answers[0].status >= 500 for p in peers):
        yield f"laxer: {first.status} is let through, and by nobody else"
    elif first.status < 500 and first.complete and not any(
            p.answers and p.answers[0].status == first.status and p.answers[0].body == first.body for p in peers):
        yield f"the answer is framed as by nobody else: {first.body!r}"
    if len(ours.answers) == 2:
        second = ours.answers[1]
        if second.status < 500 and second.body != b"/victim":
            yield f"the second request got {second.body!r}"


def judge(run, complain, peers, lane, silence):
    results = [run(peer, lane, silence) for peer in peers]
    return list(complain(results[0], results[1:])), results


def show(results):
    for name, result in zip(("fusewire", "nginx", "haproxy"), results):
        requests = [(m.start, m.host, m.body) for m in result.requests]
        answers = [(m.start, m.body[:60], m.complete) for m in result.answers]
        print(f"    {name}: requests {requests} cut off {len(result.partial)} answers {answers}")


class Run:
    """All cases, over as many threads as there are lanes."""

    def __init__(self, peers):
        self.peers = peers
        self.cases = SimpleQueue()
        self.lock = threading.Lock()
        self.wanted = self.done = self.refused = self.failures = 0
        self.used = {}

    def add(self, name, run, complain):
        self.wanted += 1
        self.cases.put((name, run, complain))

    def work(self, lane):
        try:
            while True:
                name, run, complain = self.cases.get_nowait()
                self.one(name, run, complain, lane)
        except Empty:
            pass

    def one(self, name, run, complain, lane):
        complaints, results = judge(run, complain, self.peers, lane, SILENCE)
        if complaints:
            complaints, results = judge(run, complain, self.peers, lane, PATIENCE)
        with self.lock:
            self.done += 1
            self.refused += not results[0].requests
            for complaint in complaints:
                why = reason(name, complaint)
                if why:
                    self.used[why] = self.used.get(why, 0) + 1
                    continue
                self.failures += 1
                print(f"{name}: {complaint}")
                show(results)

    def go(self):
        threads = [threading.Thread(target=self.work, args=(lane,)) for lane in range(LANES)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def add_cases(run, pattern):
    for name, raw in all_requests():
        if re.search(pattern, name):
            run.add(f"request: {name}", lambda peer, lane, silence, raw=raw: run_request(peer, lane, raw, silence),
                    complain_of_requests)
    for name, raw, pipelined in all_responses():
        if not re.search(pattern, name):
            continue
        run.add(f"response: {name}", lambda peer, lane, silence, raw=raw, pipelined=pipelined:
                run_response(peer, lane, raw, pipelined, silence), complain_of_responses)


def main():
    if len(sys.argv) not in (2, 3):
        raise SystemExit(__doc__)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="fusewire-differential-") as folder:
        peers = [Peer(name, LANES, folder) for name in ("fusewire", "nginx", "haproxy")]
        try:
            for peer in peers:
                peer.start(os.path.realpath(sys.argv[1]))
            run = Run(peers)
            add_cases(run, sys.argv[2] if len(sys.argv) == 3 else "")
            run.go()
        finally:
            for peer in peers:
                peer.stop()
    for why, count in sorted(run.used.items()):
        print(f"allowed, {count} times: {why}")
    print(f"{run.done} of {run.wanted} cases, {run.refused} of them stopped by Fusewire, {run.failures} complaints, "
          f"{time.monotonic() - began:.0f} s")
    return 1 if run.failures or not run.done or run.done < run.wanted else 0  # a lane may have died of an exception


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# More clients than the proxy has descriptors, again and again: it neither ends nor spins, the operator is served
# meanwhile, everybody is in the end, and none is leaked.
# Usage: descriptors.sh BUILD_FOLDER [ROUNDS, default 10]
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/rig.sh"
rounds=${2:-10}
write_config ""
start_nginx
start_proxy
prlimit --pid "$proxy" --nofile=128:128

PYTHONPATH=$(dirname "${BASH_SOURCE[0]}") timeout $((rounds * 30 + 60)) python3 -B - "$proxy" "$port_proxy" "$admin" "$rounds" "$folder" <<'PY'
import collections, json, os, sys, time
from kept import Kept, descriptors, eventually, get, leaked

CLIENTS, LIMIT = 400, 128
TRIES = 20
SPIN = 0.2  # s of CPU time in a second of shortage
pid, port, admin, rounds, folder = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], int(sys.argv[4]), sys.argv[5]


def cpu_s():
    user, system = open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def one_round():
    """Answers by status: to the rush, and the last ones of those who ask again while others go."""
    waiting = [Kept(port) for _ in range(CLIENTS)]  # those that are not accepted are in the backlog
    for one in waiting: one.ask()
    if not eventually(lambda: descriptors(pid) >= LIMIT - 32): sys.exit(f"FAILED: {descriptors(pid)} descriptors of {LIMIT}: no shortage")
    before = cpu_s()
    time.sleep(1)
    if cpu_s() - before > SPIN: sys.exit(f"FAILED: {cpu_s() - before:.2f} s of CPU time in a second without work")
    if json.loads(get(f"{admin}/admin/health"))["status"] != "ok": sys.exit("FAILED: not healthy")
    get(f"{admin}/metrics")
    rush, again = collections.Counter(), collections.Counter()
    for one in waiting:  # the first hold what the others wait for
        status = one.answer()
        rush[status] += 1
        for _ in range(TRIES):
            one.ask()
            if (status := one.answer()) not in (0, 502): break
            if status == 0:  # idle, it has given way to another one: a client comes again
                one.socket.close()
                one = Kept(port)
        again[status] += 1
        one.socket.close()
    return rush, again


before, rush, again = descriptors(pid), collections.Counter(), collections.Counter()
for _ in range(rounds):
    one = one_round()
    rush, again = rush + one[0], again + one[1]
lost = leaked(pid, admin, before)
breaker = json.loads(get(f"{admin}/admin/circuit-breakers/orders"))["state"]
lines = sum("out of file descriptors" in line for line in open(f"{folder}/fusewire.log"))
print(f"{rounds} times {CLIENTS} clients, {LIMIT} descriptors: answers to the rush {dict(rush)}, one by one in the end {dict(again)}; {lines} lines in the log; "
      f"the breaker is {breaker}; {before} descriptors before, {lost} more after")
# Where no descriptor is left for a connection to the upstream, the client gets a 502 at once.
if set(rush) - {200, 502}: sys.exit("FAILED: somebody had no answer, or another one")
if set(again) != {200}: sys.exit("FAILED: not everybody was served")
if breaker != "closed": sys.exit("FAILED: a shortage of ours was taken for the upstream's failure")
if not 1 <= lines <= 2 * rounds: sys.exit("FAILED: a line for each shortage was expected")
if lost > 0: sys.exit(f"FAILED: {lost} descriptors are not given back")
PY
kill "$proxy"
wait "$proxy" || fail "the proxy ended with $?"

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# 5,000 kept connections that are idle and 500 that are busy: no error, no leak of descriptors or memory.
# Usage: idle_and_busy.sh BUILD_FOLDER [SECONDS, default 60] [IDLE, default 5000] [BUSY, default 500]
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/rig.sh"
seconds=${2:-60} idle=${3:-5000} busy=${4:-500}
ulimit -n "$(ulimit -Hn)"
[[ $(ulimit -n) == unlimited ]] || (($(ulimit -n) > idle + 3 * busy + 100)) || fail "too few descriptors: ulimit -n is $(ulimit -n)"
write_config ""
options=(--set listeners.0.limits.idle_timeout=30m)
start_nginx
start_proxy

PYTHONPATH=$(dirname "${BASH_SOURCE[0]}") timeout $((seconds + 120)) python3 -B - "$proxy" "$port_proxy" "$admin" "$seconds" "$idle" "$busy" <<'PY'
import re, subprocess, sys
from kept import Kept, descriptors, leaked, resident_kib

GROWTH = 1024  # KiB, from the end of the warm-up to the end
WARM_UP = 5  # s
pid, port, admin = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
seconds, idle, busy = map(int, sys.argv[4:])


def load(duration):
    said = subprocess.run(["wrk", "-t1", f"-c{busy}", f"-d{duration}s", "--timeout", "10s", f"http://127.0.0.1:{port}/small"],
                          capture_output=True, text=True, check=True).stdout
    if "Socket errors" in said or "Non-2xx" in said:
        sys.exit("FAILED: requests failed\n" + said)
    return float(re.search(r"Requests/sec:\s+(\S+)", said)[1])


def all_answered():
    for one in kept:
        one.ask()
        if (status := one.answer()) != 200: sys.exit(f"FAILED: an idle connection had {status} for an answer")


before = descriptors(pid)
kept = [Kept(port) for _ in range(idle)]
all_answered()
load(WARM_UP)
warm = resident_kib(pid)
rate = load(seconds)
grown = resident_kib(pid) - warm
all_answered()
for one in kept: one.socket.close()
lost = leaked(pid, admin, before)
print(f"{idle} idle and {busy} busy connections, {seconds} s: {rate:.0f} requests a second, no error; "
      f"RSS {warm} KiB after the warm-up, {grown:+} KiB at the end; {before} descriptors before, {lost} more after")
if grown > GROWTH: sys.exit(f"FAILED: memory grew by more than {GROWTH} KiB")
if lost > 0: sys.exit(f"FAILED: {lost} descriptors are not given back")
PY

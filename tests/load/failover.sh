#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The upstream dies at the peak of a load and comes back: the circuit opens once, no request hangs, it closes by itself.
# Usage: failover.sh BUILD_FOLDER [SECONDS, default 30] [REQUESTS-A-SECOND that must be reached, default 10000]
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/rig.sh"
seconds=${2:-30}
wanted=${3:-10000}
write_config "    circuit_breaker: {transitions: {open_timeout: 2s, backoff: {multiplier: 1, jitter: 0}}, recovery: {half_open_max_calls: 3, success_threshold: 3}}"
start_nginx
start_proxy

wrk -t1 -c64 -d"${seconds}s" --timeout 5s --latency "$url/small" >"$folder/wrk.txt" 2>&1 & load=$!; pids+=("$load")
sleep $((seconds / 3))
kill -9 "$nginx"
sleep $((seconds / 3))
start_nginx
wait "$load"
cat "$folder/wrk.txt"

curl -sf "$admin/admin/events" >"$folder/events.json"
curl -sf "$admin/metrics" >"$folder/metrics.txt"
curl -sf "$admin/admin/circuit-breakers/orders" >"$folder/breaker.json"
python3 - "$folder" "$seconds" "$wanted" <<'PY'
import json, re, sys
folder, seconds, wanted = sys.argv[1], float(sys.argv[2]), float(sys.argv[3])
problems = []
def check(good, what):
    if not good: problems.append(what)

wrk = open(f"{folder}/wrk.txt").read()
rate = float(re.search(r"Requests/sec:\s+([\d.]+)", wrk)[1])
errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", wrk)
connect, read, write, timeout = map(int, errors.groups()) if errors else (0, 0, 0, 0)
check(rate >= wanted, f"{rate:.0f} requests a second, fewer than {wanted:.0f}")
# A response whose head had gone out when nginx was killed must not look whole: its connection is closed. 64 were on.
check(connect + write + timeout == 0 and read <= 64, f"wrk saw {errors and errors[0]}")

metrics = open(f"{folder}/metrics.txt").read()
classes = {c: int(float(n)) for c, n in
           re.findall(r'^fusewire_requests_total\{[^}]*upstream="orders"[^}]*code_class="(\w+)"[^}]*\} ([\d.e+]+)', metrics, re.M)}
results = {r: int(float(n)) for r, n in
           re.findall(r'^circuit_breaker_requests_total\{name="orders",result="(\w+)"\} ([\d.e+]+)', metrics, re.M)}
counted = {(a, b): int(float(n)) for a, b, n in
           re.findall(r'^circuit_breaker_transitions_total\{name="orders",from="(\w+)",to="(\w+)"\} ([\d.e+]+)', metrics, re.M)}
print("answers by class:", classes, "| calls by result:", results)

events = json.load(open(f"{folder}/events.json"))
events = events["events"] if isinstance(events, dict) else events
reported = [(e["from"], e["to"]) for e in sorted(events, key=lambda e: int(e["id"]))
        if e.get("from") and e.get("to")]
logged = []
for line in open(f"{folder}/fusewire.log"):
    entry = json.loads(line)
    if entry.get("breaker") and entry.get("to"): logged.append((entry["from"], entry["to"]))
print("transitions:", " ".join(f"{a}->{b}" for a, b in reported))
check(reported[:1] == [("closed", "open")], "the first transition is not closed -> open")
check(reported[-1:] == [("half_open", "closed")], "the last transition is not half_open -> closed")
check(reported.count(("closed", "open")) == 1, "it opened from closed more than once")
check(reported.count(("half_open", "closed")) == 1, "it closed more than once")
check(logged == reported, f"the log has {logged}")
check({t: reported.count(t) for t in set(reported)} == {t: n for t, n in counted.items() if n}, f"the metrics have {counted}")
check(classes.get("2xx", 0) > 0 and classes.get("5xx", 0) > 0, "not both good and failed answers")
check(results.get("failure", 0) < 1000, f"{results.get('failure')} failures reached a dead upstream")
breaker = json.load(open(f"{folder}/breaker.json"))
check(breaker["state"] == "closed", f"it is {breaker['state']} at the end")
for problem in problems: print("FAILED:", problem, file=sys.stderr)
sys.exit(bool(problems))
PY
echo "peak memory of the proxy: $(peak_memory) KiB"

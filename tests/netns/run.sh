#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: tests/netns/run.sh [FOLDER-OF-THE-BUILD]
# A pod and its upstream, each in a network namespace of its own, with a real link between them that is lost, cut at either
# end and slowed down. The breaker must open, answer at once while the link is bad, and close by itself when it is well
# again. As root; where namespaces can't be made it is skipped. No packet leaves the namespaces, which end with the test.
set -euo pipefail
build=$(realpath "${1:-build/release}")
cd "$(dirname "${BASH_SOURCE[0]}")"

if [[ ${2:-} != --inside ]]; then
  if ((EUID != 0)) || ! unshare --net --mount --pid --fork true 2>/dev/null; then
    echo "skipped: network namespaces can't be made here (root, and a kernel that allows it)"
    exit 0
  fi
  if ! command -v ip >/dev/null || ! command -v tc >/dev/null; then
    echo "skipped: there is no ip or no tc here (Debian's iproute2)"
    exit 0
  fi
  exec unshare --net --mount --pid --fork --kill-child --mount-proc "$PWD/run.sh" "$build" --inside
fi

export no_proxy='*'
mount -t tmpfs none /run
mkdir /run/netns
folder=/run/test
mkdir "$folder"
fail() {
  echo "FAILED: $*" >&2
  tail -n 20 "$folder/fusewire.log" >&2
  exit 1
}
pod() { ip netns exec pod "$@"; }
upstream() { ip netns exec upstream "$@"; }

make_link() {
  ip netns add pod
  ip netns add upstream
  ip link add pod0 netns pod type veth peer name up0 netns upstream
  ip -n pod address add 10.77.0.1/24 dev pod0
  ip -n upstream address add 10.77.0.2/24 dev up0
  for end in "pod lo" "pod pod0" "upstream lo" "upstream up0"; do
    # shellcheck disable=SC2086  # two words
    set -- $end
    ip -n "$1" link set "$2" up
  done
  upstream_mac=$(upstream cat /sys/class/net/up0/address)
}

start() {
  cat >"$folder/fusewire.yaml" <<'YAML'
listen: 127.0.0.1:8080
upstreams:
  orders:
    endpoints: [http://10.77.0.2:9000]
    timeouts: {connect: 300ms, response: 400ms}
    retries: {attempts: 0}
    fallback: {chain: []}
    circuit_breaker:
      transitions: {open_timeout: 1s, backoff: {multiplier: 1, jitter: 0}}
      recovery: {success_threshold: 2}
admin: {address: "127.0.0.1:9901", probes: "0.0.0.0:9902"}
log: {access: off}
YAML
  upstream python3 "$PWD/upstream.py" 10.77.0.2 9000 2>"$folder/upstream.log" &
  pod "$build/fusewire" run -c "$folder/fusewire.yaml" >"$folder/fusewire.log" 2>&1 &
  pod curl -sf --retry 100 --retry-delay 0 --retry-connrefused -o /dev/null http://127.0.0.1:9901/admin/ready
  upstream curl -sf --retry 100 --retry-delay 0 --retry-connrefused -o /dev/null http://10.77.0.2:9000/
}

# As the app in the pod asks: "200 0.001234".
ask() { pod curl -s -o /dev/null --max-time 5 -w '%{http_code} %{time_total}\n' http://127.0.0.1:8080/ || true; }
metric() { pod curl -sf http://127.0.0.1:9901/metrics | sed -nE "s/^$1 //p"; }
state() { pod "$build/fusewire" status orders --admin http://127.0.0.1:9901 --json | grep -oE '"state":"[a-z_]+"' | head -n 1; }
expect_state() { [[ $(state) == "\"state\":\"$1\"" ]] || fail "$now: the breaker is $(state), not $1"; }

expect_well() {  # COUNT
  local answer
  for ((i = 0; i < $1; ++i)); do
    answer=$(ask)
    [[ $answer == 200* ]] || fail "$now: $answer on a link that is well"
  done
  expect_state closed
}

# Five failures in a row open it, each in its own time.
expect_trip() {
  local failures=0 answer
  while [[ $(state) == *closed* ]]; do
    answer=$(ask)
    case "$answer" in
      50[24]*) ((++failures)) ;;
      200*) [[ $now == slow* ]] || fail "$now: $answer over a link that is cut" ;;
      *) fail "$now: $answer before the breaker has opened" ;;
    esac
    ((failures <= 10)) || fail "$now: still closed after $failures failures"
  done
  expect_state open
  ((failures >= 5)) || fail "$now: open after $failures failures"
}

# Open: an answer costs nothing, whatever the link does.
expect_quick_refusals() {
  local answer
  for _ in 1 2 3; do
    answer=$(ask)
    [[ $answer == "503 0.0"* || $answer == "503 0.1"* ]] || fail "$now: $answer from an open circuit"
  done
}

expect_failed_trial() {
  local trips answer
  trips=$(metric 'circuit_breaker_trips_total\{name="orders",reason="probe_failed"\}')
  for _ in {1..60}; do
    ask >/dev/null
    answer=$(metric 'circuit_breaker_trips_total\{name="orders",reason="probe_failed"\}')
    if ((answer > trips)); then return; fi
    sleep 0.1
  done
  fail "$now: no trial has failed within six seconds"
}

expect_recovery() {
  for _ in {1..100}; do
    if [[ $(ask) == 200* && $(state) == *closed* ]]; then return; fi
    sleep 0.1
  done
  fail "$now: not closed ten seconds after the link was well again"
}

trouble() {  # NAME BREAK MEND
  now=$1
  local began=$SECONDS
  expect_well 5
  $2
  expect_trip
  expect_quick_refusals
  expect_failed_trial
  $3
  expect_recovery
  expect_well 20
  echo "ok: $now ($((SECONDS - began)) s)"
}

netem() { pod tc qdisc add dev pod0 root netem "$@"; }
has_netem() { netem delay 1ms 2>/dev/null && pod tc qdisc del dev pod0 root; }
mend_queue() { pod tc qdisc del dev pod0 root; }
lose() { netem loss 100%; }
delay() { netem delay 600ms; }
# Without netem: to an address that no card has, every packet is lost in silence.
misdirect() { ip -n pod neighbour replace 10.77.0.2 lladdr 02:00:00:00:00:99 dev pod0 nud permanent; }
direct() { ip -n pod neighbour replace 10.77.0.2 lladdr "$upstream_mac" dev pod0 nud permanent; }
narrow() { upstream tc qdisc add dev up0 root tbf rate 8kbit burst 1600 latency 20s; }
widen() { upstream tc qdisc del dev up0 root; }
down_here() { ip -n pod link set pod0 down; }
up_here() { ip -n pod link set pod0 up; }
down_there() { ip -n upstream link set up0 down; }
up_there() { ip -n upstream link set up0 up; }

make_link
start
now="the pod's ports"
upstream curl -sf -o /dev/null http://10.77.0.1:9902/admin/ready || fail "$now: the probes' port is closed to other hosts"
for port in 8080 9901; do
  if upstream curl -s -o /dev/null --max-time 2 "http://10.77.0.1:$port/"; then fail "$now: $port is open to other hosts"; fi
done
if has_netem; then
  trouble "every packet lost (netem)" lose mend_queue
  trouble "slow: 600 ms a packet (netem)" delay mend_queue
else
  echo "this kernel has no netem: packets are misdirected, and the link is narrowed, instead"
fi
trouble "every packet lost (no such neighbour)" misdirect direct
trouble "slow: eight kilobit a second (tbf)" narrow widen
trouble "the pod's end of the link is down" down_here up_here
trouble "the upstream's end of the link is down" down_there up_there
pod "$build/fusewire" status --admin http://127.0.0.1:9901

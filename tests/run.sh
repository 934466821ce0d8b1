#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds Fusewire and runs its tests; installs what that needs on Debian 12.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
  cat <<'TEXT'
usage: tests/run.sh [--preset NAME]... [--sanitizers] [--coverage] [--all]
  --preset NAME   dev, release (the default), asan or tsan
  --sanitizers    the same as --preset asan --preset tsan
  --threads       only the programs that run threads (what ThreadSanitizer is for)
  --all           also what works with other programs, on the release build: Prometheus, browsers, WebSocket, Kubernetes' schemas,
                  network namespaces, systemd, Debian package and image; as root, 20 minutes more
  --coverage      line coverage of filters/ and config/ by their unit tests, on the asan build; fails below 90 %. Beside --preset asan
                  these tests are run once for both
JOBS=N in the environment sets how many compilers run at once (default: the number of cores).
TEXT
}

presets=()
coverage=
all=
targets=()
only=()
while (($#)); do
  case "$1" in
    --preset) presets+=("${2:?--preset needs a name}"); shift ;;
    --preset=*) presets+=("${1#*=}") ;;
    --sanitizers) presets+=(asan tsan) ;;
    --threads)
      targets=(unit_breaker unit_proxy stress integration fusewire)
      only=(-R '^(unit_breaker|unit_proxy|stress|integration_.*)$')
      ;;
    --coverage) coverage=1 ;;
    --all) all=1 ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
  shift
done
if [[ (-z $coverage && ${#presets[@]} -eq 0) || (-n $all && " ${presets[*]} " != *" release "*) ]]; then presets+=(release); fi

groups=(build test)
if [[ -n $coverage || " ${presets[*]} " =~ \ (asan|tsan)\  ]]; then groups+=(ci); fi
if [[ -n $all ]]; then groups+=(bench ci browser image); fi
docker/install-build-deps.sh "${groups[@]}"

PATH=$PATH:/usr/sbin  # nginx
jobs=${JOBS:-$(nproc)}
finished=
trap '[[ -n $finished ]] || echo "tests/run.sh: FAILED before the tests were through"' EXIT
passed=0
total=0
failed=()

build() {  # PRESET [TARGET…]
  local preset=$1
  shift
  echo "== $preset: build"
  cmake --preset "$preset" >/dev/null
  cmake --build --preset "$preset" -j "$jobs" ${1:+--target "$@"}
}

run_ctest() {  # PRESET [CTEST ARGUMENT…]
  local preset=$1 under=() summary
  local log="build/$preset/ctest.log"
  shift
  echo "== $preset: test"
  # ThreadSanitizer of clang 14 does not start where the kernel randomises addresses over more bits than it knows.
  if [[ $preset == tsan ]] && setarch -R true 2>/dev/null; then under=(setarch -R); fi
  "${under[@]}" ctest --preset "$preset" --no-tests=error --parallel 3 --timeout 1500 "$@" 2>&1 | tee "$log" || failed+=("$preset")
  summary=$(sed -nE 's/^[0-9]+% tests passed, ([0-9]+) tests? failed out of ([0-9]+)$/\1 \2/p' "$log")
  read -r bad ran <<<"${summary:-1 1}"
  passed=$((passed + ran - bad))
  total=$((total + ran))
  # Each part of a program names the number of all its cases.
  awk -v p="$preset" '$1 == "Command:" {program = $2} /^\[doctest\] test cases:/ {split($0, words, /[:|]/); cases[program] = words[2]}
    END {for (one in cases) {n += cases[one]; ++m} printf "%s: %d test cases in %d programs\n", p, n, m}' \
    "build/$preset/Testing/Temporary/LastTest.log"
}

# Its line is that of ::1, proc(5).
if ! grep -q '^0\{31\}1 ' /proc/net/if_inet6 2>/dev/null; then echo "no IPv6 on loopback here: the tests that need it are skipped"; fi

export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:strict_string_checks=1}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
export TSAN_OPTIONS=${TSAN_OPTIONS:-second_deadlock_stack=1}

covered='^unit_(config|filters|balance|limits|breaker)$'
measure_coverage() {
  find build/asan -name '*.gcda' -delete
  run_ctest asan -R "$covered"
  gcovr --root . --filter config/ --filter filters/ --gcov-executable "llvm-cov gcov" --print-summary \
    --fail-under-line 90 build/asan || failed+=("coverage below 90 %")
}

if [[ -n $coverage && " ${presets[*]} " != *" asan "* ]]; then
  build asan unit_config unit_filters unit_balance unit_limits unit_breaker
  measure_coverage
fi
for preset in "${presets[@]}"; do
  build "$preset" "${targets[@]}"
  these=("${only[@]}")
  if [[ -n $coverage && $preset == asan ]]; then
    measure_coverage
    these+=(-E "$covered")
  fi
  run_ctest "$preset" "${these[@]}"
done

other() {  # COMMAND…
  echo "== $*"
  total=$((total + 1))
  if "$@"; then passed=$((passed + 1)); else failed+=("$1"); fi
}
if [[ -n $all ]]; then
  other .ci/check-metrics build/release/fusewire
  other tests/prometheus/run.sh build/release
  other tests/websocket/run.sh build/release
  other tests/dashboard/run.sh build/release
  other tests/tracing/run.sh build/release
  other tests/kubernetes/run.sh build/release
  other tests/netns/run.sh build/release
  other tests/package/run.sh build/release
  other tests/package/systemd.sh build/release
  other tests/image/run.sh build/release
fi

percent=$((total ? 100 * passed / total : 0))
echo "$percent% tests passed, $((total - passed)) tests failed out of $total"
finished=1
if ((${#failed[@]})); then
  echo "tests/run.sh: FAILED: ${failed[*]}"
  exit 1
fi

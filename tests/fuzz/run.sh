#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs the fuzz targets of a build, each for so many seconds from its corpus, as many at a time as there are cores.
#   tests/fuzz/run.sh build/asan 60            all        tests/fuzz/run.sh build/fuzz 600 exchange config
# What it finds stays in BUILD/fuzzing/TARGET (new inputs) and BUILD/fuzzing/TARGET-crash-… (an input that fails).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
build=${1:?usage: tests/fuzz/run.sh BUILD SECONDS [TARGET…]}
seconds=${2:?usage: tests/fuzz/run.sh BUILD SECONDS [TARGET…]}
shift 2

one() {  # BUILD SECONDS TARGET
  local folder=$1/fuzzing/$3 dictionary=()
  mkdir -p "$folder"
  if [[ -e tests/fuzz/$3.dict ]]; then dictionary=("-dict=tests/fuzz/$3.dict"); fi
  "$1/${3}_fuzz" -max_total_time="$2" -max_len=8192 -timeout=10 -print_final_stats=1 "${dictionary[@]}" \
    -artifact_prefix="$folder-" "$folder" "tests/fuzz/corpus/$3" >"$folder.log" 2>&1 || { tail -n 60 "$folder.log"; return 1; }
  echo -n "$3: "
  grep -o 'number_of_executed_units: [1-9][0-9]*' "$folder.log" || { echo "nothing was run"; return 1; }
}
export -f one

targets=("$@")
if ((${#targets[@]} == 0)); then
  for source in tests/fuzz/*_fuzz.cpp; do
    name=${source##*/}
    targets+=("${name%_fuzz.cpp}")
  done
fi
printf '%s\n' "${targets[@]}" | xargs -P "${JOBS:-$(nproc)}" -n 1 bash -euo pipefail -c 'one "$@"' one "$build" "$seconds"

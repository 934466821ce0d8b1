#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# 20 reloads a second, each with a changed file, under load: no request fails.
# Usage: reload.sh BUILD_FOLDER [SECONDS, default 30]
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/rig.sh"
seconds=${2:-30}
write_config ""
start_nginx
start_proxy

wrk -t1 -c32 -d"${seconds}s" --timeout 5s "$url/small" >"$folder/wrk.txt" 2>&1 & load=$!; pids+=("$load")
reloads=0
while ((reloads < seconds * 20)); do
  write_config "    timeouts: {response: $((1000 + reloads))ms}"
  kill -HUP "$proxy"
  reloads=$((reloads + 1))
  sleep 0.045
done
wait "$load"
cat "$folder/wrk.txt"

taken=$(grep -c '"configuration reloaded"' "$folder/fusewire.log" || true)
echo "$reloads reloads asked for, $taken taken (the file is watched as well; several signals at once are one), peak memory $(peak_memory) KiB"
((taken >= reloads / 2)) || fail "only $taken of $reloads reloads were taken"
! grep -qE 'Socket errors|Non-2xx' "$folder/wrk.txt" || fail "requests failed"
! grep -q '"level":"error"' "$folder/fusewire.log" || fail "$(grep -m1 '"level":"error"' "$folder/fusewire.log")"

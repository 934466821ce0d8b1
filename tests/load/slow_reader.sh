#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A stream of 10 GiB to a client, and one to an upstream, that reads in bursts and stands still now and then: the same
# bytes, the sender is held back, and the proxy takes 256 KiB at most for the connection.
# Usage: slow_reader.sh BUILD_FOLDER [MIB, default 10240]
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/rig.sh"
mib=${2:-10240}
write_config "    timeouts: {total: 1h}"  # the answer to an upload comes when all of it has been read
options=(--set runtime.workers=1)

for way in down up; do
  start_proxy
  timeout 1800 python3 "$(dirname "${BASH_SOURCE[0]}")/stream.py" "$way" "$proxy" "$port_proxy" "$port_nginx" "$mib" || fail "$way"
  kill "$proxy"
  wait "$proxy" || fail "the proxy ended with $?"
done

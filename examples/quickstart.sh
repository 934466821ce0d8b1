#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# From a bare Debian 12 to a circuit that opens and closes before your eyes. Arguments go to `fusewire demo`:
#   examples/quickstart.sh --serve              keeps it running, to be explored with curl
#   examples/quickstart.sh --serve --traffic    the same with clients and failing upstreams, to be seen on the dashboard
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

docker/install-build-deps.sh build

log=$(mktemp)
trap 'rm -f "$log"' EXIT
echo "building Fusewire (the first time takes a few minutes) ..."
if ! { cmake --preset release && cmake --build --preset release -j "${JOBS:-$(nproc)}" --target fusewire; } >"$log" 2>&1; then
  cat "$log"
  exit 1
fi

# No colours where nobody sees them as such.
if [[ ! -t 1 || ${TERM:-dumb} == dumb ]]; then export NO_COLOR=1; fi
build/release/fusewire demo "$@"

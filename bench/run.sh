#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Fusewire beside HAProxy, nginx and a raw relay: CPU per request, requests per second, latency, memory, in one run.
# Installs and builds what it needs on Debian 12. bench/run.sh --help has the options; bench/README.md says what is measured.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export PATH=$PATH:/usr/sbin  # nginx, haproxy

docker/install-build-deps.sh build bench
cmake --preset release >/dev/null
cmake --build --preset release -j "${JOBS:-$(nproc)}" --target fusewire bench_origin bench_relay bench_pace
exec python3 bench/run.py --fusewire build/release/fusewire --tools build/release "$@"

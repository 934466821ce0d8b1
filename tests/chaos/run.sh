#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Endpoints that fail in every way, an open-loop client, and an oracle that says what could have been answered.
# Builds what it needs on Debian 12. tests/chaos/run.sh --help has the options; README.md beside it says what is measured.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export PATH=$PATH:/usr/sbin  # nginx, haproxy

case " $* " in *" --help "* | *" -h "* | *" --list "*) exec python3 tests/chaos/run.py "$@" ;; esac

docker/install-build-deps.sh build bench
cmake --preset release >/dev/null
cmake --build --preset release -j "${JOBS:-$(nproc)}" --target fusewire chaos_endpoints chaos_client
python3 tests/chaos/self_test.py --tools build/release
exec python3 tests/chaos/run.py --fusewire build/release/fusewire --tools build/release "$@"

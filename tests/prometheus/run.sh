#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: tests/prometheus/run.sh [FOLDER-OF-THE-BUILD]
# A real Prometheus scrapes a real Fusewire in trouble: every query of docker/grafana/fusewire.json and every rule of
# docker/alerts.yml and docker/recording.yml must find what it asks for, and exemplars lead to traces that a collector was
# sent. Half a minute; loopback only.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
docker/install-build-deps.sh test
export no_proxy='*'
# Debian's own, which has the parser that was just installed.
exec /usr/bin/python3 tests/prometheus/run.py "$(realpath "${1:-build/release}")/fusewire"

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What the built proxy sends a collector of traces, read by the definitions of opentelemetry-proto (from npm).
# Usage: run.sh BUILD_FOLDER
set -euo pipefail
build=$(realpath "${1:?the folder of the build}")
cd "$(dirname "${BASH_SOURCE[0]}")"

# Installed outside of the sources, once, as the lock file says.
modules=$build/tracing-test
if ! cmp -s package-lock.json "$modules/installed"; then
  rm -rf "$modules"
  mkdir -p "$modules"
  cp package.json package-lock.json "$modules"
  (cd "$modules" && npm ci --no-audit --no-fund --loglevel=error)
  cp package-lock.json "$modules/installed"
fi
cp ./*.mjs "$modules"
cd "$modules"
FUSEWIRE=$build/fusewire exec node --test otlp.test.mjs

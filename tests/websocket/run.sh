#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# WebSocket through the built proxy: a real client and a real server (npm's ws) on both sides of it.
# Usage: run.sh BUILD_FOLDER [ws|wss, default ws]
set -euo pipefail
build=$(realpath "${1:?the folder of the build}")
scheme=${2:-ws}
cd "$(dirname "${BASH_SOURCE[0]}")"

# Installed outside of the sources, once, as the lock file says.
modules=$build/websocket
if ! cmp -s package-lock.json "$modules/installed"; then
  rm -rf "$modules"
  mkdir -p "$modules"
  cp package.json package-lock.json "$modules"
  (cd "$modules" && npm ci --no-audit --no-fund --loglevel=error)
  cp package-lock.json "$modules/installed"
fi
cp ./*.mjs "$modules"
cd "$modules"
FUSEWIRE=$build/fusewire SCHEME=$scheme exec node --test tunnel.test.mjs

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# WebSocket through the built proxy: a real client and a real server (npm's ws) on both sides of it.
# Usage: run.sh BUILD_FOLDER [ws|wss, default ws]
set -euo pipefail
build=$(realpath "${1:?the folder of the build}")
scheme=${2:-ws}
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=tests/npm_modules.sh
source ../npm_modules.sh

modules=$build/websocket
npm_modules "$modules"
cp ./*.mjs "$modules"
cd "$modules"
FUSEWIRE=$build/fusewire SCHEME=$scheme exec node --test tunnel.test.mjs

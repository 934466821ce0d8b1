#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The dashboard in a real browser: Debian's chromium, driven by npm's playwright-core, judged by axe-core.
# Usage: run.sh BUILD_FOLDER [scene|demo FOLDER]     pictures, of a busy scene or of the demo, instead of tests
set -euo pipefail
build=$(realpath "${1:?the folder of the build}")
what=${2:-test}
into=${3:+$(realpath "$3")}
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=tests/npm_modules.sh
source ../npm_modules.sh

modules=$build/dashboard-tests
npm_modules "$modules"
cp ./*.mjs "$modules"
[[ $what != test ]] || ../../proxy/admin/dashboard/page/build.sh --check
cd "$modules"
export FUSEWIRE=$build/fusewire
case "$what" in
  test) exec node --test --test-force-exit dashboard.test.mjs ;;
  scene | demo) exec node screenshots.mjs "$what" "${into:?the folder of the pictures}" ;;
  *) echo "usage: $0 BUILD_FOLDER [scene|demo FOLDER]" >&2; exit 2 ;;
esac

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the dashboard's page into dist/, which is checked in, so that Fusewire itself builds without node.
# Usage: build.sh [--check]     --check: builds beside it, and fails where dist/ is not the same
# The packages are those of the lock file; they are installed in MODULES (default: build/dashboard).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
check=
if [[ ${1:-} == --check ]]; then check=1; fi

root=$(realpath ../../../..)
# shellcheck source=tests/npm_modules.sh
source "$root/tests/npm_modules.sh"
modules=${MODULES:-$root/build/dashboard}
npm_modules "$modules"
# The bundler finds packages in folders above the sources.
rm -rf "$modules/src"
cp -r src tsconfig.json "$modules"

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
(
  cd "$modules"
  node_modules/.bin/tsc -p .
  node_modules/.bin/esbuild src/main.ts --bundle --minify --format=esm --target=es2022 --charset=utf8 \
    --legal-comments=none --log-level=warning --outfile="$out/app.js"
  node_modules/.bin/esbuild src/style.css --bundle --minify --target=chrome109,firefox115,safari16 \
    --legal-comments=none --log-level=warning --outfile="$out/app.css"
)
cp src/index.html src/icon.svg "$out"
{
  echo "The dashboard contains uPlot $(node -p "require('$modules/node_modules/uplot/package.json').version"), https://github.com/leeoniya/uPlot"
  echo
  cat "$modules/node_modules/uplot/LICENSE"
} >"$out/licences.txt"

if [[ -n $check ]]; then
  diff -rq "$out" dist || { echo "dist/ is not what its sources build: run proxy/admin/dashboard/page/build.sh" >&2; exit 1; }
  echo "the dashboard's dist/ is what its sources build"
else
  mkdir -p dist
  rm -f dist/*
  cp "$out"/* dist
  (cd dist && wc -c ./*)
fi

# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Sourced by what needs packages of npm.

# Installs what the lock file of the current folder says into FOLDER, outside of the sources, unless that has been done.
npm_modules() {  # FOLDER
  if cmp -s package-lock.json "$1/installed"; then return; fi
  rm -rf "$1"
  mkdir -p "$1"
  cp package.json package-lock.json "$1"
  (cd "$1" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)
  cp package-lock.json "$1/installed"
}

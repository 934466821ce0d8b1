#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# install-extras.sh BINARY SOURCES SHARE: completions, and man pages, from what the program and docs/man have of them.
set -euo pipefail
binary=$1
sources=$2
share=$3

completion() {  # SHELL FILE
  local text
  if ! text=$("$binary" completion "$1" 2>/dev/null); then return 0; fi
  install -d "$share/${2%/*}"
  printf '%s\n' "$text" >"$share/$2"
}
completion bash bash-completion/completions/fusewire
completion zsh zsh/vendor-completions/_fusewire
completion fish fish/vendor_completions.d/fusewire.fish

for page in "$sources"/docs/man/*.[1-8]; do
  if [[ ! -e $page ]]; then continue; fi
  install -d "$share/man/man${page##*.}"
  gzip -9nc "$page" >"$share/man/man${page##*.}/${page##*/}.gz"
done

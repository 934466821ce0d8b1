#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: tests/image/run.sh [FOLDER-OF-THE-BUILD]
# Builds the container image twice, of the program that is there, and looks at it: the same bytes; at most 60 MiB; no shell, no
# set-user-id file; its bill of materials names what is in it; it serves as any user, on a read-only root, without a
# capability. As root.
set -euo pipefail
build=$(realpath "${1:-build/release}")
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
docker/install-build-deps.sh image
export no_proxy='*'  # of curl
fail() { echo "FAILED: $*" >&2; exit 1; }

if [[ ${2:-} == --inside ]]; then
  root=$3
  ip link set lo up
  mount --bind "$root" "$root"
  mount -o remount,bind,ro "$root"
  # Any user: not the image's own.
  FUSEWIRE_CONFIG=/etc/fusewire/fusewire.yaml FUSEWIRE_UPSTREAM=http://127.0.0.1:9 FUSEWIRE__ADMIN__TOKEN=t \
    chroot --userspec=12345:54321 --groups= "$root" /usr/local/bin/fusewire run >/tmp/fusewire-image.log 2>&1 &
  pid=$!
  for _ in {1..100}; do
    if curl -sf -o /dev/null http://127.0.0.1:9902/admin/ready; then break; fi
    sleep 0.1
  done
  curl -sf -o /dev/null http://127.0.0.1:9902/admin/ready || { cat /tmp/fusewire-image.log; fail "not ready within ten seconds"; }
  [[ $(curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:8080/) == 502 ]] || fail "no 502 for an upstream that refuses"
  kill "$pid"
  wait "$pid" || fail "SIGTERM ends it with $?"
  exit
fi

folder=$(mktemp -d -p "${TMPDIR:-/var/tmp}" fusewire-image-test-XXXXXX)
trap 'rm -rf --one-file-system "$folder"' EXIT
SOURCE_DATE_EPOCH=$(git -c safe.directory="$PWD" log -1 --format=%ct)
export SOURCE_DATE_EPOCH
packaging/image/build.sh --binary "$build/fusewire" "$folder/first"
KEEP_ROOT=1 packaging/image/build.sh --binary "$build/fusewire" "$folder/second"
cmp "$folder/first/fusewire.oci.tar" "$folder/second/fusewire.oci.tar" || fail "two builds, two images"
root=$folder/second/root
(($(du -sk "$root" | cut -f1) <= 60 * 1024)) || fail "over 60 MiB"
[[ ! -e $root/bin/sh && ! -e $root/usr/bin/sh ]] || fail "there is a shell"
[[ -z $(find "$root" -perm /6000) ]] || fail "there are set-user-id files"
python3 tests/image/check.py "$folder/second/fusewire.oci.tar" "$folder/second/sbom.spdx.json" "$root"
unshare --mount --net --pid --fork --kill-child tests/image/run.sh "$build" --inside "$root"
echo "the image is good"

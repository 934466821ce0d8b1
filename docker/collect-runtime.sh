#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# collect-runtime.sh BINARY TARGET: TARGET becomes a root file system that holds the stripped binary, the shared
# libraries that it loads with their licences, the authorities that it trusts, and what name resolution reads.
set -euo pipefail
binary=$1
root=$2

mkdir -p "$root/usr/local/bin" "$root/etc"
strip -o "$root/usr/local/bin/fusewire" "$binary"

# Debian's /lib is a link to /usr/lib; in the image it is a folder of its own, which the loader takes as well.
ldd "$binary" | grep -oE '/[^ ]+' | while read -r library; do
  file=$(realpath "$library")
  install -D -m 755 "$file" "$root$library"
  # dpkg knows some libraries under /lib and some under /usr/lib, which are the same folder in Debian.
  package=$({ dpkg-query -S "$file" "${file#/usr}" 2>/dev/null || true; } | head -n 1 | cut -d: -f1)
  notice=/usr/share/doc/$package/copyright
  if [[ -e $notice ]]; then install -D -m 644 "$notice" "$root$notice"; fi
done

# Where the library looks (`openssl version -d`), as in Debian: one file, which an operator may mount another one over.
install -D -m 644 /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
install -D -m 644 /usr/share/doc/ca-certificates/copyright "$root/usr/share/doc/ca-certificates/copyright"
mkdir -p "$root/usr/lib/ssl"
ln -s /etc/ssl/certs "$root/usr/lib/ssl/certs"
ln -s /etc/ssl/certs/ca-certificates.crt "$root/usr/lib/ssl/cert.pem"

printf 'hosts: files dns\n' >"$root/etc/nsswitch.conf"
printf 'fusewire:x:65532:65532::/:/usr/local/bin/fusewire\n' >"$root/etc/passwd"
printf 'fusewire:x:65532:\n' >"$root/etc/group"

chroot "$root" /usr/local/bin/fusewire version

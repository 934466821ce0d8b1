# SPDX-License-Identifier: Apache-2.0
# Sourced: a bare Debian 12 in a folder, that reads its packages from where this machine does. As root.
# shellcheck shell=bash

# What apt of this machine reads Debian 12 from, a line each; else Debian itself.
archives() {
  local found
  found=$(apt-get --print-uris update 2>/dev/null |
    sed -nE "s#^'(https?://[^' ]+)/dists/(bookworm(-updates|-security)?)/InRelease'.*#deb \1 \2 main#p" | sort -u)
  if ! grep -q ' bookworm main$' <<<"$found"; then
    found="deb http://deb.debian.org/debian bookworm main
deb http://deb.debian.org/debian bookworm-updates main
deb http://deb.debian.org/debian-security bookworm-security main"
  fi
  echo "$found"
}

# How it reaches them: proxies, retries, and the authorities behind https, of which a bare Debian has none.
ways() {  # FOLDER
  apt-config dump | grep -E '^Acquire::(https?|Check-|Retries)' | grep -vE 'Auto-?Detect|CAInfo' || true
  if [[ -e $1/etc/apt/authorities.pem ]]; then echo 'Acquire::https::CAInfo "/etc/apt/authorities.pem";'; fi
}

make_debian() {  # FOLDER
  local sources authorities=/etc/ssl/certs/ca-certificates.crt
  sources=$(archives)
  debootstrap --variant=minbase bookworm "$1" "$(sed -nE 's/^deb (.*) bookworm main$/\1/p' <<<"$sources" | head -n 1)" \
    >"$1.log" 2>&1 || { tail -n 40 "$1.log"; return 1; }
  echo "$sources" >"$1/etc/apt/sources.list"
  if grep -q https: <<<"$sources" && [[ -e $authorities ]]; then cp "$authorities" "$1/etc/apt/authorities.pem"; fi
  ways "$1" >"$1/etc/apt/apt.conf.d/99this-machine"
  # What Debian's installer writes.
  printf '%s\n' '127.0.0.1 localhost' '::1 localhost ip6-localhost ip6-loopback' 'ff02::1 ip6-allnodes' 'ff02::2 ip6-allrouters' \
    >"$1/etc/hosts"
}

# The same from an archive in build/, which is made where there is none of this week.
unpack_debian() {  # FOLDER
  local archive=build/debian-12.tar
  mkdir -p build "$1"
  if [[ -z $(find "$archive" -mtime -7 2>/dev/null) ]]; then
    make_debian "$1"
    tar -C "$1" --create --file "$archive.new" --one-file-system .
    mv "$archive.new" "$archive"
  else
    tar -C "$1" --extract --file "$archive"
  fi
}

# With an environment of its own.
inside_debian() {  # FOLDER COMMAND…
  local root=$1 kept=() name
  shift
  for name in http_proxy https_proxy no_proxy; do
    if [[ -n ${!name:-} ]]; then kept+=("$name=${!name}"); fi
  done
  chroot "$root" env -i HOME=/root TERM=dumb DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "${kept[@]}" "$@"
}

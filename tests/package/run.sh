#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: tests/package/run.sh [FOLDER-OF-THE-BUILD]
# The Debian package in a bare Debian 12 (debootstrap, in a folder): installed, run as its user, upgraded, removed and
# purged, as piuparts does it. What the operator has changed in the configuration stays until the purge, and after it nothing
# is left. As root.
set -euo pipefail
build=$(realpath "${1:-build/release}")
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=.ci/debian.sh
source .ci/debian.sh

if [[ ${2:-} != --inside ]]; then
  ((EUID == 0)) || { echo "$0: needs root" >&2; exit 1; }
  folder=$(mktemp -d -p "${TMPDIR:-/var/tmp}" fusewire-package-XXXXXX)
  trap 'rm -rf --one-file-system "$folder"' EXIT
  unshare --mount --pid --fork --kill-child tests/package/run.sh "$build" --inside "$folder"
  exit
fi
folder=$3
mount -t tmpfs none /run  # for the name of a network namespace
root=$folder/debian
mkdir "$folder/packages"
fail() { echo "FAILED: $*" >&2; exit 1; }
inside() { inside_debian "$root" "$@"; }

make_packages() {
  (cd "$build" && cpack -G DEB -B "$folder/packages" >"$folder/cpack.log" 2>&1) || { cat "$folder/cpack.log"; exit 1; }
  new=$(find "$folder/packages" -maxdepth 1 -name '*.deb')
  [[ -e $new ]] || fail "cpack has made no package"
  # The version before, as the repository would have it.
  dpkg-deb -R "$new" "$folder/old"
  sed -i 's/^Version: .*/Version: 0.0.9/' "$folder/old/DEBIAN/control"
  dpkg-deb --root-owner-group -b "$folder/old" "$folder/old.deb" >/dev/null
  echo "$(basename "$new"): $(($(stat -c %s "$new") / 1024)) KiB; depends on $(dpkg-deb -f "$new" Depends)"
}

# Files, users and packages. Dpkg's own records, logs and caches change with everything that is done.
everything() {
  inside find / -xdev \( -path /proc -o -path /dev -o -path /sys -o -path /tmp -o -path /run -o -path /var/cache -o -path /var/log \
    -o -path /var/lib/dpkg -o -path /var/lib/apt \) -prune -o -printf '%y %m %U %G %p\n' | sort
}

install_dependencies() {
  inside apt-get -qq update
  # shellcheck disable=SC2046  # words
  inside apt-get -qq -y --no-install-recommends install \
    $(dpkg-deb -f "$new" Depends | tr ',' '\n' | sed -E 's/ *\(.*\)//; s/\|.*//') >"$folder/apt.log" 2>&1 || { cat "$folder/apt.log"; exit 1; }
}

install_package() {  # FILE
  cp "$1" "$root/tmp/fusewire.deb"
  inside dpkg --force-confold -i /tmp/fusewire.deb >"$folder/dpkg.log" 2>&1 || { cat "$folder/dpkg.log"; exit 1; }
}

expect_good_install() {
  inside fusewire version
  inside fusewire check -c /etc/fusewire/fusewire.yaml
  inside getent passwd fusewire >/dev/null || fail "no user"
  [[ $(inside stat -c '%a %U:%G' /etc/fusewire) == "750 root:fusewire" ]] || fail "/etc/fusewire is open to others"
  for file in /usr/bin/fusewire /lib/systemd/system/fusewire.service /lib/systemd/system/fusewire.socket /usr/share/doc/fusewire/copyright /usr/share/doc/fusewire/changelog.gz; do
    inside test -s "$file" || fail "$file is missing"
  done
}

# As the unit would: its user, its environment; the network is the loopback of a namespace of its own.
expect_to_serve() {
  cat >"$root/tmp/serve" <<'SCRIPT'
set -eu
FUSEWIRE_CONFIG=/etc/fusewire/fusewire.yaml setpriv --reuid fusewire --regid fusewire --init-groups --no-new-privs \
  --bounding-set=-all --inh-caps=-all fusewire run >/tmp/fusewire.log 2>&1 &
for i in $(seq 100); do
  if fusewire status --ready >/dev/null 2>&1; then break; fi
  sleep 0.1
done
fusewire status --ready
kill $!
wait $!
SCRIPT
  ip netns add fusewire-package
  ip -n fusewire-package link set lo up
  ip netns exec fusewire-package bash -c "$(declare -f inside_debian); inside_debian '$root' sh /tmp/serve" ||
    { cat "$root/tmp/fusewire.log"; fail "it does not serve, or does not end well"; }
  ip netns delete fusewire-package
}

make_packages
if command -v lintian >/dev/null; then
  # It is no package of Debian's own: no bug of the archive's is closed, and there is no source package.
  lintian --allow-root --fail-on error --suppress-tags initial-upload-closes-no-bugs,bogus-mail-host-in-debian-changelog "$new"
fi
if command -v systemd-analyze >/dev/null; then
  said=$(systemd-analyze verify packaging/fusewire.service 2>&1 | grep -v 'fusewire is not executable' || true)
  [[ -z $said ]] || fail "the unit: $said"
fi
unpack_debian "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
install_dependencies
everything >"$folder/before"

echo "== install"
install_package "$folder/old.deb"
expect_good_install
expect_to_serve
echo "== upgrade, with a configuration that has been changed"
echo "# mine" >>"$root/etc/fusewire/fusewire.yaml"
install_package "$new"
expect_good_install
grep -qx '# mine' "$root/etc/fusewire/fusewire.yaml" || fail "the upgrade has overwritten the configuration"
# shellcheck disable=SC2016  # the dollar is dpkg's
[[ $(inside dpkg-query -W -f '${Version}' fusewire) != 0.0.9 ]] || fail "the version is still the old one"
echo "== remove"
inside dpkg -r fusewire >/dev/null
[[ ! -e $root/usr/bin/fusewire && ! -e $root/lib/systemd/system/fusewire.service ]] || fail "the program is still there"
grep -qx '# mine' "$root/etc/fusewire/fusewire.yaml" || fail "the removal has taken the configuration"
echo "== purge"
inside dpkg -P fusewire >/dev/null
everything >"$folder/after"
# The user stays, in the files that say which users there are.
left=$(diff "$folder/before" "$folder/after" | grep '^[<>]' | grep -vE ' /etc/(passwd|group|shadow|gshadow|subuid|subgid)-?$' || true)
[[ -z $left ]] || fail "left behind, or changed: $left"
echo "nothing is left but the user"

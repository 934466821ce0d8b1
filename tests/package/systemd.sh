#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: tests/package/systemd.sh [FOLDER-OF-THE-BUILD]
# The Debian package's unit under a real systemd, which is booted in namespaces of its own on a bare Debian 12: started when
# it says so, reloaded, not reloaded with an error in the file, restarted, stopped, and with what hardens it in force; and
# its socket, on port 80 and without a capability: the first connection starts it, and restarts refuse none. As root, with
# cgroup 2; else it is skipped.
set -euo pipefail
build=$(realpath "${1:-build/release}")
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=.ci/debian.sh
source .ci/debian.sh
fail() { echo "FAILED: $*" >&2; exit 1; }
inside() { inside_debian "$root" "$@"; }

install_all() {
  mkdir "$folder/packages"
  (cd "$build" && cpack -G DEB -B "$folder/packages" >"$folder/log" 2>&1) || { cat "$folder/log"; exit 1; }
  unpack_debian "$root"
  mount -t proc proc "$root/proc"
  mount --rbind /dev "$root/dev"
  cp "$folder"/packages/*.deb "$root/var/tmp/fusewire.deb"
  inside bash -ec 'apt-get -qq update
    apt-get -qq -y --no-install-recommends install systemd procps /var/tmp/fusewire.deb
    systemctl enable fusewire' >"$folder/log" 2>&1 || { tail -n 40 "$folder/log"; exit 1; }
}

# What runs at the end of the boot; its output is the result.
write_probe() {
  cat >"$root/etc/systemd/system/probe.service" <<'UNIT'
[Unit]
After=fusewire.service
[Service]
Type=oneshot
ExecStart=/bin/bash /var/lib/probe
UNIT
  ln -sf ../probe.service "$root/etc/systemd/system/multi-user.target.wants/probe.service"
  cat >"$root/var/lib/probe" <<'PROBE'
exec >/var/lib/result 2>&1
active() { echo "$1: $(systemctl is-active fusewire) $(fusewire status --ready)"; }
file=/etc/fusewire/fusewire.yaml
active started
systemctl reload fusewire && active reloaded
cp $file /var/lib/kept
echo 'nonsense: 1' >>$file
systemctl reload fusewire || active 'not reloaded'
cat /var/lib/kept >$file
systemctl restart fusewire && active restarted
grep -E '^(CapEff|NoNewPrivs|Seccomp):' /proc/$(systemctl show fusewire -p MainPID --value)/status | tr '\t' ' '
systemctl show fusewire -p User
systemctl stop fusewire && systemctl show fusewire -p Result

mkdir -p /etc/systemd/system/fusewire.{socket,service}.d
printf '[Socket]\nListenStream=\nListenStream=127.0.0.1:80\n' >/etc/systemd/system/fusewire.socket.d/port.conf
printf '[Unit]\nStartLimitIntervalSec=0\n[Service]\nCapabilityBoundingSet=\nAmbientCapabilities=\n' >/etc/systemd/system/fusewire.service.d/port.conf
sed -i s/127.0.0.1:8080/127.0.0.1:80/ $file
systemctl daemon-reload
systemctl start fusewire.socket
echo "before a connection: $(systemctl is-active fusewire)"
exec 9<>/dev/tcp/127.0.0.1/80
printf 'GET / HTTP/1.0\r\nHost: localhost\r\n\r\n' >&9
read -r line <&9
echo "answered: ${line%$'\r'}"
exec 9>&-
active 'by its socket'
grep '^CapBnd:' /proc/$(systemctl show fusewire -p MainPID --value)/status | tr '\t' ' '
(
  refused=0
  while [ ! -e /run/restarted ]; do (exec 9<>/dev/tcp/127.0.0.1/80) 2>/dev/null || refused=$((refused + 1)); done
  echo "refused: $refused"
) &
for _ in 1 2 3; do systemctl restart fusewire; done
touch /run/restarted
wait
active 'restarted by its socket'
systemctl stop fusewire.socket fusewire && systemctl show fusewire.socket -p Result
journalctl -u fusewire --no-pager -o cat >/var/lib/journal
kill -s RTMIN+4 1  # switch off
PROBE
}

boot() {
  mount --bind "$root" "$root"
  mount -t proc proc "$root/proc"
  mount -t sysfs sysfs "$root/sys"
  mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
  mount -t tmpfs tmpfs "$root/run"
  mount --rbind /dev "$root/dev"
  ip link set lo up
  exec chroot "$root" env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --show-status=no
}

case ${2:-} in
  --install)
    folder=$3 root=$3/debian
    install_all
    write_probe
    ;;
  --boot)
    root=$3/debian
    boot
    ;;
  *)
    if ((EUID != 0)) || ! grep -qw cgroup2 /proc/filesystems || ! unshare --mount --pid --net --cgroup --fork true 2>/dev/null; then
      echo "skipped: systemd can't be booted here (root, namespaces and cgroup 2)"
      exit 0
    fi
    folder=$(mktemp -d -p "${TMPDIR:-/var/tmp}" fusewire-systemd-XXXXXX)
    trap 'rm -rf --one-file-system "$folder"' EXIT
    unshare --mount --pid --fork --kill-child tests/package/systemd.sh "$build" --install "$folder"
    # It ends with the status of a machine that is switched off.
    timeout 120 unshare --mount --pid --net --cgroup --uts --ipc --fork --kill-child \
      tests/package/systemd.sh "$build" --boot "$folder" >"$folder/boot.log" 2>&1 || true
    result=$folder/debian/var/lib/result
    [[ -e $result ]] || { tail -n 20 "$folder/boot.log"; fail "systemd has not come up"; }
    wanted="started: active ready
reloaded: active ready
not reloaded: active ready
restarted: active ready
NoNewPrivs: 1
Seccomp: 2
CapEff: 0000000000000400
User=fusewire
Result=success
before a connection: inactive
answered: HTTP/1.1 502 Bad Gateway
by its socket: active ready
CapBnd: 0000000000000000
refused: 0
restarted by its socket: active ready
Result=success"
    # What systemctl says of the reload that fails is not compared.
    said=$(grep -vE '^(Job for|See ")' "$result")
    if [[ $(sort <<<"$said") != "$(sort <<<"$wanted")" ]]; then
      cat "$result" "$folder/debian/var/lib/journal"
      fail "the unit does something else"
    fi
    echo "$said"
    ;;
esac

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The one list of Debian 12 packages that Fusewire is built, tested and checked with.
#   docker/install-build-deps.sh [build] [test] [bench] [ci] [browser] [image]      (none named: build)
# Where everything is already there it only asks dpkg. It never starts a service.
set -euo pipefail

build=(
  build-essential cmake ninja-build ccache mold ca-certificates
  libboost1.81-dev libboost-json1.81-dev libboost-url1.81-dev libyaml-cpp-dev libre2-dev libspdlog-dev prometheus-cpp-dev
  libcli11-dev libssl-dev doctest-dev libbenchmark-dev
)
# What tests/run.sh talks to: a real upstream, real clients, judges of metrics, a hosts file that can be rewritten.
test=(nginx curl openssl prometheus python3-prometheus-client libnss-wrapper)
# What bench/ measures with and against.
bench=(nginx haproxy wrk openssl python3 valgrind)
# Sanitizers, fuzzing, coverage and the other checks of .ci/run, which makes a bare Debian for one of them.
ci=(clang-14 clang libclang-rt-14-dev llvm clang-format clang-tidy gcovr shellcheck python3 wrk haproxy debootstrap iproute2)
# What makes packages and images, and judges them.
image=(buildah debootstrap python3 dpkg-dev file lintian iproute2)
# A real WebSocket client and server, and Kubernetes' reader of manifests. Debian's packages of them clash with those of
# other sources, so any that are there already will do.
{ command -v node && command -v npm; } >/dev/null || ci+=(nodejs npm)
command -v kubectl >/dev/null || ci+=(kubernetes-client)

# What tests/dashboard/run.sh looks at the dashboard with.
browser=(chromium fonts-dejavu-core)
{ command -v node && command -v npm; } >/dev/null || browser+=(nodejs npm)

wanted=()
for group in "${@:-build}"; do
  case "$group" in
    build) wanted+=("${build[@]}") ;;
    test) wanted+=("${test[@]}") ;;
    bench) wanted+=("${bench[@]}") ;;
    ci) wanted+=("${ci[@]}") ;;
    browser) wanted+=("${browser[@]}") ;;
    image) wanted+=("${image[@]}") ;;
    *) echo "usage: $0 [build] [test] [bench] [ci] [browser] [image]" >&2; exit 2 ;;
  esac
done

missing=()
installed=" $(dpkg-query -W -f='${db:Status-Abbrev}${Package} ' 2>/dev/null) "
for package in "${wanted[@]}"; do
  [[ $installed == *" ii $package "* ]] || missing+=("$package")
done
((${#missing[@]})) || exit 0

as_root=()
if ((EUID != 0)); then
  command -v sudo >/dev/null || { echo "$0: run as root, or install: ${missing[*]}" >&2; exit 1; }
  as_root=(sudo)
fi

# nginx, haproxy and prometheus are wanted as programs only: this file tells their packages not to start them.
policy=/usr/sbin/policy-rc.d
made_policy=
forbid_services() {
  [[ -e $policy ]] && return
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
  "${as_root[@]}" chmod 755 "$policy"
  made_policy=1
}
allow_services() { [[ -z $made_policy ]] || "${as_root[@]}" rm -f "$policy"; }
trap allow_services EXIT

apt() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120 -o Dpkg::Use-Pty=0 "$@" </dev/null; }

echo "installing: ${missing[*]}"
forbid_services
apt update || echo "apt-get update failed; going on with the package lists of before" >&2
apt install -y --no-install-recommends "${missing[@]}" >/dev/null

# On a machine with systemd they would otherwise come up at its next boot.
if [[ -d /run/systemd/system ]]; then
  for service in nginx haproxy prometheus; do
    if [[ " ${missing[*]} " == *" $service "* ]]; then "${as_root[@]}" systemctl disable --quiet "$service" || true; fi
  done
fi

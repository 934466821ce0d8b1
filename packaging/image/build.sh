#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: packaging/image/build.sh [--binary FILE] OUT
# Makes the container image without a container engine's daemon and without a registry: OUT/fusewire.oci.tar (an OCI
# archive: skopeo copy oci-archive:…, podman load, docker load since 25) and OUT/sbom.spdx.json. In a bare Debian 12
# (debootstrap, in a folder) the program is built and what it loads is collected, as in the Dockerfile; buildah makes the
# image of it. With --binary a program that was built on Debian 12 is taken.
# The same sources, packages and SOURCE_DATE_EPOCH (by default the last commit's time) give the same bytes. As root; wants
# buildah and debootstrap (docker/install-build-deps.sh image).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=.ci/debian.sh
source .ci/debian.sh

binary=
if [[ ${1:-} == --binary ]]; then binary=$(realpath "$2"); shift 2; fi
out=$(realpath -m "${1:?the folder for the image}")
((EUID == 0)) || { echo "$0: needs root" >&2; exit 1; }
if [[ ${2:-} != --inside ]]; then
  mkdir -p "$out"
  folder=$(mktemp -d -p "${TMPDIR:-/var/tmp}" fusewire-image-XXXXXX)
  trap 'rm -rf --one-file-system "$folder"' EXIT
  unshare --mount --pid --fork --kill-child "$PWD/packaging/image/build.sh" ${binary:+--binary "$binary"} "$out" --inside "$folder"
  exit
fi
folder=$3
root=$folder/debian
epoch=${SOURCE_DATE_EPOCH:-$(git -c safe.directory="$PWD" log -1 --format=%ct)}
export SOURCE_DATE_EPOCH=$epoch
inside() { inside_debian "$root" "$@"; }
quietly() { "$@" >"$folder/log" 2>&1 || { tail -n 40 "$folder/log"; exit 1; }; }
version=$(sed -nE 's/^project\(fusewire VERSION ([0-9.]+).*/\1/p' CMakeLists.txt)

# The packages of what the program loads, as this machine's dpkg knows them: some under /lib, some under /usr/lib.
libraries_of() {  # BINARY
  ldd "$1" | grep -oE '/[^ ]+' | xargs -n 1 realpath | sed -E 'p; s#^/usr##' | xargs dpkg-query -S 2>/dev/null | cut -d: -f1 | sort -u || true
}

unpack_debian "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
quietly inside apt-get -qq update
mkdir -p "$root/source/docker"
cp docker/*.sh "$root/source/docker/"
if [[ -n $binary ]]; then
  mapfile -t packages < <(libraries_of "$binary")
  quietly inside apt-get -qq -y --no-install-recommends install binutils ca-certificates "${packages[@]}"
  cp "$binary" "$root/source/fusewire"
else
  tar --create CMakeLists.txt CMakePresets.json config filters proxy examples/embed packaging | tar --extract -C "$root/source"
  quietly inside /source/docker/install-build-deps.sh build
  quietly inside bash -c 'cd /source && cmake --preset release -DFUSEWIRE_TESTS=OFF -DFUSEWIRE_BENCH=OFF &&
    cmake --build --preset release --target fusewire && cp build/release/fusewire .'
fi
quietly inside /source/docker/collect-runtime.sh /source/fusewire /image
image=$root/image
install -D -m 644 docker/default.yaml "$image/etc/fusewire/fusewire.yaml"
install -D -m 644 LICENSE "$image/usr/share/doc/fusewire/LICENSE"
# What is compiled in, or linked into the program itself: its licences want their notices, too.
built_on=$root
if [[ -n $binary ]]; then built_on=/; fi
compiled_in=(libboost1.81-dev libcli11-dev)
for package in "${compiled_in[@]}"; do
  install -D -m 644 "${built_on%/}/usr/share/doc/$package/copyright" "$image/usr/share/doc/$package/copyright"
done
python3 packaging/image/sbom.py "$root" "$built_on" "$image" "$version" "${compiled_in[@]}" >"$folder/sbom.spdx.json"
install -m 644 "$folder/sbom.spdx.json" "$image/usr/share/doc/fusewire/sbom.spdx.json"
find "$image" -exec touch --no-dereference --date "@$epoch" {} +

# Its storage is a folder of its own, without overlays: nothing of this machine's containers is seen or changed.
builder() { buildah --root "$folder/storage" --runroot "$folder/run" --storage-driver vfs "$@"; }
export BUILDAH_ISOLATION=chroot
container=$(builder from scratch)
builder copy --quiet "$container" "$image" / >/dev/null
builder config --user 65532:65532 --env FUSEWIRE_CONFIG=/etc/fusewire/fusewire.yaml --env PATH=/usr/local/bin \
  --port 8080/tcp --port 9902/tcp --entrypoint '["/usr/local/bin/fusewire"]' --cmd run --stop-signal SIGTERM \
  --label org.opencontainers.image.title=fusewire --label org.opencontainers.image.version="$version" \
  --label org.opencontainers.image.licenses=Apache-2.0 \
  --history-comment "" --created-by "packaging/image/build.sh" "$container"
quietly builder run --user 4321:4321 "$container" -- /usr/local/bin/fusewire version
builder commit --quiet --disable-compression=false --timestamp "$epoch" --omit-history "$container" "oci:$folder/oci:fusewire:$version" >/dev/null
tar -C "$folder/oci" --create --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$epoch" --file "$out/fusewire.oci.tar" .
cp "$folder/sbom.spdx.json" "$out/sbom.spdx.json"
rm -rf "$out/root"
if [[ -n ${KEEP_ROOT:-} ]]; then cp -a "$image" "$out/root"; fi
echo "$out/fusewire.oci.tar: $(($(du -sk "$image" | cut -f1) / 1024)) MiB unpacked, $(($(stat -c %s "$out/fusewire.oci.tar") / 1048576)) MiB packed"
sha256sum "$out/fusewire.oci.tar" | cut -d' ' -f1

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Bodies of 1 GiB through the proxy to a real nginx, up and down, Content-Length and chunked: the same bytes, and the
# proxy's memory stays under 64 MiB. Usage: large_bodies.sh BUILD_FOLDER [MIB]
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/rig.sh"
mib=${2:-1024}
write_config ""
start_nginx
start_proxy

# Incompressible and different everywhere, so that a piece lost or doubled shows.
openssl enc -aes-128-ctr -nosalt -K 00 -iv 00 </dev/zero 2>/dev/null | head -c "${mib}M" >"$folder/root/big" || true
[ "$(stat -c %s "$folder/root/big")" = $((mib * 1024 * 1024)) ] || fail "the test's file was not made"
want=$(sha256sum <"$folder/root/big")

[ "$(curl -sf "$url/big" | sha256sum)" = "$want" ] || fail "download differs"
echo "download of $mib MiB: same bytes"
curl -sf -T "$folder/root/big" "$url/upload/counted" || fail "upload with Content-Length"
[ "$(sha256sum <"$folder/root/upload/counted")" = "$want" ] || fail "upload with Content-Length differs"
rm "$folder/root/upload/counted"
echo "upload with Content-Length: same bytes"
curl -sf -H 'Transfer-Encoding: chunked' -T "$folder/root/big" "$url/upload/chunked" || fail "chunked upload"
[ "$(sha256sum <"$folder/root/upload/chunked")" = "$want" ] || fail "chunked upload differs"
echo "chunked upload: same bytes"

echo "peak memory of the proxy: $(peak_memory) KiB"
(($(peak_memory) < 64 * 1024)) || fail "the proxy used more than 64 MiB"

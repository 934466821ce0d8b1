#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Bodies of 1 GiB through the proxy to a real nginx, up and down, Content-Length and chunked: the same bytes, and the
# proxy's memory stays under 64 MiB. Usage: large_bodies.sh BUILD_FOLDER [MIB]
set -euo pipefail
fusewire=$(realpath "${1:?the folder of the build}")/fusewire
mib=${2:-1024}
folder=$(mktemp -d /tmp/fusewire-large-XXXXXX)
pids=()
finish() {
  for pid in "${pids[@]}"; do kill -9 "$pid" && wait "$pid"; done 2>/dev/null
  rm -rf "$folder"
}
trap finish EXIT
fail() { echo "FAILED: $*" >&2; exit 1; }

read -r port_nginx port_proxy port_admin < <(python3 - <<'PY'
import socket
held = [socket.socket() for _ in range(3)]
for s in held: s.bind(("127.0.0.1", 0))
print(*(s.getsockname()[1] for s in held))
PY
)
mkdir -p "$folder/root/upload" "$folder/bodies"
cat >"$folder/nginx.conf" <<EOF
daemon off; master_process off; pid $folder/nginx.pid; error_log $folder/error.log;
events { worker_connections 64; }
http {
  access_log off; client_max_body_size 0; sendfile on;
  client_body_temp_path $folder/bodies; proxy_temp_path $folder/bodies; fastcgi_temp_path $folder/bodies;
  uwsgi_temp_path $folder/bodies; scgi_temp_path $folder/bodies;
  server { listen 127.0.0.1:$port_nginx; root $folder/root; location /upload/ { dav_methods PUT; } }
}
EOF
cat >"$folder/fusewire.yaml" <<EOF
listen: 127.0.0.1:$port_proxy
upstreams: {orders: "http://127.0.0.1:$port_nginx"}
admin: {address: "127.0.0.1:$port_admin"}
log: {level: warn, access: off}
EOF
nginx -p "$folder" -c "$folder/nginx.conf" & pids+=($!)
"$fusewire" run -c "$folder/fusewire.yaml" & proxy=$!; pids+=("$proxy")
curl -sf --retry 50 --retry-delay 0 --retry-connrefused -o /dev/null "http://127.0.0.1:$port_admin/admin/ready"
curl -s --retry 50 --retry-delay 0 --retry-connrefused -o /dev/null "http://127.0.0.1:$port_nginx/"

# Incompressible and different everywhere, so that a piece lost or doubled shows.
openssl enc -aes-128-ctr -nosalt -K 00 -iv 00 </dev/zero 2>/dev/null | head -c "${mib}M" >"$folder/root/big" || true
[ "$(stat -c %s "$folder/root/big")" = $((mib * 1024 * 1024)) ] || fail "the test's file was not made"
want=$(sha256sum <"$folder/root/big")
url=http://127.0.0.1:$port_proxy

[ "$(curl -sf "$url/big" | sha256sum)" = "$want" ] || fail "download differs"
echo "download of $mib MiB: same bytes"
curl -sf -T "$folder/root/big" "$url/upload/counted" || fail "upload with Content-Length"
[ "$(sha256sum <"$folder/root/upload/counted")" = "$want" ] || fail "upload with Content-Length differs"
rm "$folder/root/upload/counted"
echo "upload with Content-Length: same bytes"
curl -sf -H 'Transfer-Encoding: chunked' -T "$folder/root/big" "$url/upload/chunked" || fail "chunked upload"
[ "$(sha256sum <"$folder/root/upload/chunked")" = "$want" ] || fail "chunked upload differs"
echo "chunked upload: same bytes"

peak=$(awk '/VmHWM/ {print $2}' "/proc/$proxy/status")
echo "peak memory of the proxy: $peak KiB"
[ "$peak" -lt $((64 * 1024)) ] || fail "the proxy used $peak KiB, more than 64 MiB"

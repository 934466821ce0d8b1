# SPDX-License-Identifier: Apache-2.0
# Sourced by the load tests: a real nginx, the proxy before it, and their end. $1 is the folder of the build.
# shellcheck shell=bash
set -euo pipefail
PATH=$PATH:/usr/sbin
export no_proxy='*'  # of curl and Python, which speak to loopback alone
fusewire=$(realpath "${1:?the folder of the build}")/fusewire
folder=$(mktemp -d /tmp/fusewire-load-XXXXXX)
pids=()
options=()  # of the proxy, more than the file
finish() {
  for pid in "${pids[@]}"; do
    kill -9 "$pid" || continue
    wait "$pid" || true
  done 2>/dev/null
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
export url=http://127.0.0.1:$port_proxy admin=http://127.0.0.1:$port_admin

mkdir -p "$folder/root/upload" "$folder/bodies"
head -c 128 /dev/zero | tr '\0' x >"$folder/root/small"
cat >"$folder/nginx.conf" <<EOF
daemon off; master_process off; pid $folder/nginx.pid; error_log $folder/error.log;
events { worker_connections 4096; }
http {
  access_log off; client_max_body_size 0; sendfile on; keepalive_requests 1000000; open_file_cache max=16;
  client_body_temp_path $folder/bodies; proxy_temp_path $folder/bodies; fastcgi_temp_path $folder/bodies;
  uwsgi_temp_path $folder/bodies; scgi_temp_path $folder/bodies;
  server { listen 127.0.0.1:$port_nginx reuseport backlog=4096; root $folder/root; location /upload/ { dav_methods PUT; } }
}
EOF
write_config() {  # LINES-UNDER-THE-UPSTREAM
  cat >"$folder/next.yaml" <<EOF
listen: 127.0.0.1:$port_proxy
upstreams:
  orders:
    endpoints: ["http://127.0.0.1:$port_nginx"]
    fallback: {chain: []}
${1:-}
admin: {address: "127.0.0.1:$port_admin", token: load-test}
log: {level: info, access: off}
EOF
  mv "$folder/next.yaml" "$folder/fusewire.yaml"
}
start_nginx() {
  nginx -p "$folder" -c "$folder/nginx.conf" >"$folder/nginx.log" 2>&1 & nginx=$!; pids+=("$nginx")
  curl -s --retry 100 --retry-delay 0 --retry-connrefused -o /dev/null "http://127.0.0.1:$port_nginx/"
}
start_proxy() {
  "$fusewire" run -c "$folder/fusewire.yaml" "${options[@]}" >"$folder/fusewire.log" 2>&1 & proxy=$!; pids+=("$proxy")
  curl -sf --retry 100 --retry-delay 0 --retry-connrefused -o /dev/null "$admin/admin/ready"
}
peak_memory() { awk '/VmHWM/ {print $2}' "/proc/$proxy/status"; }  # KiB

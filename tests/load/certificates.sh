#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A certificate renewed every second under load over TLS, on kept and on new connections: no request fails, and each
# new certificate is shown.
# Usage: certificates.sh BUILD_FOLDER [SECONDS, default 20]
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/rig.sh"
seconds=${2:-20}

renew() {  # NUMBER: a certificate that bears it
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=number-$1" \
    -addext "subjectAltName=DNS:localhost" -keyout "$folder/next-key.pem" -out "$folder/next-cert.pem" 2>/dev/null
  mv "$folder/next-cert.pem" "$folder/cert.pem"  # for a moment the pair does not fit: the old one stays in use
  mv "$folder/next-key.pem" "$folder/key.pem"
}
shown() { openssl s_client -connect "127.0.0.1:$port_proxy" -servername localhost </dev/null 2>/dev/null | openssl x509 -noout -subject; }

renew 0
write_config ""
sed -i "s|^listen: .*|listeners: [{address: \"127.0.0.1:$port_proxy\", tls: {certificate: $folder/cert.pem, private_key: $folder/key.pem}}]|" \
  "$folder/fusewire.yaml"
start_nginx
start_proxy
secure=https://127.0.0.1:$port_proxy

wrk -t1 -c16 -d"${seconds}s" --timeout 5s "$secure/small" >"$folder/kept.txt" 2>&1 & kept=$!; pids+=("$kept")
wrk -t1 -c4 -d"${seconds}s" --timeout 5s -H "Connection: close" "$secure/small" >"$folder/new.txt" 2>&1 & new=$!; pids+=("$new")
number=0
until=$((SECONDS + seconds - 4))
while ((SECONDS < until)); do
  number=$((number + 1))
  renew "$number"
  for _ in {1..60}; do
    if [[ $(shown) == *"number-$number" ]]; then continue 2; fi
    sleep 0.05
  done
  fail "certificate $number was not shown: $(shown)"
done
wait "$kept"
wait "$new"
cat "$folder/kept.txt" "$folder/new.txt"

echo "$number certificates, peak memory $(peak_memory) KiB"
((number > 0)) || fail "no certificate was renewed"
for file in kept new; do
  ! grep -qE 'Socket errors|Non-2xx' "$folder/$file.txt" || fail "requests failed on $file connections"
done

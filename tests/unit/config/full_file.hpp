// SPDX-License-Identifier: Apache-2.0
// A file that uses every key that is built, no value being the default where another is possible.
#pragma once

namespace fusewire::config {

inline const char* const kFullFile = R"(version: 1
listeners:
  - name: front
    address: 127.0.0.1:8080
    tls: {certificate: /etc/passwd, private_key: /etc/passwd, client_ca: /etc/group, min_version: "1.3"}  # any files
    client_half_close: answer
    trust_forwarded: [10.0.0.0/8, "fd00::/8"]
    limits: {max_connections: 9, max_request_line: 4KiB, max_head_bytes: 16KiB, max_fields: 50, max_body: 1MB, head_timeout: 1s, body_timeout: 2s, idle_timeout: 3s, send_timeout: 4s, when_full: wait}
    routes:
      - name: canary
        match: {host: orders.local, path_prefix: /v1/, path: /v1/x, methods: [GET, PUT], headers: {x-canary: "1", "null": "~"}}
        upstream: orders
        upgrades: [websocket, "x/1"]
        requires: []
        rewrite: {host: preserve}
        normalize: reject_dot_segments
        request_headers: {set: {}, add: {}, remove: []}
        response_headers: {set: {}, add: {}, remove: []}
        retries: {attempts: 2, on: [connect_error, "503"], methods: [GET, POST], per_try_timeout: 1s, backoff: {base: 26ms, max: 251ms}, budget: {ratio: 0.3, min_per_second: 4, window: 11s}, max_body: 32KiB, hedge: {after: p90}}
        timeouts: {total: 5s}
        fallback: {on: [timeout], chain: []}
        circuit_breaker: {scope: route, transitions: {open_timeout: 31s}}
        limits: {max_concurrent_requests: 6, queue: {size: 5, timeout: 1s, priority_header: x-rank}, rate: {requests_per_second: 1.5, burst: 4}, adaptive_concurrency: {min_limit: 6, initial_limit: 22, max_limit: 998}}
      - {upstream: "123"}
  - {name: local, address: "unix:/run/fusewire/in.sock", mode: "0660", routes: [{upstream: orders.v2}]}
defaults:
  timeouts: {idle: 61s}
upstreams:
  orders:
    endpoints: [http://127.0.0.1:9000, {url: "http://[::1]:9000", weight: 2, backup: true}, "unix:/run/orders.sock", https://orders.example]
    dns_refresh: 31s
    load_balancing: {policy: hash, hash: {by: cookie, name: session}, slow_start: 10s}
    circuit_breaker:
      mode: shadow
      scope: endpoint
      preset: lenient
      detection:
        consecutive_failures: off
        consecutive_slow_calls: {threshold: 6, chance: 0.001}
        failure_count: {threshold: 6, window: 301s}
        failure_rate: {threshold: 0.55}
        slow_call_rate: {threshold: 0.45, slower_than: 1500ms, measure: body}
        window: {type: count_based, size: 99}
        minimum_calls: 11
      transitions: {open_timeout: 32s, backoff: {multiplier: 1.5, max: 299s, jitter: 0.3333333333333333}}
      recovery: {half_open_max_calls: 4, success_threshold: 5, strict_mode: false, max_half_open: 59s, settle_after: 9s, probe: {type: active, path: "/healthz?deep=1", interval: 251ms, timeout: 2s, expect: ["200", "204", "3xx"]}, ramp: {duration: 20s}}
      classify: {failure: [timeout, "5xx", 429, "1xx"], ignore: ["503", reset], response_headers: [{name: grpc-status, matches: "^(8|14)$"}], cascade: neutral}
    timeouts: {connect: 900ms, response: 14s, keep_alive: 58s, total: 59s, tunnel_idle: 59m, adaptive: {percentile: 0.95, multiplier: 3, min: 51ms, max: 14s, minimum_samples: 99, window: 61s}, deadline_header: off}
    retries: {attempts: 3, on: [reset], methods: idempotent, budget: off}
    limits: {max_connections: 7, max_concurrent_requests: 8, max_head_bytes: 63KiB, max_fields: 201, queue: {size: 127, timeout: 2s, priority_header: x-urgency}, rate: {requests_per_second: 0.5, burst: 3}, adaptive_concurrency: {min_limit: 5, initial_limit: 21, max_limit: 999}}
    fallback:
      on: [breaker_open, overload, "500", "404"]
      chain:
        - cache: {max_stale: 10m}
        - upstream: orders.v2
        - static: {status: 503, headers: {Content-Type: "text/html; charset=utf-8", Retry-After: "5"}, body: "line 1\n\"$${not a variable}\"\t\\ ü # : {\x01"}
    cache: {serve: on_error, request_directives: ignore, max_object: 2MiB, store_set_cookie: true, heuristic_fraction: 0.2}
    health_check: {path: /ready, interval: 6s, timeout: 2s, healthy: 3, unhealthy: 4}
    tls: {ca: /etc/passwd, certificate: /etc/group, private_key: /etc/passwd, server_name: orders.example, verify: true}
    read_only_when_open: false
  orders.v2: http://127.0.0.1:9001
  "123": {endpoints: ["http://a.b-c_d"], circuit_breaker: {preset: treasury}}
cache_memory: 63MiB
via: edge
admin: {address: "[::1]:9901", token: secret, read_requires_token: true, allowed_hosts: [ops.local], probes: 0.0.0.0:9902}
state: off
events:
  history: 999
  webhooks:
    - {name: chat, format: slack, url: "https://hooks.example", token_file: /proc/sys/kernel/ostype, on: [open, half_open, closed, override_set, override_ended, reset], ca: /etc/passwd, source: edge-1, timeout: 3s, retries: 5, min_interval: 11s}
    - {name: page, format: pagerduty, routing_key_file: /proc/sys/kernel/ostype, on: [closed, open]}
    - {name: own, template: "{\"a\": \"{{text}}\"}", url: "http://127.0.0.1:1"}
tracing: {otlp_endpoint: "http://127.0.0.1:4319", sample_ratio: 0.5, service_name: shop}
log: {level: off, format: text, access: off, access_sample: 0.5}
shutdown: {drain_timeout: 19s, grace: 1s}
runtime: {workers: 2}
)";

}  // namespace fusewire::config

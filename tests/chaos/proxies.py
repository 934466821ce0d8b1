# SPDX-License-Identifier: Apache-2.0
"""The proxies under test. Fusewire has its README's keys and no others; it as well, nginx and HAProxy are set as a competent operator sets them for clients that
wait two seconds. An upstream: name, ports, whether its answers are cacheable."""
import dataclasses
import os

from stage import HOST, free_ports

NAMES = {"fusewire": "Fusewire", "fusewire_set": "Fusewire, set", "nginx": "nginx", "haproxy": "HAProxy"}


@dataclasses.dataclass
class Upstream:
    name: str
    ports: list
    cacheable: bool


# How nginx and HAProxy are set below, in our keys.
SET = """defaults:
  timeouts: {connect: 300ms, response: 600ms, total: 1900ms}
  retries: {attempts: 2, on: [connect_error, reset, timeout, protocol_error, "500", "502", "503", "504"]}
"""


def fusewire_set(stage, binary, port, upstreams):
    return fusewire(stage, binary, port, upstreams, SET)


def fusewire(stage, binary, port, upstreams, more=""):
    """The README's keys: where to listen, the endpoints; where answers are cacheable, how stale they may be. The admin address is for the sake of others
    on this machine."""
    lines = [f"{more}listen: {HOST}:{port}", "upstreams:"]
    for one in upstreams:
        lines.append(f"  {one.name}:\n    endpoints: [{', '.join(f'http://{HOST}:{p}' for p in one.ports)}]")
        if one.cacheable:
            lines.append("    fallback: {chain: [{cache: {max_stale: 10m}}]}")
    lines.append(f'admin: {{address: "{HOST}:{free_ports(1)[0]}"}}\n')
    return [str(binary), "run", "-c", stage.write(f"fusewire-{port}.yaml", "\n".join(lines))]


NGINX = """daemon off;
worker_processes 2;
{user}
pid {folder}/nginx.pid;
error_log /dev/null;
worker_rlimit_nofile 20000;
events {{ worker_connections 8192; }}
http {{
  access_log off;
  client_body_temp_path {folder}/nginx-body;
  proxy_temp_path {folder}/nginx-proxy;
  fastcgi_temp_path {folder}/nginx-fastcgi;
  uwsgi_temp_path {folder}/nginx-uwsgi;
  scgi_temp_path {folder}/nginx-scgi;
  proxy_cache_path {folder}/nginx-cache keys_zone=answers:16m inactive=10m;
  keepalive_requests 1000000;
  proxy_http_version 1.1;
  proxy_set_header Connection "";
  proxy_connect_timeout 300ms;
  proxy_read_timeout 600ms;
  proxy_next_upstream error timeout invalid_header http_500 http_502 http_503 http_504;
  proxy_next_upstream_tries 3;
  proxy_next_upstream_timeout 1900ms;
{upstreams}
}}
"""

NGINX_UPSTREAM = """  upstream {name} {{
    zone {name} 256k;
    least_conn;
{servers}
    keepalive 64;
    keepalive_requests 1000000;
  }}
  server {{
    listen {host}:{port}{backlog};
    server_name {name};
    location / {{
      proxy_pass http://{name};
{cache}
    }}
  }}"""

NGINX_CACHE = """      proxy_cache answers;
      proxy_cache_valid 200 1s;
      proxy_cache_lock on;
      proxy_cache_use_stale error timeout invalid_header updating http_500 http_502 http_503 http_504;"""


def nginx(stage, _binary, port, upstreams):
    blocks = []
    for one in upstreams:
        servers = "\n".join(f"    server {HOST}:{p} max_fails=3 fail_timeout=1s max_conns=100;" for p in one.ports)
        blocks.append(NGINX_UPSTREAM.format(name=one.name, servers=servers, host=HOST, port=port, backlog="" if blocks else " backlog=4096", cache=NGINX_CACHE if one.cacheable else ""))
    text = NGINX.format(folder=stage.folder, user="user root root;" if os.geteuid() == 0 else "", upstreams="\n".join(blocks))
    return ["nginx", "-p", str(stage.folder), "-c", stage.write(f"nginx-{port}.conf", text)]


HAPROXY = """global
  nbthread 2
  maxconn 8000
cache answers
  total-max-size 64
  max-age 60
defaults
  mode http
  timeout connect 300ms
  timeout client 75s
  timeout server 600ms
  timeout queue 500ms
  balance leastconn
  retries 2
  option redispatch 1
  retry-on conn-failure empty-response junk-response response-timeout 500 502 503 504
  option httpchk GET /health
  default-server maxconn 100 check inter 500ms fall 2 rise 2 observe layer7 error-limit 10 on-error mark-down
frontend main
  bind {host}:{port} backlog 4096
{uses}
"""

HAPROXY_BACKEND = """backend {name}
  http-request disable-l7-retry if !METH_GET
{cache}
{servers}
"""

HAPROXY_CACHE = """  http-request cache-use answers
  http-response cache-store answers"""


def haproxy(stage, _binary, port, upstreams):
    uses = "\n".join(f"  use_backend {one.name} if {{ hdr(host) {one.name} }}" for one in upstreams)
    text = HAPROXY.format(host=HOST, port=port, uses=uses)
    for one in upstreams:
        servers = "\n".join(f"  server e{i} {HOST}:{p}" for i, p in enumerate(one.ports))
        text += HAPROXY_BACKEND.format(name=one.name, servers=servers, cache=HAPROXY_CACHE if one.cacheable else "")
    return ["haproxy", "-db", "-f", stage.write(f"haproxy-{port}.cfg", text)]


COMMANDS = {"fusewire": fusewire, "fusewire_set": fusewire_set, "nginx": nginx, "haproxy": haproxy}

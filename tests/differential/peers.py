# SPDX-License-Identifier: Apache-2.0
"""Fusewire, nginx and HAProxy on loopback ports of the kernel's choice, each with as many lanes (a listener with an
origin of its own) as are worked in at the same time."""

import os
import shutil
import socket
import subprocess
import time

from origin import PATIENCE, Origin

FUSEWIRE = """
listeners:
%s
upstreams:
%s
defaults: {circuit_breaker: {mode: disabled}, fallback: {chain: []}}
admin: {address: "127.0.0.1:%d"}
log: {level: warn, access: off}
runtime: {workers: 1}
"""

NGINX = """
daemon off;
master_process off;
worker_processes 1;
pid nginx.pid;
error_log nginx-error.log crit;
events { worker_connections 1000; }
http {
  access_log off;
  client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5;
  proxy_http_version 1.1;
  proxy_set_header Connection "";
  proxy_set_header Host $host;
%s
}
"""

HAPROXY = """
global
  nbthread 1
  maxconn 1000
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
%s
"""


class Peer:
    """One proxy; `ports` and `origins` by lane."""

    def __init__(self, name, lanes, folder):
        self.name = name
        self.folder = os.path.join(folder, name)
        os.mkdir(self.folder)
        self.origins = [Origin() for _ in range(lanes)]
        # Bound and never listening, so that nobody else is given these ports.
        self.held = [self.hold() for _ in range(lanes + 1)]
        self.ports = [held.getsockname()[1] for held in self.held[:lanes]]
        self.process = None

    @staticmethod
    def hold():
        held = socket.socket()
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        return held

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def lanes(self, line):
        return "\n".join(line % {"lane": lane, "port": port, "origin": origin.port}
                         for lane, (port, origin) in enumerate(zip(self.ports, self.origins)))

    def start(self, binary):
        log = open(os.path.join(self.folder, "log"), "wb")  # pylint: disable=consider-using-with
        self.process = subprocess.Popen(  # pylint: disable=consider-using-with
            self.command(binary), cwd=self.folder, stdout=log, stderr=log)
        until = time.monotonic() + PATIENCE
        for port in self.ports:
            while not self.accepts(port):
                if self.process.poll() is not None or time.monotonic() > until:
                    with open(log.name, encoding="utf-8", errors="replace") as text:
                        raise SystemExit(f"{self.name} does not start:\n{text.read()}")

    @staticmethod
    def accepts(port):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return True
        except OSError:
            return False

    def stop(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def command(self, binary):
        if self.name == "fusewire":
            listeners = self.lanes('  - {name: l%(lane)d, address: "127.0.0.1:%(port)d", routes: [{upstream: u%(lane)d, rewrite: {host: preserve}}]}')
            upstreams = self.lanes("  u%(lane)d: http://127.0.0.1:%(origin)d")
            path = self.write("fusewire.yaml", FUSEWIRE % (listeners, upstreams, self.held[-1].getsockname()[1]))
            return [binary, "run", "-c", path]
        if self.name == "nginx":
            servers = self.lanes("  upstream u%(lane)d { server 127.0.0.1:%(origin)d; keepalive 8; }\n"
                                 "  server { listen 127.0.0.1:%(port)d; location / { proxy_pass http://u%(lane)d; } }")
            return [shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin") or "nginx", "-p", self.folder,
                    "-c", self.write("nginx.conf", NGINX % servers)]
        pairs = self.lanes("frontend f%(lane)d\n  bind 127.0.0.1:%(port)d\n  default_backend b%(lane)d\n"
                           "backend b%(lane)d\n  http-reuse always\n  server s 127.0.0.1:%(origin)d")
        return [shutil.which("haproxy", path=os.environ["PATH"] + ":/usr/sbin") or "haproxy", "-db", "-f",
                self.write("haproxy.cfg", HAPROXY % pairs)]

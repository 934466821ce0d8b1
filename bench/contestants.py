# SPDX-License-Identifier: Apache-2.0
"""The proxies under test, configured alike: one core, one worker, kept connections on both sides, no access log where the name does not say so."""
import dataclasses
import http.client
import json
import os
import pathlib
import subprocess

from stage import HOST, fill, free_ports, wait_for

NAMES = {"relay": "raw relay", "fusewire": "Fusewire", "haproxy": "HAProxy", "nginx": "nginx",
         "haproxy-64k": "HAProxy, 64 KiB buffers", "nginx-64k": "nginx, 64 KiB buffers",
         "fusewire-log": "Fusewire, access log on", "fusewire-storing": "Fusewire, storing answers",
         "fusewire-observed": "Fusewire, traces of 1 %, access log, dashboard open",
         "haproxy-log": "HAProxy, its log on", "nginx-log": "nginx, its log on",
         "fusewire-several": "Fusewire", "haproxy-several": "HAProxy", "nginx-several": "nginx",
         "fusewire-several-eight": "Fusewire, 1 upstream × 8 endpoints",
         "fusewire-several-large": "Fusewire, 1,000 upstreams × 8 endpoints",
         "fusewire-small": "Fusewire, 1 upstream × 1 route", "fusewire-large": "Fusewire, 1,000 upstreams × 10,000 routes"}
SIZES = {"small": (1, 1), "large": (1000, 10000)}  # upstreams, routes
SEVERAL = {"fusewire-several": (1, 4), "fusewire-several-eight": (1, 8), "fusewire-several-large": (1000, 8)}  # upstreams, endpoints of each
TOKEN = {"Authorization": "Bearer bench"}


@dataclasses.dataclass
class Contestant:
    name: str
    process: subprocess.Popen
    port: int
    admin: int = 0
    path: str = ""  # where it differs from the case's
    host: str = ""
    viewer: subprocess.Popen | None = None


@dataclasses.dataclass
class Setting:
    """What a case wants of every proxy in it."""
    workers: int = 1
    tls: bool = False
    rejection: str = "rejected"


class Cast:
    """Starts contestants on a stage, before one origin."""

    def __init__(self, stage, cores, fusewire, tools):
        self.stage, self.cores = stage, cores
        self.fusewire, self.tools = str(fusewire), pathlib.Path(tools)
        # One process: with one for each port, the load's core would change between them more than it would work.
        self.origins = free_ports(max(endpoints for _, endpoints in SEVERAL.values()))
        self.origin = self.origins[0]
        self.stage.start([str(self.tools / "bench_origin"), *map(str, self.origins)], self.cores.load(1), self.origin)

    def start(self, name, setting):
        port, admin = free_ports(2)
        starter = {"relay": self._relay, "haproxy": self._haproxy, "haproxy-64k": self._haproxy, "nginx": self._nginx, "haproxy-log": self._haproxy, "nginx-log": self._nginx,
                   "nginx-64k": self._nginx, "fusewire-small": self._routed, "fusewire-large": self._routed,
                   "fusewire-several": self._several, "fusewire-several-eight": self._several, "fusewire-several-large": self._several,
                   "haproxy-several": self._haproxy_several, "nginx-several": self._nginx_several}.get(name, self._fusewire)
        arguments, extra = starter(name, port, admin, setting)
        process = self.stage.start(arguments, self.cores.proxy(setting.workers), port)
        if name == "fusewire-observed":
            extra["viewer"] = self._open_dashboard(admin, self.cores.load(setting.workers))
        return Contestant(name, process, port, admin, **extra)

    def _open_dashboard(self, admin, cores):
        """What the page does in a browser: it reads the stream."""
        return self.stage.start(["curl", "--silent", "--no-buffer", "--output", "/dev/null", f"http://{HOST}:{admin}/admin/dashboard/stream"], cores, admin)

    def stop(self, contestant):
        if contestant.viewer:
            self.stage.stop(contestant.viewer)
        self.stage.stop(contestant.process)

    def certificate(self):
        """Path of a file with a self-signed certificate and its key, P-256."""
        path = self.stage.folder / "both.pem"
        if not path.exists():
            key, cert = self.stage.folder / "key.pem", self.stage.folder / "cert.pem"
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                            "-subj", "/CN=localhost", "-keyout", key, "-out", cert], check=True, capture_output=True)
            path.write_text(cert.read_text() + key.read_text())
        return path

    def cannot(self, case):
        """Why this build of Fusewire cannot take part: what `fusewire check` says to the case's configuration. Else empty."""
        if "fusewire-large" in case.names:
            text = routed_configuration(1, 2, 3, *SIZES["large"])[0]
        elif "fusewire-several" in case.names:
            text = several_configuration(1, 2, [3, 4, 5, 6], 1)
        else:
            text = self._yaml(1, 2, case.setting)
        path = self.stage.write("probe.yaml", text)
        done = subprocess.run([self.fusewire, "check", "-c", path], capture_output=True, text=True, check=False)
        return (done.stdout + done.stderr).replace(str(self.stage.folder) + "/", "").split("\n")[0] if done.returncode else ""

    def _relay(self, _name, port, _admin, _setting):
        return [str(self.tools / "bench_relay"), str(port), str(self.origin)], {}

    def _yaml(self, port, admin, setting, access="off", tracing="off"):
        folder = self.certificate().parent if setting.tls else ""
        tls = f"tls: {{certificate: {folder}/cert.pem, private_key: {folder}/key.pem}}" if setting.tls else ""
        return fill("fusewire.yaml", {"PORT": port, "ADMIN": admin, "ORIGIN": self.origin, "WORKERS": setting.workers,
                                      "ACCESS": access, "TRACING": tracing, "TLS": tls})

    def _fusewire(self, name, port, admin, setting):
        observed = name == "fusewire-observed"
        tracing = f"{{otlp_endpoint: 'http://{HOST}:{self.origin}', sample_ratio: 0.01}}" if observed else "off"  # the origin takes each POST
        text = self._yaml(port, admin, setting, "on" if observed or name == "fusewire-log" else "off", tracing)
        path = self.stage.write(f"fusewire-{port}.yaml", text)
        return [self.fusewire, "run", "-c", path], {"path": "/c/128" if name == "fusewire-storing" else ""}

    def _routed(self, name, port, admin, _setting):
        text, host = routed_configuration(port, admin, self.origin, *SIZES[name.partition("-")[2]])
        return [self.fusewire, "run", "-c", self.stage.write(f"{name}.yaml", text)], {"host": host}

    def _haproxy(self, name, port, _admin, setting):
        tls = f"ssl crt {self.certificate()}" if setting.tls else ""
        text = fill("haproxy.cfg", {"PORT": port, "ORIGIN": self.origin, "WORKERS": setting.workers, "TLS": tls,
                                    "BUFFER": 65536 if name == "haproxy-64k" else 16384, "REJECTION": setting.rejection,
                                    "LOG": "log stdout format raw local0\n  option httplog" if name == "haproxy-log" else ""})
        return ["haproxy", "-db", "-f", self.stage.write(f"haproxy-{port}.cfg", text)], {}

    def _nginx(self, name, port, _admin, setting):
        folder = self.stage.folder
        files = f"ssl_protocols TLSv1.2 TLSv1.3; ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256; ssl_certificate {self.certificate()}; ssl_certificate_key {self.certificate()};" if setting.tls else ""
        buffers = "proxy_buffer_size 64k; proxy_buffers 8 64k; proxy_busy_buffers_size 128k;" if name == "nginx-64k" else ""
        text = fill("nginx.conf", {"PORT": port, "ORIGIN": self.origin, "WORKERS": setting.workers, "FOLDER": folder,
                                   "MASTER": "on" if setting.workers > 1 else "off", "TLS": "ssl" if setting.tls else "",
                                   "USER": "user root root;" if os.geteuid() == 0 else "", "CERTIFICATE": files,
                                   "BUFFERS": buffers, "REJECTION": setting.rejection,
                                   "LOG": "/dev/stdout" if name == "nginx-log" else "off"})
        return ["nginx", "-p", str(folder), "-c", self.stage.write(f"nginx-{port}.conf", text)], {}


    def _several(self, name, port, admin, _setting):
        upstreams, endpoints = SEVERAL[name]
        text = several_configuration(port, admin, self.origins[:endpoints], upstreams)
        return [self.fusewire, "run", "-c", self.stage.write(f"{name}.yaml", text)], {}

    def _haproxy_several(self, _name, port, _admin, _setting):
        servers = "\n".join(f"  server s{i} {HOST}:{origin}" for i, origin in enumerate(self.origins[:4]))
        path = self.stage.write(f"haproxy-several-{port}.cfg", fill("haproxy-several.cfg", {"PORT": port, "SERVERS": servers}))
        return ["haproxy", "-db", "-f", path], {}

    def _nginx_several(self, _name, port, _admin, _setting):
        servers = "\n".join(f"    server {HOST}:{origin} max_fails=5 fail_timeout=10s;" for origin in self.origins[:4])
        text = fill("nginx-several.conf", {"PORT": port, "SERVERS": servers, "FOLDER": self.stage.folder,
                                           "USER": "user root root;" if os.geteuid() == 0 else ""})
        return ["nginx", "-p", str(self.stage.folder), "-c", self.stage.write(f"nginx-several-{port}.conf", text)], {}


def several_configuration(port, admin, origins, upstreams):
    """The first upstream has the origins as its endpoints; the others as many of their own, which are not asked."""
    lines = []
    for i in range(upstreams):
        urls = [f"http://{HOST}:{origin}" if i == 0 else f"http://127.{i // 200 + 1}.{i % 200}.{n + 1}:9" for n, origin in enumerate(origins)]
        lines.append(f"  u{i}: {{endpoints: {json.dumps(urls)}}}")
    return fill("fusewire-several.yaml", {"PORT": port, "ADMIN": admin, "UPSTREAMS": "\n".join(lines)})


def routed_configuration(port, admin, origin, upstreams, routes):
    """Routes by host and prefix; and the host of the last of them."""
    lines = ["listeners:", f"  - name: main\n    address: {HOST}:{port}\n    routes:"]
    for i in range(routes):
        lines.append(f"      - {{name: r{i}, match: {{host: h{i:05}.bench, path_prefix: /b/}}, upstream: u{i % upstreams}}}")
    lines.append("upstreams:")
    lines += [f"  u{i}: http://{HOST}:{origin}" for i in range(upstreams)]
    lines.append(f'admin: {{address: "{HOST}:{admin}", token: bench}}\nlog: {{level: warn, access: off}}\nruntime: {{workers: 1}}\n')
    return "\n".join(lines), f"h{routes - 1:05}.bench"


def force_open(contestant):
    wait_for(contestant.process, contestant.admin)
    connection = http.client.HTTPConnection(HOST, contestant.admin, timeout=5)
    connection.request("POST", "/admin/circuit-breakers/origin/force-open", headers=TOKEN)
    if connection.getresponse().status != 200:
        raise SystemExit("bench: the breaker could not be forced open")

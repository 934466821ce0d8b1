#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Asks a real Prometheus, which scrapes a real Fusewire in trouble, all that our dashboard, alerts and rules ask.

usage: tests/prometheus/run.py build/release/fusewire      (tests/prometheus/run.sh installs what it needs)
"""
import http.client
import json
import math
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request

from prometheus_client.openmetrics.parser import text_string_to_metric_families

from origin import Collector, Origin, Server

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PATIENCE = 60  # seconds until the last query must have found something
# What each upstream is asked for; "held" is forced open.
PATHS = {"orders": "/waves/", "flaky": "/flaky/", "busy": "/slow/", "retried": "/reset/", "held": "/well/", "checked": "/well/"}
# Rightly without data here: 15 minutes of a step of 15 seconds are needed. Without its comparison it must have some.
TOO_SHORT = {"CircuitFlapping"}

CONFIG = """
listeners:
  - name: main
    address: "127.0.0.1:{main}"
    routes:
      - {{name: waves, match: {{host: orders, path_prefix: /waves}}, upstream: orders, limits: {{rate: {{requests_per_second: 8, burst: 1}}}}}}
      {routes}
  - {{name: secure, address: "127.0.0.1:{secure}", tls: {{certificate: {folder}/tls.crt, private_key: {folder}/tls.key}}}}
defaults:
  endpoints: ["http://127.0.0.1:{origin}"]
upstreams:
  orders:
    circuit_breaker: {{transitions: {{open_timeout: 1s, backoff: {{multiplier: 1}}}}}}
    limits: {{adaptive_concurrency: {{}}, queue: {{size: 10}}}}
    retries: {{hedge: {{after: 50ms}}}}
    health_check: {{path: /well/0, interval: 1s}}
    fallback: {{chain: [{{cache: {{max_stale: 10m}}}}]}}
  flaky: {{circuit_breaker: {{detection: {{consecutive_failures: off, failure_rate: {{threshold: 0.6}}}}}}}}
  busy: {{limits: {{max_concurrent_requests: 1}}}}
  retried: {{circuit_breaker: {{mode: disabled}}, retries: {{budget: {{ratio: 0, min_per_second: 0}}}}}}
  held: {{}}
  checked: {{health_check: {{path: /down/0, interval: 200ms}}}}
admin: {{address: "127.0.0.1:{admin}", token: test}}
log: {{access: off}}
tracing: {{otlp_endpoint: "http://127.0.0.1:{collector}", sample_ratio: 1}}
"""
SCRAPE = """
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
scrape_configs: [{{job_name: fusewire, static_configs: [{{targets: ["127.0.0.1:{admin}"]}}]}}]
rule_files: ["{root}/docker/alerts.yml", "{root}/docker/recording.yml"]
"""


def free_ports(count):
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


def get(url, method="GET", **headers):
    with urllib.request.urlopen(urllib.request.Request(url, method=method, headers=headers), timeout=10) as answer:
        return answer.read()


def wait_for(url, process, log):
    for _ in range(400):
        try:
            return get(url)
        except OSError:
            if process.poll() is not None:
                break
            time.sleep(0.05)
    sys.exit(f"{url} does not answer:\n{log.read_text()}")


def ask(prometheus, call, **parameters):
    try:
        answer = json.loads(get(f"{prometheus}/api/v1/{call}?{urllib.parse.urlencode(parameters)}"))
    except urllib.error.HTTPError as error:
        sys.exit(f"Prometheus refuses {parameters}: {error.read().decode()}")
    return answer["data"]


def is_figure(value):
    return not math.isnan(float(value))


def has_data(prometheus, expression, instant):
    now = time.time()
    if instant:
        return any(is_figure(series["value"][1]) for series in ask(prometheus, "query", query=expression)["result"])
    data = ask(prometheus, "query_range", query=expression, start=now - 60, end=now, step=1)
    return any(is_figure(value) for series in data["result"] for _, value in series["values"])


def filled_in(expression):
    """As Grafana does: "All" for what is matched by a pattern, one upstream for a row."""
    expression = re.sub(r'=~"\$\w+"', '=~".+"', expression).replace('"$upstream"', '"orders"')
    return expression.replace("$__rate_interval", "10s").replace("$__range", "1m")


def label_values(query):
    """label_values(SELECTOR, LABEL) is a call of Grafana's: such a series, with such a label."""
    selector, label = re.fullmatch(r"label_values\((.*), (\w+)\)", query).groups()
    return f'count by ({label}) ({selector}) and count by ({label}) ({{{label}!="", __name__=~"circuit_.+"}})'


def dashboard_queries():
    board = json.loads((ROOT / "docker/grafana/fusewire.json").read_text())
    for panel in board["panels"]:
        for target in panel.get("targets", []):
            yield f"panel {panel['title']}, {target['refId']}", filled_in(target["expr"]), target.get("instant", False)
    for note in board["annotations"]["list"]:
        yield f"annotation {note['name']}", filled_in(note["expr"]), False
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            yield f"variable {variable['name']}", label_values(filled_in(variable["definition"])), True


def check_dashboard():
    """What Grafana would not refuse, but show wrongly."""
    board = json.loads((ROOT / "docker/grafana/fusewire.json").read_text())
    panels = board["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels), "two panels have one id"
    taken = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
        assert not cells & taken and place["x"] + place["w"] <= 24, f"{panel['title']} lies over another, or outside"
        taken |= cells
        assert panel["type"] == "row" or all(t["datasource"]["uid"] == "${datasource}" for t in panel["targets"])
    assert any(panel.get("repeat") == "upstream" for panel in panels), "no row for each upstream"


def other_queries():
    """What a panel's legend names, and an expression with data alone does not show."""
    yield "a route's own refusals", 'rate(fusewire_limited_total{upstream="orders", route="waves", limit="rate"}[10s]) > 0', True


def rule_queries(prometheus):
    """The expressions as Prometheus has read them."""
    for group in ask(prometheus, "rules")["groups"]:
        for rule in group["rules"]:
            name, query = rule["name"], rule["query"]
            if name in TOO_SHORT:
                name, query = f"{name}, without its comparison", re.sub(r" >= \d+(?= )", "", query)
                assert query != rule["query"]
            yield f"{rule['type']} rule {name}", query, True
            if rule["type"] == "recording":
                yield f"recorded {name}", name, True


def exemplar_queries():
    """Both histograms, and what the dashboard marks single requests by."""
    board = json.loads((ROOT / "docker/grafana/fusewire.json").read_text())
    for panel in board["panels"]:
        for target in panel.get("targets", []):
            if target.get("exemplar"):
                yield f"exemplars of panel {panel['title']}", filled_in(target["expr"])
    yield "exemplars of requests", 'fusewire_request_duration_seconds_bucket{upstream="flaky"}'


def has_exemplars(prometheus, expression):
    """Some, and of traces that the collector was given, with the request's span."""
    now = time.time()
    found = [exemplar["labels"] for series in ask(prometheus, "query_exemplars", query=expression, start=now - 60, end=now)
             for exemplar in series["exemplars"]]
    return any((labels["trace_id"], labels["span_id"]) in Collector.requests for labels in found)


def missing_exemplars(prometheus):
    wanted = list(exemplar_queries())
    assert len(wanted) > 1, "the dashboard asks for no exemplars"
    end = time.monotonic() + PATIENCE
    while wanted and time.monotonic() < end:
        wanted = [(name, query) for name, query in wanted if not has_exemplars(prometheus, query)]
        time.sleep(0.2)
    return wanted


def check_open_metrics(admin):
    """The format's reference parser, which is stricter than Prometheus, takes all of it."""
    with urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{admin}/metrics", headers={
            "Accept": "application/openmetrics-text;version=1.0.0"}), timeout=10) as answer:
        assert answer.headers["Content-Type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
        families = {family.name: family for family in text_string_to_metric_families(answer.read().decode())}
    assert families["fusewire_requests"].type == "counter" and len(families) > 40
    for name in ("fusewire_request_duration_seconds", "circuit_breaker_latency_seconds"):
        assert any(sample.exemplar for sample in families[name].samples), f"no exemplar in {name}"


def load(port, upstream, stop):
    while not stop.is_set():
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            for number in range(20):
                client.request("GET", f"{PATHS[upstream]}{number}", headers={"Host": upstream})
                client.getresponse().read()
                stop.wait(0.03)
        except (OSError, http.client.HTTPException):
            stop.wait(0.05)
        client.close()


def start(command, log, processes):
    with log.open("w") as out:
        processes.append(subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT))
    return processes[-1]


def stage(binary, folder, processes):
    """Returns Prometheus' URL, the port that takes requests, and the admin's."""
    origin, collector = Server(("127.0.0.1", 0), Origin), Server(("127.0.0.1", 0), Collector)
    for server in (origin, collector):
        threading.Thread(target=server.serve_forever, daemon=True).start()
    main, secure, admin, prometheus = free_ports(4)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1",
                    "-subj", "/CN=localhost", "-keyout", folder / "tls.key", "-out", folder / "tls.crt"],
                   check=True, capture_output=True)
    places = {"main": main, "secure": secure, "admin": admin, "origin": origin.server_address[1],
              "collector": collector.server_address[1], "folder": folder, "root": ROOT,
              "routes": "\n      ".join(f"- {{match: {{host: {name}}}, upstream: {name}}}" for name in PATHS)}
    config = folder / "fusewire.yaml"
    config.write_text(CONFIG.format(**places))
    (folder / "prometheus.yml").write_text(SCRAPE.format(**places))
    proxy = start([binary, "run", "-c", config], folder / "fusewire.log", processes)
    wait_for(f"http://127.0.0.1:{admin}/admin/ready", proxy, folder / "fusewire.log")
    url = f"http://127.0.0.1:{prometheus}"
    judge = start(["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
                   f"--web.listen-address=127.0.0.1:{prometheus}", "--enable-feature=exemplar-storage", "--log.level=warn"], folder / "prometheus.log", processes)
    wait_for(f"{url}/-/ready", judge, folder / "prometheus.log")
    get(f"http://127.0.0.1:{admin}/admin/circuit-breakers/held/force-open", "POST", Authorization="Bearer test")
    config.write_text("listen: nowhere\n")  # and the older one goes on serving
    return url, main, admin


def missing_after(prometheus, wanted):
    """What has never had data: an alert's expression may have some for a while only."""
    end = time.monotonic() + PATIENCE
    while wanted and time.monotonic() < end:
        wanted = [(name, query, instant) for name, query, instant in wanted if not has_data(prometheus, query, instant)]
        time.sleep(0.5)
    return wanted


def main():
    check_dashboard()
    processes, stop = [], threading.Event()
    with tempfile.TemporaryDirectory(prefix="fusewire-prometheus-") as name:
        folder = pathlib.Path(name)
        try:
            prometheus, port, admin = stage(sys.argv[1], folder, processes)
            for upstream in [*PATHS, "busy", "busy"]:
                threading.Thread(target=load, args=(port, upstream, stop), daemon=True).start()
            wanted = [*dashboard_queries(), *other_queries(), *rule_queries(prometheus)]
            missing = missing_after(prometheus, wanted)
            without = missing_exemplars(prometheus)
            check_open_metrics(admin)
        finally:
            stop.set()
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait()
    for name, query, _ in missing:
        print(f"no data: {name}: {query}")
    for name, query in without:
        print(f"no trace: {name}: {query}")
    print(f"{len(wanted) - len(missing)} of {len(wanted)} queries have data")
    return 1 if missing or without or len(wanted) < 30 else 0


if __name__ == "__main__":
    sys.exit(main())

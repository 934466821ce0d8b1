# SPDX-License-Identifier: Apache-2.0
"""An upstream with as many kinds of trouble as there are alerts, where the path says which; and a collector of traces."""
import http.server
import json
import time

SERVER = 2  # OTLP's kind of a span


class Origin(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        _, trouble, number = self.path.split("/")
        if trouble == "reset":
            self.close_connection = True
            return
        if trouble == "slow":
            time.sleep(0.2)
        down = trouble == "down" or (trouble == "waves" and time.monotonic() % 6 < 3)
        two_of_five = trouble == "flaky" and int(number) % 5 < 2
        self.answer(503 if down or two_of_five else 200)

    def answer(self, status):
        self.send_response(status)
        self.send_header("Content-Length", "3")
        self.send_header("Cache-Control", "max-age=1")
        self.end_headers()
        self.wfile.write(b"ok\n")

    def log_message(self, *_):
        pass


class Collector(Origin):
    """Takes spans, and remembers the traces and spans of requests."""
    requests = set()

    def do_POST(self):
        posted = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        for resource in posted["resourceSpans"]:
            for scope in resource["scopeSpans"]:
                self.requests.update((span["traceId"], span["spanId"]) for span in scope["spans"] if span["kind"] == SERVER)
        self.answer(200)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_):
        pass  # a client that goes away

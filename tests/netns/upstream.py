# SPDX-License-Identifier: Apache-2.0
"""An upstream that is always well: what fails is the way to it.  upstream.py ADDRESS PORT"""
import http.server
import sys

BODY = b"x" * 4096


class Upstream(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer((sys.argv[1], int(sys.argv[2])), Upstream).serve_forever()

# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 messages as a suspicious reader sees them (RFC 9112). It knows nothing of the proxy's own codec.

Where a message can still be separated from the next one, a fault is noted and reading goes on, so that what laxer proxies
send can be compared; `faults` of what Fusewire sends must be empty."""

import re
from dataclasses import dataclass, field

TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
TARGET = re.compile(rb"[\x21-\x22\x24-\x7e\x80-\xff]+\Z")  # no CTL, space, fragment
VALUE = re.compile(rb"(?:[\x21-\x7e\x80-\xff](?:[\x20-\x7e\x80-\xff\t]*[\x21-\x7e\x80-\xff])?)?\Z")
SIZE = re.compile(rb"[0-9A-Fa-f]{1,16}\Z")
HOST = re.compile(rb"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9\-._~!$&'()*+,;=%]+)(?::[0-9]*)?\Z")
FRAMING = {b"content-length", b"transfer-encoding", b"host"}


@dataclass
class Message:
    start: bytes = b""
    fields: list = field(default_factory=list)
    body: bytes = b""
    trailers: list = field(default_factory=list)
    complete: bool = False
    size: int = 0  # bytes of a whole request, and of what stood before it
    faults: list = field(default_factory=list)

    def all(self, name):
        return [value for key, value in self.fields if key.lower() == name]

    @property
    def method(self):
        return self.start.split(b" ")[0]

    @property
    def target(self):
        return self.start.split(b" ")[1] if self.start.count(b" ") else b""

    @property
    def host(self):
        return b", ".join(self.all(b"host"))

    @property
    def status(self):
        return int(self.start[9:12])


class Reader:
    """Messages of one connection, in order. `messages` ends with an incomplete one where the bytes do."""

    def __init__(self, data):
        self.data, self.at = data, 0
        self.messages = []
        self.rest_is_garbage = False

    def line(self, message):
        end = self.data.find(b"\n", self.at)
        if end < 0:
            return None
        text = self.data[self.at:end]
        self.at = end + 1
        if text.endswith(b"\r"):
            text = text[:-1]
        else:
            message.faults.append("a line ends with a bare LF")
        if b"\r" in text:
            message.faults.append("a bare CR in a line")
        return text

    def field_lines(self, message, into):
        while True:
            text = self.line(message)
            if text is None:
                return False
            if not text:
                return True
            name, colon, value = text.partition(b":")
            if not colon or not TOKEN.match(name):
                message.faults.append(f"a malformed field {text!r}")
            value = value.strip(b" \t")
            if not VALUE.match(value):
                message.faults.append(f"a control character in {text!r}")
            into.append((name.strip(), value))

    def length(self, message):
        """A number, "chunked", or None; what is ambiguous is a fault."""
        lengths = message.all(b"content-length")
        codings = message.all(b"transfer-encoding")
        if len(lengths) > 1:
            message.faults.append("Content-Length twice")
        if codings:
            if lengths:
                message.faults.append("Content-Length beside Transfer-Encoding")
            if codings != [b"chunked"]:
                message.faults.append(f"Transfer-Encoding is {codings}")
            return "chunked"
        if not lengths:
            return None
        if not re.match(rb"(0|[1-9][0-9]*)\Z", lengths[0]):
            message.faults.append(f"Content-Length is {lengths[0]!r}")
        digits = re.match(rb"[0-9]+", lengths[0])
        return int(digits[0]) if digits else None

    def counted(self, message, size):
        message.body += self.data[self.at:self.at + size]
        whole = len(self.data) - self.at >= size
        self.at = min(len(self.data), self.at + size)
        return whole

    def chunks(self, message):
        while True:
            text = self.line(message)
            if text is None:
                return False
            if not SIZE.match(text):
                message.faults.append(f"a chunk size {text!r}")
            digits = re.match(rb"[0-9A-Fa-f]+", text)
            if not digits:
                self.rest_is_garbage = True
                return False
            size = int(digits[0], 16)
            if size == 0:
                break
            if not self.counted(message, size):
                return False
            end = self.data[self.at:self.at + 2]
            if len(end) == 2 and end != b"\r\n":
                message.faults.append("a chunk without its CRLF")
                self.rest_is_garbage = True
            if end != b"\r\n":
                return False
            self.at += 2
        whole = self.field_lines(message, message.trailers)
        if any(name.lower() in FRAMING for name, _ in message.trailers):
            message.faults.append("a trailer that frames or routes")
        return whole

    def head(self, check_start):
        """False: there is no further message."""
        if self.at == len(self.data) or self.rest_is_garbage:
            return None
        message = Message()
        self.messages.append(message)
        message.start = self.line(message)
        if message.start is None:
            message.start = self.data[self.at:]
            self.at = len(self.data)
            return None
        check_start(message)
        return message if not self.rest_is_garbage and self.field_lines(message, message.fields) else None


def check_request(message, reader):
    parts = message.start.split(b" ")
    if len(parts) != 3 or not TOKEN.match(parts[0]) or not TARGET.match(parts[1]) or parts[2] != b"HTTP/1.1":
        message.faults.append(f"a request line {message.start!r}")
        reader.rest_is_garbage = len(parts) < 2  # HTTP/0.9 has no fields


def read_requests(data):
    reader = Reader(data)
    began = 0
    while (message := reader.head(lambda m: check_request(m, reader))) is not None:
        hosts = message.all(b"host")
        if len(hosts) != 1 or not HOST.match(hosts[0]):
            message.faults.append(f"Host is {hosts}")
        for name in (b"keep-alive", b"proxy-connection", b"te"):
            if message.all(name):
                message.faults.append(f"{name.decode()} goes further than its hop")
        switch = (message.all(b"connection"), message.all(b"upgrade"))
        if any(switch) and switch != ([b"Upgrade"], [b"websocket"]):  # what a route allows unless it says otherwise
            message.faults.append(f"a switch of protocols goes further than its hop: {switch}")
        length = reader.length(message)
        if length == "chunked":
            message.complete = reader.chunks(message)
        else:
            message.complete = reader.counted(message, length or 0)
        if not message.complete:
            break
        message.size = reader.at - began
        began = reader.at
    return reader


def check_status(message, reader):
    if not re.match(rb"HTTP/1\.1 [1-5][0-9]{2} [\t\x20-\x7e\x80-\xff]*\Z", message.start):
        message.faults.append(f"a status line {message.start!r}")
    reader.rest_is_garbage = not re.match(rb"HTTP/1\.[01] [1-5][0-9]{2}", message.start)


def read_responses(data, methods, ended):
    """`methods`: of the requests in order. What comes behind their answers is a fault of the reader's."""
    reader = Reader(data)
    waiting = list(methods)
    while (message := reader.head(lambda m: check_status(m, reader))) is not None:
        if not waiting:
            message.faults.append("an answer that nobody asked for")
        if message.status < 200:
            message.complete = True
            if message.all(b"content-length") or message.all(b"transfer-encoding"):
                message.faults.append("an interim response with a length")
            continue
        method = waiting.pop(0) if waiting else b"GET"
        length = reader.length(message)
        if method == b"HEAD" or message.status in (204, 304):
            message.complete = True
        elif length == "chunked":
            message.complete = reader.chunks(message)
        elif length is not None:
            message.complete = reader.counted(message, length)
        else:
            reader.counted(message, len(data))
            message.complete = ended
        if not message.complete:
            break
    return reader

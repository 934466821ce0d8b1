# SPDX-License-Identifier: Apache-2.0
"""An origin that keeps every byte it is sent, and answers each whole request with its own target."""

import socket
import threading

from framing import read_requests

PATIENCE = 10.0  # seconds; only what is broken takes that long


class Seen:
    """One connection."""

    def __init__(self, connection):
        self.connection = connection
        self.data = b""
        self.mark = 0  # where the present case began
        self.answered = 0  # how far it has been read and answered
        self.ended = threading.Event()

    def requests(self):
        return read_requests(self.data[self.mark:])


class Origin:
    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        self.lock = threading.Lock()
        self.seen = []
        self.answer = None  # bytes for a request of /attack, and whether the connection ends behind them
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            connection, _ = self.listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            seen = Seen(connection)
            with self.lock:
                self.seen.append(seen)
            threading.Thread(target=self.serve, args=(seen,), daemon=True).start()

    def serve(self, seen):
        try:
            while piece := seen.connection.recv(65536):
                seen.data += piece
                reader = read_requests(seen.data[seen.answered:])
                for message in reader.messages:
                    if not message.complete:
                        break
                    seen.answered += message.size
                    if not self.reply(seen.connection, message):
                        return
        except OSError:
            pass
        finally:
            seen.ended.set()
            seen.connection.close()

    def reply(self, connection, request):
        """False: that was the last one of this connection."""
        if self.answer and request.target.endswith(b"/attack"):
            raw, ends = self.answer
            connection.sendall(raw)
            if ends:
                connection.shutdown(socket.SHUT_WR)
            return True
        close = b"close" in b",".join(request.all(b"connection")).lower()
        body = b"" if request.method == b"HEAD" else request.target
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%s\r\n%s" % (
            len(request.target), b"Connection: close\r\n" if close else b"", body))
        return not close

    def take(self):
        """The connections that have said something since the last call, oldest first, each as its messages."""
        with self.lock:
            seen, self.seen = self.seen, [one for one in self.seen if not one.ended.is_set()]
        taken = []
        for one in seen:
            requests = one.requests()
            one.mark = len(one.data)
            if requests.messages:
                taken.append((one, requests.messages))
        return taken

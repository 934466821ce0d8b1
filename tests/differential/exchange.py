# SPDX-License-Identifier: Apache-2.0
"""One case through one lane of one proxy: raw bytes, what its origin got, what the client got."""

import socket
from dataclasses import dataclass, field

from framing import read_responses
from origin import PATIENCE

VICTIM = b"GET /victim HTTP/1.1\r\nHost: victim.test\r\nConnection: close\r\n\r\n"
ATTACK = b"GET /attack HTTP/1.1\r\nHost: h\r\n\r\n"
FENCE = b"/fence"


@dataclass
class Result:
    requests: list = field(default_factory=list)  # whole messages at the origin, the victim's too
    partial: list = field(default_factory=list)  # those that were cut off
    answers: list = field(default_factory=list)
    faults: list = field(default_factory=list)  # what is wrong with this proxy's bytes, whatever its peers do


def receive(client, enough, silence):
    """Until `enough(data)`, the end (True), or nothing has come for that long."""
    data = b""
    client.settimeout(silence)
    try:
        while not enough(data):
            piece = client.recv(65536)
            if not piece:
                return data, True
            data += piece
    except TimeoutError:
        pass
    except OSError:  # a reset is no proper end
        pass
    return data, False


def open_client(port):
    client = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return client


def send(client, data):
    try:
        client.sendall(data)
    except OSError:
        pass  # refused before the last byte


def fence(port, result):
    """A request of somebody else. It must get its own answer; when it has, what came before it is through."""
    with open_client(port) as client:
        send(client, b"GET " + FENCE + b" HTTP/1.1\r\nHost: fence.test\r\nConnection: close\r\n\r\n")
        data, ended = receive(client, lambda data: False, PATIENCE)
        answers = read_responses(data, [b"GET"], ended).messages
        if len(answers) != 1 or answers[0].body != FENCE or not answers[0].complete:
            result.faults.append(f"the next client got {data!r}")


def collect(origin, result):
    for connection, messages in origin.take():
        for message in messages:
            if message.target == FENCE:
                continue
            (result.requests if message.complete else result.partial).append(message)
            result.faults += [f"to the origin: {fault}" for fault in message.faults]
            if not message.complete and not connection.ended.wait(PATIENCE):
                result.faults.append("a request that was cut off leaves its connection open")


def run_request(peer, lane, raw, silence):
    """The case's bytes with an innocent request behind them."""
    result = Result()
    with open_client(peer.ports[lane]) as client:
        send(client, raw + VICTIM)
        data, ended = receive(client, lambda data: False, silence)
    fence(peer.ports[lane], result)
    collect(peer.origins[lane], result)
    judge_answers(result, data, [message.method for message in result.requests], ended)
    return result


def judge_answers(result, data, methods, ended):
    # One more may be the proxy's own, to what it refused.
    reader = read_responses(data, methods + [b"GET"], ended)
    result.answers = reader.messages
    for message in reader.messages:
        result.faults += [f"to the client: {fault}" for fault in message.faults]


def run_response(peer, lane, raw, pipelined, silence):
    """The case's bytes are the answer to the first of two requests of one client."""
    result = Result()
    origin = peer.origins[lane]
    origin.answer = (raw, pipelined)
    with open_client(peer.ports[lane]) as client:
        send(client, ATTACK + VICTIM if pipelined else ATTACK)

        def first_is_there(data):
            finals = [m for m in read_responses(data, [b"GET"], False).messages if m.complete and m.status >= 200]
            return not pipelined and bool(finals)

        data, ended = receive(client, first_is_there, silence)
        if not pipelined and not ended:
            send(client, VICTIM)
            more, ended = receive(client, lambda data: False, silence)
            data += more
    origin.answer = None
    fence(peer.ports[lane], result)
    collect(origin, result)
    reader = read_responses(data, [b"GET", b"GET"], ended)
    result.answers = [message for message in reader.messages if not message.start[9:10] == b"1"]
    for message in reader.messages:
        result.faults += [f"to the client: {fault}" for fault in message.faults]
    return result

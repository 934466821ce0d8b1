# SPDX-License-Identifier: Apache-2.0
"""What the client and the endpoints wrote down. Times are seconds since the start."""
import bisect
import collections
import dataclasses


@dataclasses.dataclass(slots=True)
class Request:
    stream: int
    id: int
    method: str       # G or P
    key: int
    due: float
    head: float | None   # when the answer's head was whole
    done: float | None   # when all of it was, or it broke off
    status: int
    result: str       # g good, s another status, w a wrong body, c cut short, r not connected, n nothing until long after the deadline
    cached: bool      # the body was an earlier request's
    endpoint: int     # that made the answer; -1: the proxy itself

    @property
    def good(self):
        return self.result == "g"


@dataclasses.dataclass(slots=True)
class Arrival:
    kind: str         # r request, c health check, u never heard of by a listener: a SYN (id 0), or a request into a black hole
    endpoint: int
    at: float
    method: str
    port: int        # the peer's
    id: int
    end: str          # + answered well, e answered with a failure, - not answered wholly


class Stalls:
    """When client or endpoints did not get to run: spans (from, to), apart from each other, in the order of time."""

    def __init__(self, spans=()):
        self.spans = []
        for start, end in sorted(spans):
            if self.spans and start <= self.spans[-1][1]:
                self.spans[-1] = (self.spans[-1][0], max(end, self.spans[-1][1]))
            else:
                self.spans.append((start, end))

    def longest(self):
        return max((end - start for start, end in self.spans), default=0.0)

    def within(self, start, end):
        """Seconds of them in this span."""
        first = bisect.bisect_right(self.spans, start, key=lambda span: span[1])
        total = 0.0
        for a, b in self.spans[first:]:
            if a >= end:
                break
            total += min(end, b) - max(start, a)
        return total


@dataclasses.dataclass
class Records:
    requests: list
    arrivals: list
    stalls: Stalls
    connections: int = 0
    sees_wire: bool = True
    proxy_died: bool = False

    def arrivals_by_id(self):
        """What was received, or sent into a black hole, of each request."""
        found = collections.defaultdict(list)
        for one in self.arrivals:
            if one.id:
                found[one.id].append(one)
        return found


def time(us):
    return None if us == "-1" else int(us) / 1e6


def read_request(words):
    stream, name, method, key, due, _sent, head, done, status, result, cached, endpoint = words
    return Request(int(stream), int(name), method, int(key), time(due), time(head), time(done), int(status), result, cached == "1", int(endpoint))


def without_repeats(arrivals):
    """TCP sends again what went into a black hole, and it may arrive when that has healed: one try, whose end is the later one's."""
    dropped, kept = {}, []
    for one in arrivals:
        way = one.endpoint, one.port, one.id
        if one.kind == "r" and way in dropped:
            dropped[way].end = one.end
            continue
        if one.kind == "u" and one.id:
            dropped[way] = one
        kept.append(one)
    return kept


def read(client_log, endpoint_log, **facts):
    requests, arrivals, stalls, connections = [], [], [], 0
    for path in (client_log, endpoint_log):
        with open(path, encoding="ascii") as lines:
            for kind, *words in map(str.split, lines):
                if kind == "q":
                    requests.append(read_request(words))
                elif kind == "z":
                    stalls.append((time(words[0]), time(words[0]) + time(words[1])))
                elif kind == "m":
                    connections = int(words[0])
                else:
                    arrivals.append(Arrival(kind, int(words[0]), time(words[1]), words[2], int(words[3]), int(words[4]), words[5]))
    return Records(requests, without_repeats(arrivals), Stalls(stalls), connections, **facts)

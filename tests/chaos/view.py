# SPDX-License-Identifier: Apache-2.0
"""A run as its figures need it: the judged upstream's requests, phase by phase, and what the oracle says of them."""
import functools

from lives import UNREACHABLE
from oracle import Oracle

SETTLE = 0.3  # seconds in which first connections are made


class View:
    def __init__(self, scenario, records):
        self.scenario, self.records = scenario, records
        self.lives = scenario.upstreams[scenario.judged]
        self.start, self.stop = scenario.bad
        names = list(scenario.upstreams)
        self.first = sum(len(scenario.upstreams[name]) for name in names[:names.index(scenario.judged)])
        self.requests = [one for one in records.requests if self.is_judged(self.stream(one))]
        self.ids = {one.id for one in self.requests}
        self.by_id = records.arrivals_by_id()
        stream = self.stream(self.requests[0])
        self.deadline, self.rate, self.cacheable = stream.deadline, stream.rate, stream.keys > 0
        self.oracle = Oracle(self.lives, self.requests, self.by_id, self.cacheable)
        self.bad = [one for one in self.requests if self.start <= one.due < self.stop]
        self.healthy = [one for one in self.requests if one.due < self.start - 0.1]

    def stream(self, request):
        return self.scenario.streams[request.stream]

    def is_judged(self, stream):
        return stream.upstream == self.scenario.judged and not stream.direct

    @functools.cached_property
    def answerable(self):
        return [one for one in self.bad if self.oracle.could_answer(one)]

    @functools.cached_property
    def reachable(self):
        """What is answerable and POSTs that were spent: they, too, have waited."""
        return [one for one in self.bad if self.oracle.could_answer(one) or self.oracle.could_reach(one)]

    def in_time(self, request):
        """Whether it was answered well before its deadline; what the machine took from our processes since then is forgiven."""
        if not request.good:
            return False
        limit = request.due + self.deadline
        return request.done <= limit or request.done <= limit + self.records.stalls.within(request.due, request.done)

    def latency(self, request):
        """Milliseconds since it was due in which client and endpoints ran; without any answer, what its client waited."""
        if request.done is None:
            return 1000 * (self.deadline + 2)
        return 1000 * (request.done - request.due - self.records.stalls.within(request.due, request.done))

    def arrivals_of(self, life):
        """Those at the endpoint with this life."""
        return [one for one in self.records.arrivals if one.endpoint == self.first + life]

    @staticmethod
    def is_try(arrival, state):
        """A request that arrived, or what never gets so far: a connection, or a request, for an endpoint that cannot be reached."""
        return arrival.kind == ("u" if state.mode in UNREACHABLE else "r")

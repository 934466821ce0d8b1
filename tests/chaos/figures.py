# SPDX-License-Identifier: Apache-2.0
"""A run's figures, from the records and the oracle."""
import dataclasses
import math

from view import SETTLE, View

GRACE = 0.1      # seconds after its deadline in which a request must have its answer, whichever that is
BUCKET = 0.1     # seconds; for cascades
RETURNED = 0.5   # an endpoint is back when it gets this share of its part
LOOK = 0.5       # seconds over which that is measured


@dataclasses.dataclass
class Figures:
    answerable: int = 0            # requests while bad that the oracle could answer
    good: int = 0                  # of them, answered well and in time
    spent: int = 0                 # POSTs that reached an endpoint and were not answered well there
    live_rate: float = 0.0         # endpoints' own good answers a second, while bad
    wasted: list = dataclasses.field(default_factory=list)  # tries at an endpoint, for each time that one was dead
    amplification: float = 0.0     # tries for each request, while bad
    healthy_p50: float = math.nan  # ms
    healthy_p99: float = math.nan
    bad_p50: float = math.nan      # of what was answerable, and of POSTs that were spent
    bad_p99: float = math.nan
    machine: dict = dataclasses.field(default_factory=dict)     # by quantile: growth of the latency of endpoints that are asked directly
    doubles: list = dataclasses.field(default_factory=list)     # ids of POSTs that arrived twice
    outliving: list = dataclasses.field(default_factory=list)   # ids of requests without an answer's head long after their deadline
    wrong: list = dataclasses.field(default_factory=list)       # ids of requests that got another's answer
    healthy_requests: int = 0      # before anything was bad
    false_positives: int = 0       # of them, not answered well
    recoveries: list = dataclasses.field(default_factory=list)  # seconds after healing; infinite: not within the run
    needed_fallback: int = 0       # answerable requests that no endpoint answered
    fell_back: int = 0             # of them, answered from the cache
    cascades: int = 0              # times in which most of what could be answered was not

    @property
    def share(self):
        return self.good / self.answerable if self.answerable else None

    @property
    def most_wasted(self):
        return max(self.wasted, default=0)


def measure(scenario, records):
    view, figures = View(scenario, records), Figures()
    for part in (shares, tries, latencies, machine, faults, recoveries, cascades):
        part(view, figures)
    return figures


def quantile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(share * len(values)))] if values else math.nan


def shares(view, figures):
    figures.answerable = len(view.answerable)
    figures.good = sum(map(view.in_time, view.answerable))
    figures.spent = sum(map(view.oracle.was_spent, view.bad))
    figures.live_rate = sum(view.in_time(one) and not one.cached for one in view.bad) / (view.stop - view.start)
    if view.cacheable:
        without = [one for one in view.answerable if not (one.good and not one.cached)]
        figures.needed_fallback, figures.fell_back = len(without), sum(map(view.in_time, without))


def tries(view, figures):
    total = 0
    for i, life in enumerate(view.lives):
        arrivals = [one for one in view.arrivals_of(i) if not one.id or one.id in view.ids]
        total += sum(view.start <= one.at < view.stop and view.is_try(one, life.state(one.at)) for one in arrivals)
        figures.wasted += [sum(a <= one.at < b and view.is_try(one, state) for one in arrivals)
                           for a, b, state in life.spans(view.scenario.end) if state.dead]
    figures.amplification = total / max(1, len(view.bad))


def latencies(view, figures):
    before = [view.latency(one) for one in view.healthy if one.due >= SETTLE]
    during = [view.latency(one) for one in view.reachable]
    figures.healthy_p50, figures.healthy_p99 = quantile(before, 0.5), quantile(before, 0.99)
    figures.bad_p50, figures.bad_p99 = quantile(during, 0.5), quantile(during, 0.99)


def machine(view, figures):
    """An endpoint that is asked directly at the same time: what grows there, too, is not the proxy's doing."""
    direct = [one for one in view.records.requests if view.stream(one).direct]
    before = [view.latency(one) for one in direct if SETTLE <= one.due < view.start]
    during = [view.latency(one) for one in direct if view.start <= one.due < view.stop]
    if direct:
        figures.machine = {share: quantile(during, share) / quantile(before, share) for share in (0.5, 0.99)}


def outlives(request, deadline, stalls):
    """A deadline is that of an answer's head; a body that has begun is not broken off because of it."""
    limit = request.due + deadline + GRACE
    answered = request.head if request.head is not None else request.done
    if answered is None:
        return request.result != "r"
    return answered > limit and answered > limit + stalls.within(request.due, answered)


def faults(view, figures):
    """Over the requests of all upstreams."""
    declared = [one for one in view.records.requests if view.stream(one).says_deadline and not view.stream(one).direct]
    figures.outliving = [one.id for one in declared if outlives(one, view.stream(one).deadline, view.records.stalls)]
    figures.doubles = [one.id for one in view.records.requests if one.method == "P" and len(view.by_id.get(one.id, ())) > 1]
    figures.wrong = [one.id for one in view.records.requests if one.result == "w"]
    figures.healthy_requests, figures.false_positives = len(view.healthy), sum(not one.good for one in view.healthy)


def recoveries(view, figures):
    for i, life in enumerate(view.lives):
        answered = [one.at for one in view.arrivals_of(i) if one.kind == "r" and one.end == "+"]
        figures.recoveries += returns(life, answered, view.rate / len(view.lives), view.scenario.end)


def returns(life, answered, part, end):
    """Seconds from each healing until it gets its part of the load again, a rate. A healthy time that is too short to tell is left out."""
    spans = list(life.spans(end))
    for (_, healed, before), (_, until, after) in zip(spans, spans[1:]):
        if before.able or not after.able or until - healed < 2 * LOOK:
            continue
        when = healed
        while when + LOOK <= until and sum(when <= at < when + LOOK for at in answered) < RETURNED * part * LOOK:
            when += BUCKET
        yield when - healed if when + LOOK <= until else math.inf


def cascades(view, figures):
    buckets = {}
    for one in view.answerable:
        good, total = buckets.get(int(one.due / BUCKET), (0, 0))
        buckets[int(one.due / BUCKET)] = (good + view.in_time(one), total + 1)
    broken = {at for at, (good, total) in buckets.items() if total >= 5 and good < total / 2}
    figures.cascades = sum(at - 1 not in broken for at in broken)

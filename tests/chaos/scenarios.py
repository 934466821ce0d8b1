# SPDX-License-Identifier: Apache-2.0
"""The scenarios, in one table: who lives how, what is asked, and what must come of it."""
import dataclasses

from lives import Life, State, fault, flap, storm


@dataclasses.dataclass(frozen=True)
class Size:
    """Seconds of the three phases. `healthy` is doubled where a cache has to be filled."""
    healthy: float
    bad: float
    after: float
    storm: float


SIZES = {"ci": Size(1.5, 4, 0.5, 8),
         "standard": Size(2, 8, 2, 30),
         "full": Size(2, 8, 35, 60)}  # after: what an open interval of 30 s ± 10 % takes


@dataclasses.dataclass
class Limits:
    """None: shown, not judged."""
    share: float | None = 0.999         # of the requests that the oracle could answer, those answered well
    wasted: int | None = None           # tries at one endpoint while it was dead
    p99: float | None = None            # while bad, against the healthy phase's
    amplification: float | None = 1.2   # tries for each request
    neighbour: float | None = None      # its latency while others burn, against the healthy phase's


@dataclasses.dataclass
class Stream:
    """Requests to one upstream; `direct`: straight to its first endpoint, as a measure of the machine."""
    upstream: str
    start: float
    end: float
    rate: float
    gets: float = 1.0
    keys: int = 0
    gaps: str = "poisson"
    direct: bool = False
    deadline: float = 2.0
    says_deadline: bool = True  # to the proxy


@dataclasses.dataclass
class Scenario:
    name: str
    title: str
    upstreams: dict          # name: lives
    streams: list
    bad: tuple               # from, to
    end: float
    limits: Limits
    judged: str = "main"     # the upstream that figures are about
    group: str = "four"


def timed(size, healthy):
    return healthy, healthy + size.bad, healthy + size.bad + size.after


def four(name, title, size, faults, patience=2.0, says_deadline=True, **limits):
    """Four endpoints, 1,000 requests a second, a tenth of them POSTs. `faults`: what makes the lives of the first ones."""
    start, stop, end = timed(size, size.healthy)
    lives = [make(start, stop) for make in faults]
    lives += [Life() for _ in range(4 - len(lives))]
    return Scenario(name, title, {"main": lives}, [Stream("main", 0, end, 1000, gets=0.9, deadline=patience, says_deadline=says_deadline)],
                    (start, stop), end, Limits(**limits))


def one(name, title, size, make, rate=400, **limits):
    """One endpoint, cacheable answers. Each path is asked for once in 2.5 s, so that none is fresh (max-age=1) when it is asked for again."""
    start, stop, end = timed(size, 3)
    stream = Stream("main", 0, end, rate, keys=int(2.5 * rate), gaps="even")
    return Scenario(name, title, {"main": [make(start, stop)]}, [stream], (start, stop), end, Limits(**limits), group="one")


def the(*args, **kwargs):
    state = State(*args, **kwargs)
    return lambda start, stop: fault(state, start, stop)


def flapping(start, stop):
    return flap(State("refuse"), start, stop)


def storm_of_faults(size, seed):
    start, stop = 1, 1 + size.storm
    lives = [storm(own, start, stop, mean=2) for own in range(4 * seed - 3, 4 * seed + 1)]
    end = stop + size.after
    return Scenario("storm", f"random faults at 2,000 requests/s for {size.storm:g} s", {"main": lives},
                    [Stream("main", 0, end, 2000, gets=0.9)], (start, stop), end, Limits(share=0.99, amplification=1.2), group="storm")


def neighbour(size):
    """A calm upstream beside one whose endpoints all fail, each in another way. The calm one is asked directly, too: what the machine does to its
    latency shows there."""
    start, stop, end = timed(size, size.healthy)
    burning = [fault(State(mode), start, stop) for mode in ("hang", "refuse", "error", "reset")]
    calm = [Life(fixed=20, mean=0) for _ in range(2)]
    streams = [Stream("calm", 0, end, 250, gaps="even"), Stream("calm", 0.002, end, 250, gaps="even", direct=True),
               Stream("burning", 0, end, 500, gets=0.9)]
    return Scenario("neighbour", "a healthy upstream beside one that burns", {"calm": calm, "burning": burning}, streams, (start, stop), end,
                    Limits(share=0.999, amplification=None, neighbour=1.05), judged="calm", group="neighbour")


def all_scenarios(size, seed=1):
    """`seed` is the storm's."""
    dead = {"wasted": 20}
    return [
        four("dies", "dies: every connection reset, then refused", size, [the("dies")], **dead),
        four("refuses", "stops: connections closed, then refused", size, [the("refuse")], **dead),
        four("hangs", "hangs", size, [the("hang")], p99=2.0, **dead),
        four("hangs_undeclared", "hangs; clients wait 10 s and do not say so", size, [the("hang")], patience=10, says_deadline=False, p99=2.0, **dead),
        four("black_hole", "black hole: no packet arrives", size, [the("black_hole")], **dead),
        four("slow", "slow × 20", size, [the(factor=20)]),
        four("flaps", "stops and starts each 500 ms", size, [flapping]),
        four("errors_30", "30 % status 500", size, [the("error", share=0.3)]),
        four("errors", "100 % status 500", size, [the("error")], **dead),
        four("resets", "RST after each request", size, [the("reset")], **dead),
        four("closes", "FIN after each request", size, [the("close")], **dead),
        four("garbage", "answers what is no HTTP", size, [the("garbage")], **dead),
        four("breaks_off", "breaks off mid-body", size, [the("break_off")], **dead),
        four("trickles", "head byte by byte", size, [the("trickle")], **dead),
        four("drips", "body byte by byte", size, [the("drip")], **dead),
        four("unavailable", "503 with Retry-After", size, [the("unavailable")], **dead),
        four("three_at_once", "three of four: hangs, dies, 100 % 500", size, [the("hang"), the("dies"), the("error")], **dead),
        four("all_dead", "all four dead, each in another way", size, [the("refuse"), the("black_hole"), the("error"), the("dies")], **dead),
        four("retry_storm", "all four 40 % status 500", size, [the("error", share=0.4)] * 4, amplification=1.205),  # 3 retries/s are free
        one("one_outage", "the only endpoint: outage", size, the("dies"), wasted=40),
        one("one_hang", "the only endpoint: hang", size, the("hang")),
        one("one_brown_out", "the only endpoint: brown-out: slow × 20, 30 % status 500", size, the("error", share=0.3, factor=20), share=0.98),
        one("one_overload", "the only endpoint: overload: half of what comes can be served", size, lambda a, b: fault(State(places=4), a, b, fixed=5, mean=0), rate=1600,
            share=0.98),
        one("one_errors_20", "the only endpoint: 20 % status 500", size, the("error", share=0.2)),
        one("one_flaps", "the only endpoint: stops and starts each 500 ms", size, flapping),
        storm_of_faults(size, seed),
        neighbour(size),
    ]



# SPDX-License-Identifier: Apache-2.0
"""What is measured, against whom, and what is promised about it."""
import dataclasses
import functools
import statistics

import idle
import instructions
import load
from contestants import NAMES, Setting, force_open
from load import Request

KIB = 1024
PEERS = ("relay", "fusewire", "haproxy", "nginx")
PROXIES = PEERS[1:]
LARGE_BUFFERS = (*PEERS, "haproxy-64k", "nginx-64k")


@dataclasses.dataclass
class Case:
    key: str
    title: str
    request: Request
    names: tuple = PEERS
    setting: Setting = dataclasses.field(default_factory=Setting)
    load: str = "wrk"  # or "paced", "handshakes"


def get(size, **more):
    return Request(f"/b/{size}", length=size, **more)


CASES = [
    Case("128", "128 B answers", get(128), (*PEERS, "fusewire-log", "fusewire-storing")),
    Case("observed", "128 B answers, observed", get(128), ("fusewire", "fusewire-observed", "haproxy-log", "nginx-log")),
    Case("half", "128 B answers at half load", get(128), load="paced"),
    Case("64k", "64 KiB answers", get(64 * KIB), LARGE_BUFFERS),
    Case("1m", "1 MiB answers", get(1024 * KIB), LARGE_BUFFERS),
    Case("upload", "16 KiB uploads", Request("/upload", method="POST", body=16 * KIB, length=2)),
    Case("reject", "rejection by an open breaker", Request("/reject", status=503), PROXIES),
    Case("tls", "128 B answers, TLS listener", get(128, tls=True), PROXIES, Setting(tls=True)),
    Case("handshake", "128 B answer on a TLS connection of its own", get(128, tls=True), PROXIES, Setting(tls=True), load="handshakes"),
    Case("workers", "128 B answers, 2 workers", get(128), PROXIES, Setting(workers=2)),
    Case("several", "128 B answers, four endpoints and everything on", get(128),
         ("fusewire-several", "haproxy-several", "nginx-several", "fusewire-several-eight", "fusewire-several-large")),
    Case("large", "128 B answers, size of the configuration", get(128), ("fusewire-small", "fusewire-large")),
]
LARGE = CASES[-1]
IDLE, INSTRUCTIONS = "idle", "instructions"
KEYS = [*(case.key for case in CASES), IDLE, INSTRUCTIONS]

# CPU per request of Fusewire over the other's in one case, at most.
TARGETS = [
    ("128", "fusewire", "haproxy", 0.95), ("128", "fusewire", "nginx", 0.85), ("128", "fusewire", "relay", 1.2),
    ("64k", "fusewire", "haproxy", 1.0), ("64k", "fusewire", "haproxy-64k", 1.0),
    ("1m", "fusewire", "haproxy", 1.0), ("1m", "fusewire", "haproxy-64k", 1.0), ("reject", "fusewire", "nginx", 1.0),
    ("several", "fusewire-several", "haproxy-several", 0.95), ("several", "fusewire-several-large", "fusewire-several-eight", 1.05),
    ("observed", "fusewire-observed", "fusewire", 1.1), ("observed", "fusewire-observed", "haproxy-log", 1.0),
]
HALF_TARGET = 1.0  # p99 at half load, Fusewire's over HAProxy's
IDLE_TARGET = 2 * KIB


def of(case, contestant):
    """The case's request as this contestant gets it."""
    return dataclasses.replace(case.request, path=contestant.path or case.request.path, host=contestant.host)


def prepare(case, cast):
    """Starts those of the case who are to be compared. Answers of a rejection are made equally long."""
    setting = case.setting
    if case.key != "reject":
        return [cast.start(name, setting) for name in case.names], case
    ours = cast.start("fusewire", setting)
    force_open(ours)
    _, body = load.ask(ours.port, case.request)
    setting = dataclasses.replace(setting, rejection="x" * len(body))
    return [ours, *(cast.start(name, setting) for name in case.names if name != "fusewire")], case


def half_load(results, cast, cores, seconds):
    """Half of the rate that HAProxy reached with 128 B answers in this run."""
    reached = results.get("128", {}).get("haproxy", {}).get("rate")
    if not reached:
        haproxy = cast.start("haproxy", Setting())
        reached = statistics.median(load.with_wrk(haproxy, get(128), seconds, cores.load(1)).rate for _ in range(3))
        cast.stop(haproxy)
    return reached / 2


def driver(case, cast, rate):
    """How the case's load is made."""
    if case.load == "paced":
        return functools.partial(load.at_rate, rate=rate, tool=cast.tools / "bench_pace")
    return {"wrk": load.with_wrk, "handshakes": load.by_handshakes}[case.load]


def unlike(cast_of_case):
    """What is wrong where contestants do not speak the same TLS."""
    spoken = {one.name: load.negotiated(one.port) for one in cast_of_case}
    return {name: "" if what and what == spoken["haproxy"] else f"speaks {what or 'no TLS'}, HAProxy {spoken['haproxy']}" for name, what in spoken.items()}


def measure(case, cast, cores, rounds, seconds, say, rate=None):
    """Per contestant the medians of its rounds, or what is wrong with it. Contestants take turns, round by round."""
    cast_of_case, case = prepare(case, cast)
    wrong = {one.name: load.problem(one.port, of(case, one)) for one in cast_of_case}
    if case.setting.tls:
        wrong = {name: wrong[name] or problem for name, problem in unlike(cast_of_case).items()}
    drive = driver(case, cast, rate)
    taken = {one.name: [] for one in cast_of_case}
    load_cores = cores.load(case.setting.workers)
    for number in range(-1, rounds):  # the first is to warm up
        first = number % len(cast_of_case)
        for one in cast_of_case[first:] + cast_of_case[:first]:
            if wrong[one.name]:
                continue
            result = drive(one, of(case, one), seconds if number >= 0 else 1, load_cores)
            if result.errors:
                wrong[one.name] = f"{result.errors} failed requests"
            elif number >= 0:
                taken[one.name].append(result)
        say(".")
    for one in cast_of_case:
        wrong[one.name] = wrong[one.name] or load.problem(one.port, of(case, one))
        cast.stop(one)
    return {name: {"problem": wrong[name]} if wrong[name] else medians(taken[name]) for name in taken}


def medians(rounds):
    figures = {field: None if getattr(rounds[0], field) is None else statistics.median(getattr(one, field) for one in rounds)
               for field in ("cpu_us", "rate", "p50_us", "p99_us", "p999_us")}
    return {**figures, "cpu_us_rounds": [round(one.cpu_us, 3) for one in rounds], "p99_us_rounds": [one.p99_us for one in rounds]}


def measure_idle(cast, count, say):
    results = {}
    for name in PEERS:
        contestant = cast.start(name, Setting())
        results[name] = {"bytes": idle.bytes_per_connection(contestant, count), "connections": count}
        cast.stop(contestant)
        say(".")
    return results


def ratio(results, ours, theirs, figure="cpu_us"):
    """A figure of one over the other's: the median over the rounds, for both met the same noise in a round."""
    pair = [results.get(name, {}).get(figure + "_rounds") for name in (ours, theirs)]
    return statistics.median(a / b for a, b in zip(*pair)) if all(pair) else None


def verdict(what, most, measured):
    return {"what": what, "most": most, "measured": measured, "met": None if measured is None else measured <= most}


def judge(results):
    """Each target with what was measured."""
    titles = {case.key: case.title for case in CASES}
    verdicts = [verdict(f"{titles[key]}: CPU of {NAMES[ours]} ÷ {NAMES[theirs]}", most, ratio(results.get(key, {}), ours, theirs))
                for key, ours, theirs, most in TARGETS]
    verdicts.append(verdict(f"{titles['half']}: p99 of Fusewire ÷ HAProxy", HALF_TARGET, ratio(results.get("half", {}), "fusewire", "haproxy", "p99_us")))
    counted = results.get(INSTRUCTIONS)
    size = results.get(IDLE, {}).get("fusewire", {}).get("bytes")
    growth = instructions.growth(counted) if counted else dict.fromkeys(instructions.GROWS)
    verdicts += [verdict(f"instructions, {instructions.NAMES[large]} ÷ small configuration", 1 + instructions.GROWTH, None if more is None else 1 + more)
                 for large, more in growth.items()]
    return [*verdicts, verdict("bytes per idle connection", IDLE_TARGET, size)]

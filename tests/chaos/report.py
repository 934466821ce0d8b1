# SPDX-License-Identifier: Apache-2.0
"""A run in words: a line for each scenario, the figures over all of them, and the table for bench/README.md."""
import collections
import math
import statistics

INDENT = " " * 16


def percent(share):
    """Rounded down: what is not 100 % does not look like it."""
    return "–" if share is None else f"{math.floor(share * 1e4) / 100:.2f} %"


def ms(value):
    return "–" if math.isnan(value) else f"{value:.0f}" if value >= 100 else f"{value:.1f}"


def line(scenario, figures):
    parts = [f"{percent(figures.share):>9} of {figures.answerable:>6}", f"p99 {ms(figures.healthy_p99):>5} → {ms(figures.bad_p99):>5} ms",
             f"wasted {figures.most_wasted:>5}", f"tries/request {figures.amplification:4.2f}"]
    if figures.spent:
        parts.append(f"POSTs spent {figures.spent}")
    if figures.machine:
        parts.append(f"p50 {figures.healthy_p50:.2f} → {figures.bad_p50:.2f} ms; asked directly p50 × {figures.machine[0.5]:.3f}, p99 × {figures.machine[0.99]:.3f}")
    if scenario.group == "one":
        parts.append(f"{figures.live_rate:.0f} live/s")
    return f"{scenario.name:<15} " + " · ".join(parts)


def noise(records):
    """What was wrong with the run itself, a line each."""
    if records.stalls.longest() > 0.02:
        yield f"{INDENT}(this machine kept client or endpoints waiting for {1000 * records.stalls.longest():.0f} ms)"
    if not records.sees_wire:
        yield f"{INDENT}(without CAP_NET_RAW: connections that were refused or vanished are not counted as tries)"


RESULTS = {"g": "too late", "s": "status", "w": "wrong body", "c": "cut short", "r": "not connected", "n": "no answer"}


def not_answered(view):
    """What came instead of good answers that were possible, and from which endpoint (none: the proxy itself), a line each."""
    found = collections.Counter()
    for one in view.answerable:
        if not view.in_time(one):
            came = f"{RESULTS[one.result]} {one.status}" if one.status else RESULTS[one.result]
            tried = "+".join(str(arrival.endpoint - view.first) for arrival in view.by_id.get(one.id, ())) or "none"
            found[came, one.method, tried, round(one.due - view.start, 1)] += 1
    for (came, method, tried, when), count in sorted(found.items(), key=lambda item: item[0][3]):
        yield f"{INDENT}{when:5.1f} s: {count} × {method}, {came}; endpoints tried: {tried}"


def summary(figures):
    """What users of a breaker ask for, over all scenarios."""
    recoveries = [value for one in figures for value in one.recoveries]
    needed = sum(one.needed_fallback for one in figures)
    yield f"false positives: {sum(one.false_positives for one in figures)} of {sum(one.healthy_requests for one in figures)} requests before anything was bad"
    seen = [value for value in recoveries if math.isfinite(value)]
    if seen:
        yield f"recovery: median {statistics.median(seen):.1f} s, worst {max(seen):.1f} s, of {len(seen)} healings"
    if len(seen) < len(recoveries):
        yield f"recovery: not seen of {len(recoveries) - len(seen)} healings, before the next fault or the end"
    if needed:
        yield f"fallbacks: {percent(sum(one.fell_back for one in figures) / needed)} of {needed} succeeded"
    yield f"cascades: {sum(one.cascades for one in figures)}"


COLUMNS = {"answered well": lambda one: percent(one.share), "p99 ms": lambda one: ms(one.bad_p99), "wasted tries": lambda one: str(one.most_wasted),
           "tries/request": lambda one: f"{one.amplification:.2f}"}


def markdown(scenarios, names, results):
    """`results`: by contestant and scenario; `names`: of the contestants, in the order of their columns."""
    yield "| | " + " | ".join(f"{name}: {column}" for column in COLUMNS for name in names.values()) + " |"
    yield "|---|" + "---:|" * len(COLUMNS) * len(names)
    for scenario in scenarios:
        cells = [show(results[contestant, scenario.name]) for show in COLUMNS.values() for contestant in names]
        yield f"| {scenario.title} | " + " | ".join(cells) + " |"

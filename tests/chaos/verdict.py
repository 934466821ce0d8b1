# SPDX-License-Identifier: Apache-2.0
"""Holds figures against a scenario's limits."""
import math

RECOVERY = 60            # seconds, worst
FALSE_POSITIVES = 0.001  # share of the requests before anything was bad
FALLBACK = 0.95
P99_SLACK = 10           # ms that two processes more on the same cores may cost


def neighbour_misses(limit, figures):
    """What the machine does to latency, as seen by asking directly, is not held against the proxy."""
    for name, before, during, slack in (("p50", figures.healthy_p50, figures.bad_p50, 0), ("p99", figures.healthy_p99, figures.bad_p99, P99_SLACK)):
        allowed = limit * before * max(1, figures.machine[float("0." + name[1:])]) + slack
        if during > allowed:
            yield f"{name} {during:.1f} ms beside a burning upstream, more than {allowed:.1f} ms"


def misses(scenario, figures, records):
    """What did not hold, a sentence each; empty when all did."""
    limits = scenario.limits
    found = []
    if records.proxy_died:
        found.append("the proxy has died")
    if limits.share and figures.share is not None and figures.share < limits.share:
        found.append(f"{figures.good} of {figures.answerable} answerable requests answered well: {100 * figures.share:.2f} %, less than {100 * limits.share:g} %")
    if limits.wasted is not None and figures.most_wasted > limits.wasted:
        found.append(f"{figures.most_wasted} tries at a dead endpoint, more than {limits.wasted}")
    if limits.amplification and figures.amplification > limits.amplification:
        found.append(f"{figures.amplification:.2f} tries for a request, more than {limits.amplification:g}")
    if limits.p99 and figures.bad_p99 > limits.p99 * figures.healthy_p99 + P99_SLACK:
        found.append(f"p99 {figures.bad_p99:.0f} ms while bad, more than {limits.p99:g} × {figures.healthy_p99:.0f} ms + {P99_SLACK} ms")
    if limits.neighbour:
        found += neighbour_misses(limits.neighbour, figures)
    if figures.outliving:
        found.append(f"{len(figures.outliving)} requests outlived their deadline, the first {figures.outliving[0]}")
    if figures.doubles:
        found.append(f"{len(figures.doubles)} POSTs arrived twice, the first {figures.doubles[0]}")
    if figures.wrong:
        found.append(f"{len(figures.wrong)} requests got another's answer, the first {figures.wrong[0]}")
    if figures.false_positives > FALSE_POSITIVES * figures.healthy_requests:
        found.append(f"{figures.false_positives} of {figures.healthy_requests} requests failed before anything was bad")
    if any(RECOVERY <= one < math.inf for one in figures.recoveries):
        found.append(f"{max(figures.recoveries):.0f} s until an endpoint that had healed got its part again")
    if figures.needed_fallback and figures.fell_back < FALLBACK * figures.needed_fallback:
        found.append(f"{figures.fell_back} of {figures.needed_fallback} fallbacks succeeded")
    return found

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Plays scenarios and judges them; exit status 1 when a limit of Fusewire's is missed. Use run.sh, which builds what this needs."""
import argparse
import math
import os
import pathlib
import statistics
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "bench"))

# pylint: disable=wrong-import-position
from figures import measure  # noqa: E402
from play import Play  # noqa: E402
from proxies import NAMES  # noqa: E402
from scenarios import SIZES, all_scenarios  # noqa: E402
from stage import end_by_signal, raise_file_limit  # noqa: E402
from verdict import misses  # noqa: E402


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fusewire", default="build/release/fusewire", metavar="FILE")
    parser.add_argument("--tools", default="build/release", metavar="FOLDER", help="where chaos_endpoints and chaos_client are")
    parser.add_argument("--contestant", action="append", choices=list(NAMES), help="fusewire unless given; may be repeated")
    parser.add_argument("--all", action="store_true", help="all contestants")
    parser.add_argument("--size", choices=list(SIZES), default="standard")
    parser.add_argument("--scenario", action="append", metavar="NAME", help="only this one; may be repeated")
    parser.add_argument("--tries", type=int, default=1, metavar="N", help="a scenario that misses a limit is played again, up to N times in all")
    parser.add_argument("--markdown", metavar="FILE", help="the table, for bench/README.md")
    parser.add_argument("--list", action="store_true")
    return parser.parse_args()


def percent(share):
    return "–" if share is None else f"{100 * math.floor(share * 1e4) / 1e4:.2f} %"


def line(scenario, figures):
    parts = [f"{percent(figures.share):>9} of {figures.answerable:>6}", f"p99 {figures.healthy_p99:5.1f} → {figures.bad_p99:7.1f} ms",
             f"wasted {figures.most_wasted:>5}", f"tries/request {figures.amplification:4.2f}"]
    if figures.spent:
        parts.append(f"POSTs spent {figures.spent}")
    if figures.machine:
        parts.append(f"p50 {figures.healthy_p50:.2f} → {figures.bad_p50:.2f} ms; asked directly p50 × {figures.machine[0.5]:.3f}, p99 × {figures.machine[0.99]:.3f}")
    if scenario.group == "one":
        parts.append(f"{figures.live_rate:.0f} live/s")
    return f"{scenario.name:<14} " + " · ".join(parts)


def play_once(scenario, contestant, options):
    records = Play(scenario, contestant, os.path.abspath(options.fusewire), options.tools).run()
    figures = measure(scenario, records)
    print(line(scenario, figures), flush=True)
    if records.stalls.longest() > 0.02:
        print(f"{'':<14} (this machine held a process of ours up for {1000 * records.stalls.longest():.0f} ms)")
    return figures, misses(scenario, figures, records)


def play(scenario, contestant, options):
    for left in reversed(range(options.tries)):
        figures, missed = play_once(scenario, contestant, options)
        for one in missed:
            print(f"{'':<14}   MISSED: {one}", flush=True)
        if not missed or not left:
            return figures, missed
    raise AssertionError


def seconds(value):
    return "not within the run" if math.isinf(value) else f"{value:.1f} s"


def print_seeds(all_figures):
    """The figures over all scenarios that users of a breaker ask for."""
    requests = sum(one.healthy_requests for one in all_figures)
    needed = sum(one.needed_fallback for one in all_figures)
    recoveries = [value for one in all_figures for value in one.recoveries]
    print(f"false positives   {sum(one.false_positives for one in all_figures)} of {requests} requests to healthy upstreams")
    if recoveries:
        print(f"recovery          median {seconds(statistics.median_low(recoveries))}, worst {seconds(max(recoveries))}, of {len(recoveries)} healings")
    if needed:
        print(f"fallbacks         {percent(sum(one.fell_back for one in all_figures) / needed)} of {needed}")
    print(f"cascades          {sum(one.cascades for one in all_figures)}")


def main():
    options = arguments()
    scenarios = [one for one in all_scenarios(SIZES[options.size]) if not options.scenario or one.name in options.scenario]
    if options.list or not scenarios:
        print("\n".join(f"{one.name:<14} {one.title}" for one in all_scenarios(SIZES[options.size])))
        return 0 if options.list else 2
    end_by_signal()
    raise_file_limit()
    missed, results = [], {}
    for contestant in list(NAMES) if options.all else options.contestant or ["fusewire"]:
        print(f"== {NAMES[contestant]}, load average {os.getloadavg()[0]:.2f}")
        for scenario in scenarios:
            results[contestant, scenario.name], found = play(scenario, contestant, options)
            if contestant == "fusewire":
                missed += [f"{scenario.name}: {one}" for one in found]
        print_seeds([figures for (name, _), figures in results.items() if name == contestant])
    if missed:
        print(f"chaos: FAILED, {len(missed)} limits missed:", *missed, sep="\n  ")
    return bool(missed)


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fusewire beside HAProxy, nginx and a raw relay, in one run. bench/run.sh builds what it needs and calls it."""
import argparse
import json
import pathlib
import sys

sys.dont_write_bytecode = True
import cases
import chart
import instructions
import machine
import report
from contestants import Cast
from stage import HERE, Cores, Stage, end_by_signal, raise_file_limit


def options():
    parser = argparse.ArgumentParser(prog="bench/run.sh", description=__doc__)
    parser.add_argument("--cases", default=",".join(cases.KEYS), help="some of: %(default)s")
    parser.add_argument("--rounds", type=int, default=6, help="of each contestant in each case; medians count (%(default)s)")
    parser.add_argument("--seconds", type=int, default=2, help="of a round (%(default)s)")
    parser.add_argument("--connections", type=int, default=5000, help="idle ones (%(default)s)")
    parser.add_argument("--quick", action="store_true", help="two rounds of one second: to see that it works")
    parser.add_argument("--json", metavar="FILE", help="all figures")
    parser.add_argument("--svg", metavar="FILE", help="the chart of CPU per request")
    parser.add_argument("--readme", action="store_true", help="put the tables into bench/README.md and the chart into bench/results.svg")
    parser.add_argument("--fusewire", metavar="BINARY", required=True)
    parser.add_argument("--tools", metavar="FOLDER", required=True, help="where bench_origin and bench_relay are")
    chosen = parser.parse_args()
    chosen.cases = chosen.cases.split(",")
    for key in chosen.cases:
        if key not in cases.KEYS:
            parser.error(f"no case {key}; there are {', '.join(cases.KEYS)}")
    if chosen.quick:
        chosen.rounds, chosen.seconds = 2, 1
    return chosen


def say(text):
    print(text, end="", file=sys.stderr, flush=True)


def measure_all(chosen, cores):
    results, skipped = {}, {}
    with Stage() as stage:
        cast = Cast(stage, cores, pathlib.Path(chosen.fusewire).resolve(), pathlib.Path(chosen.tools).resolve())
        for case in cases.CASES:
            if case.key not in chosen.cases:
                continue
            if reason := cast.cannot(case):
                skipped[case.title] = reason
                continue
            say(f"{case.title} ")
            rate = cases.half_load(results, cast, cores, chosen.seconds) if case.load == "paced" else None
            results[case.key] = cases.measure(case, cast, cores, chosen.rounds, chosen.seconds, say, rate)
            say("\n")
        if cases.IDLE in chosen.cases:
            say("idle connections ")
            results[cases.IDLE] = cases.measure_idle(cast, chosen.connections, say)
            say("\n")
        if cases.INSTRUCTIONS in chosen.cases:
            if reason := cast.cannot(cases.LARGE):
                skipped["instructions under callgrind"] = reason
            else:
                say("instructions under callgrind\n")
                results[cases.INSTRUCTIONS] = instructions.measure(pathlib.Path(chosen.fusewire).resolve())
    return results, skipped


def main():
    end_by_signal()
    chosen = options()
    limit = raise_file_limit()
    if cases.IDLE in chosen.cases and limit < 2 * chosen.connections + 500:
        sys.exit(f"bench: {chosen.connections} idle connections through a relay need {2 * chosen.connections + 500} files; the limit is {limit}")
    cores = Cores()
    about = machine.describe(chosen, cores)
    results, skipped = measure_all(chosen, cores)
    document = {"about": about, "cases": results, "skipped": skipped, "targets": cases.judge(results)}
    print(report.text(document))
    if chosen.json:
        pathlib.Path(chosen.json).write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    if chosen.svg:
        pathlib.Path(chosen.svg).write_text(chart.svg(document))
    if chosen.readme:
        report.put_into(HERE / "README.md", document)
        (HERE / "results.svg").write_text(chart.svg(document))


if __name__ == "__main__":
    main()

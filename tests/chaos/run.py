#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Plays scenarios and judges them; exit status 1 when Fusewire misses a limit. Use run.sh, which builds what this needs."""
import argparse
import os
import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent.parent / "bench"))

# pylint: disable=wrong-import-position
import report  # noqa: E402
from figures import measure  # noqa: E402
from play import undisturbed  # noqa: E402
from proxies import NAMES  # noqa: E402
from scenarios import SIZES, all_scenarios  # noqa: E402
from stage import end_by_signal, raise_file_limit  # noqa: E402
from verdict import misses  # noqa: E402
from view import View  # noqa: E402


def arguments():
    parser = argparse.ArgumentParser(prog="run.sh", description="Plays scenarios and judges them; exit status 1 when Fusewire misses a limit.")
    parser.add_argument("--fusewire", default="build/release/fusewire", metavar="FILE")
    parser.add_argument("--tools", default="build/release", metavar="FOLDER", help="where chaos_endpoints and chaos_client are")
    parser.add_argument("--contestant", action="append", choices=list(NAMES), help="fusewire unless given; may be repeated")
    parser.add_argument("--all", action="store_true", help="all contestants")
    parser.add_argument("--size", choices=list(SIZES), default="standard")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of the storm")
    parser.add_argument("--scenario", action="append", metavar="NAME", help="only this one; may be repeated")
    parser.add_argument("--tries", type=int, default=1, metavar="N", help="a scenario that misses a limit is played up to N times")
    parser.add_argument("--markdown", metavar="FILE", help="where the table for bench/README.md goes")
    parser.add_argument("--nice", type=int, default=0, metavar="N", help="of all that is started; -15 keeps other work on the machine at bay")
    parser.add_argument("--misses", action="store_true", help="count the answerable requests that were not answered well, by what came instead")
    parser.add_argument("--list", action="store_true", help="the scenarios")
    return parser, parser.parse_args()


def play_once(scenario, contestant, options):
    records = undisturbed(scenario, contestant, os.path.abspath(options.fusewire), options.tools)
    figures = measure(scenario, records)
    missed = misses(scenario, figures, records)
    print(report.line(scenario, figures), *report.noise(records), *(f"{report.INDENT}MISSED: {one}" for one in missed), sep="\n", flush=True)
    if options.misses:
        print(*report.not_answered(View(scenario, records)), sep="\n", flush=True)
    return figures, missed


def play(scenario, contestant, options):
    """Again after a miss, as often as it may be: the machine has other work, which one attempt may have suffered from."""
    for _ in range(max(1, options.tries)):
        figures, missed = play_once(scenario, contestant, options)
        if not missed:
            break
    return figures, missed


def play_all(scenarios, contestants, options):
    """Figures by contestant and scenario, and what Fusewire missed."""
    results, missed = {}, []
    for contestant in contestants:
        print(f"== {NAMES[contestant]}, load average {os.getloadavg()[0]:.2f}")
        for scenario in scenarios:
            results[contestant, scenario.name], found = play(scenario, contestant, options)
            missed += [f"{scenario.name}: {one}" for one in found if contestant == "fusewire"]
        print(*report.summary([figures for (name, _), figures in results.items() if name == contestant]), sep="\n", flush=True)
    return results, missed


def main():
    parser, options = arguments()
    scenarios = all_scenarios(SIZES[options.size], options.seed)
    if options.list:
        print("\n".join(f"{one.name:<15} {one.title}" for one in scenarios))
        return 0
    unknown = set(options.scenario or ()) - {one.name for one in scenarios}
    if unknown:
        parser.error(f"no scenario {', '.join(sorted(unknown))}; --list has them")
    if options.scenario:
        scenarios = [one for one in scenarios if one.name in options.scenario]
    end_by_signal()
    raise_file_limit()
    os.nice(options.nice)
    contestants = list(NAMES) if options.all else options.contestant or ["fusewire"]
    results, missed = play_all(scenarios, contestants, options)
    if options.markdown:
        pathlib.Path(options.markdown).write_text("\n".join(report.markdown(scenarios, {one: NAMES[one] for one in contestants}, results)) + "\n", encoding="utf-8")
    if missed:
        print(f"chaos: FAILED, {len(missed)} limits missed", *missed, sep="\n  ")
    elif "fusewire" in contestants:
        print("chaos: all limits hold")
    return bool(missed)


if __name__ == "__main__":
    sys.exit(main())

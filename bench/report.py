# SPDX-License-Identifier: Apache-2.0
"""The figures of a run as tables for people: on the terminal, and between two marks of bench/README.md."""
import textwrap

import cases
import instructions
from contestants import NAMES

BEGIN, END = "<!-- results: written by bench/run.sh --readme -->", "<!-- end of results -->"


def table(head, rows):
    """Markdown that can be read as it is: padded columns, numbers to the right."""
    rows = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    right = [i > 0 and all(not row[i] or row[i][0] in "0123456789–" for row in rows) for i in range(len(head))]

    def line(row):
        return "| " + " | ".join(cell.rjust(width) if to_right else cell.ljust(width) for cell, width, to_right in zip(row, widths, right)) + " |"

    rule = "|" + "|".join("-" * (width + 1) + (":" if right[i] else "-") for i, width in enumerate(widths)) + "|"
    return "\n".join([line(head), rule, *(line(row) for row in rows)])


def number(value):
    return f"{value:,.0f}" if value >= 1000 else f"{value:.1f}" if value < 100 else f"{value:.0f}"


def milliseconds(us):
    return "–" if us is None else f"{us / 1000:.2f}"


def figures(document):
    rows = []
    for case in cases.CASES:
        if case.load == "paced":
            continue
        results = document["cases"].get(case.key, {})
        ours = next((name for name in results if name.startswith("fusewire")), None)
        for name, result in results.items():
            title = case.title if name == next(iter(results)) else ""
            if "problem" in result:
                rows.append([title, NAMES[name], "– invalid: " + result["problem"], "", "", "", "", ""])
                continue
            rounds = result["cpu_us_rounds"]
            ratio = cases.ratio(results, ours, name) if name != ours else None
            rows.append([title, NAMES[name], number(result["cpu_us"]), f"{number(min(rounds))} – {number(max(rounds))}",
                         f"{ratio:.2f}" if ratio else "–", number(result["rate"]), milliseconds(result["p50_us"]), milliseconds(result["p99_us"])])
    head = ["case", "", "CPU µs/request", "rounds", "Fusewire ÷ this", "requests/s", "p50 ms", "p99 ms"]
    return table(head, rows) if rows else ""


def paced(document):
    rows = []
    for name, result in document["cases"].get("half", {}).items():
        if "problem" in result:
            rows.append([NAMES[name], "– invalid: " + result["problem"], *[""] * 6])
            continue
        results, rounds = document["cases"]["half"], result["p99_us_rounds"]
        ratio = cases.ratio(results, "fusewire", name, "p99_us") if name != "fusewire" else None
        rows.append([NAMES[name], number(result["rate"]), number(result["cpu_us"]), milliseconds(result["p50_us"]), milliseconds(result["p99_us"]),
                     f"{milliseconds(min(rounds))} – {milliseconds(max(rounds))}", f"{ratio:.2f}" if ratio else "–", milliseconds(result["p999_us"])])
    head = ["128 B answers at half of HAProxy's load", "requests/s", "CPU µs/request", "p50 ms", "p99 ms", "p99, rounds", "Fusewire's p99 ÷ this", "p99.9 ms"]
    return table(head, rows) if rows else ""


def idle(document):
    rows = [[NAMES[name], number(result["bytes"]), number(result["connections"])] for name, result in document["cases"].get(cases.IDLE, {}).items()]
    return table(["idle connections", "bytes each", "connections"], rows) if rows else ""


def counted(document):
    rows = [[instructions.NAMES[case], f"{value:,}"] for case, value in document["cases"].get(cases.INSTRUCTIONS, {}).items()]
    return table(["Fusewire under callgrind", "instructions/request"], rows) if rows else ""


def targets(document):
    rows = []
    for target in document["targets"]:
        measured = target["measured"]
        shown = "–" if measured is None else number(measured) if target["most"] > 10 else f"{measured:.2f}"
        rows.append([target["what"], f"{target['most']:g}", shown, {None: "not measured", True: "yes", False: "no"}[target["met"]]])
    return table(["target", "at most", "measured", "met"], rows)


def about(document):
    a = document["about"]
    virtual = ", a virtual machine" if a["virtual"] else ""
    said = (f"{a['date']}, commit {a['commit']}. {a['cpu']}, {a['cores']} cores{virtual}, {a['memory_gib']} GiB, Linux {a['kernel']}, "
            f"TCP {a['congestion_control']}; HAProxy {a['haproxy']}, nginx {a['nginx']}, wrk {a['wrk']}. "
            f"Medians of {a['rounds']} rounds of {a['seconds']} s; load average before the run {a['load_before']:.2f}.")
    return textwrap.fill(said, 150, break_long_words=False, break_on_hyphens=False)


def text(document):
    skipped = "\n".join(f"Not run: {title}: {reason}" for title, reason in document["skipped"].items())
    return "\n\n".join(part for part in (about(document), figures(document), paced(document), idle(document), counted(document), targets(document), skipped) if part)


def put_into(readme, document):
    page = readme.read_text()
    before, rest = page.split(BEGIN)
    readme.write_text(f"{before}{BEGIN}\n\n{text(document)}\n\n![CPU per request](results.svg)\n\n{END}{rest.split(END)[1]}")

# SPDX-License-Identifier: Apache-2.0
"""CPU per request as bars, and p99 at half load: one panel a case, each with a scale of its own from 0."""
from html import escape

from cases import CASES
from contestants import NAMES
from report import number

COLOURS = {"relay": "#9aa0a6", "haproxy": "#4c78a8", "nginx": "#59a14f", "haproxy-64k": "#8fb2d3", "nginx-64k": "#a3cc9a"}
OURS = "#d9480f"
WIDTH, LABEL, VALUE, BAR, GAP = 900, 310, 110, 18, 6


def text(x, y, content, more=""):
    return f'<text x="{x}" y="{y}" {more}>{escape(content)}</text>'


def panel(top, title, results, figure="cpu_us"):
    """Its drawing and its height."""
    shown = {name: result[figure] for name, result in results.items() if figure in result}
    most = max(shown.values())
    parts = [text(16, top + 18, title, 'font-weight="600"')]
    y = top + 28
    for name, value in shown.items():
        length = (WIDTH - LABEL - VALUE) * value / most
        colour = COLOURS.get(name, OURS)
        parts.append(text(LABEL - 10, y + 13, NAMES[name], 'text-anchor="end"'))
        parts.append(f'<rect x="{LABEL}" y="{y}" width="{length:.1f}" height="{BAR}" rx="2" fill="{colour}"/>')
        parts.append(text(f"{LABEL + length + 6:.1f}", y + 13, f"{number(value)} µs"))
        y += BAR + GAP
    return parts, y + 10 - top


def svg(document):
    about = document["about"]
    parts, y = [], 62
    for case in CASES:
        results = document["cases"].get(case.key, {})
        if any("cpu_us" in result for result in results.values()):
            paced = case.load == "paced"
            drawn, height = panel(y, case.title + (": p99 latency, not CPU" if paced else ""), results, "p99_us" if paced else "cpu_us")
            parts += drawn
            y += height
    head = [text(16, 26, "CPU time of the proxy per request, in microseconds (less is better)", 'font-size="16" font-weight="600"'),
            text(16, 46, f"one core, 32 connections; each panel has its own scale; {about['date']}, {about['cpu']}", 'fill="#5f6368"')]
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y}" viewBox="0 0 {WIDTH} {y}" '
                      'font-family="system-ui, sans-serif" font-size="13" fill="#202124">',
                      f'<rect width="{WIDTH}" height="{y}" fill="#ffffff"/>', *head, *parts, "</svg>", ""])

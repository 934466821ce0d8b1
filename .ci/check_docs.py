#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the documents promise is there: links lead to files and headings, commands exist, configurations pass `fusewire check`,
each alert has its place in the runbook, and what docker/compose.yaml mounts exists.

usage: .ci/check_docs.py build/release/fusewire
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
ENVIRONMENT = {**os.environ, "FUSEWIRE_UPSTREAM": "http://127.0.0.1:9000"}  # what docker/default.yaml asks for
WIDTH = 160  # characters of a line that is none of a table
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.M | re.S)


def documents():
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md"), *ROOT.glob("bench/*.md"), *ROOT.glob("tests/*/*.md")])


def anchors(text):
    """As GitHub makes them of headings."""
    for heading in re.findall(r"^#+ (.+)$", FENCE.sub("", text), re.M):
        yield re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def dead_links(path, text):
    for target, anchor in re.findall(r"\]\(([^)\s#]*)(?:#([^)\s]+))?[^)]*\)", FENCE.sub("", text)):
        file = path.parent / target if target else path
        if "://" in target:
            continue
        if not file.exists():
            yield f"link to {target}, which is not there"
        elif anchor and file.suffix == ".md" and anchor not in set(anchors(file.read_text())):
            yield f"link to {target}#{anchor}, where there is no such heading"


def too_wide(text):
    for number, line in enumerate(text.splitlines(), 1):
        if len(line) > WIDTH and not line.startswith("|"):
            yield f"line {number} has {len(line)} characters, more than {WIDTH}"


def unmerged(text):
    for number, line in enumerate(text.splitlines(), 1):
        if re.match(r"<{7} |>{7} |={7}$", line):
            yield f"line {number} is the mark of a merge that was not finished"


def runbook_and_alerts():
    alerts = (ROOT / "docker/alerts.yml").read_text()
    names = set(re.findall(r"- alert: (\w+)", alerts))
    if set(re.findall(r"runbook: docs/runbook.md#(\w+)", alerts)) != {name.lower() for name in names}:
        yield "docker/alerts.yml: an alert without its own place in the runbook"
    described = set(re.findall(r"^## (\w+)$", (ROOT / "docs/runbook.md").read_text(), re.M))
    for name in names ^ described:
        yield f"docs/runbook.md: {name} is an alert without a description, or described and no alert"


def missing_mounts():
    for source in re.findall(r"[\s\"](\./[\w./-]+)", (ROOT / "docker/compose.yaml").read_text()):
        if not (ROOT / "docker" / source).exists():
            yield f"docker/compose.yaml: {source} is not there"


def unknown_commands(text, subcommands):
    code = "\n".join(body for language, body in FENCE.findall(text) if language in ("", "sh", "console", "bash"))
    code += "\n" + "\n".join(re.findall(r"`([^`\n]+)`", text))
    for script in re.findall(r"^(?:\$ )?(?:bash )?(\.?/?(?:examples|tests|\.ci|docker|bench)/[\w./-]+)", code, re.M):
        if "NAME" not in script and not (ROOT / script).exists():
            yield f"command {script}, which is not there"
        elif script.endswith(".sh") and not os.access(ROOT / script, os.X_OK):
            yield f"command {script}, which is not executable"
    for word in re.findall(r"^(?:\$ )?(?:\S*/)?fusewire ([a-z][a-z-]+)", code, re.M):
        if word not in subcommands:
            yield f"`fusewire {word}`, which the program does not know"


def check_configuration(binary, path, *arguments):
    run = subprocess.run([binary, "check", "-c", path, *arguments], capture_output=True, text=True, check=False, env=ENVIRONMENT)
    if run.returncode != 0:
        yield f"fusewire check says {run.returncode}: {run.stdout}{run.stderr}"


def embedded_configurations(binary, text):
    for language, body in FENCE.findall(text):
        if language == "yaml" and re.search(r"^upstreams:", body, re.M):
            with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
                file.write(body)
                file.flush()
                yield from check_configuration(binary, file.name)


def main():
    binary = os.path.abspath(sys.argv[1])
    shown = subprocess.run([binary, "--help"], capture_output=True, text=True, check=True).stdout
    subcommands = set(re.findall(r"^\s+([a-z][a-z-]+)\b", shown, re.M))
    problems = []
    pages = documents()
    for path in pages:
        text = path.read_text()
        for problem in (*dead_links(path, text), *too_wide(text), *unmerged(text), *unknown_commands(text, subcommands), *embedded_configurations(binary, text)):
            problems.append(f"{path.relative_to(ROOT)}: {problem}")
    # Tokens come from files that exist only where these configurations run.
    configurations = [*ROOT.glob("examples/*.yaml"), *ROOT.glob("examples/kubernetes/**/fusewire.yaml"),
                      ROOT / "docker/conf/fusewire.yaml", ROOT / "docker/default.yaml", ROOT / "packaging/fusewire.yaml"]
    for path in configurations:
        problems += [f"{path.relative_to(ROOT)}: {p}" for p in check_configuration(binary, path, "--no-files")]
    problems += [*runbook_and_alerts(), *missing_mounts()]
    for problem in problems:
        print(problem)
    print(f"{len(pages)} documents, {len(configurations)} configurations, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

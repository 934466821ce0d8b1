# SPDX-License-Identifier: Apache-2.0
"""On what and of what a run was made."""
import datetime
import os
import pathlib
import platform
import re
import subprocess


def first(pattern, text, otherwise="unknown"):
    found = re.search(pattern, text)
    return found[1].strip() if found else otherwise


def said(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=pathlib.Path(__file__).parent)
        return done.stdout + done.stderr
    except OSError:
        return ""


def describe(chosen, cores):
    kib = int(first(r"MemTotal:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text(), "0"))
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "cpu": first(r"model name\s*:\s*(.*)", pathlib.Path("/proc/cpuinfo").read_text()),
        "virtual": " hypervisor" in pathlib.Path("/proc/cpuinfo").read_text(),
        "cores": len(cores.cores),
        "memory_gib": round(kib / 1024 / 1024, 1),
        "kernel": platform.release(),
        "congestion_control": pathlib.Path("/proc/sys/net/ipv4/tcp_congestion_control").read_text().strip(),
        "load_before": os.getloadavg()[0],
        "commit": first(r"^([0-9a-f]{7,}(?:-dirty)?)$", said("git", "describe", "--always", "--dirty", "--exclude=*").strip()),
        "haproxy": first(r"version (\S+)", said("haproxy", "-v")),
        "nginx": first(r"nginx/(\S+)", said("nginx", "-v")),
        "wrk": first(r"wrk (\S+)", said("wrk", "-v")),
        "rounds": chosen.rounds,
        "seconds": chosen.seconds,
    }

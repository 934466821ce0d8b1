# SPDX-License-Identifier: Apache-2.0
"""Everything that a benchmark starts, on which cores, and how it ends."""
import os
import pathlib
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
HOST = "127.0.0.1"


def free_ports(count):
    """Ports that were free a moment ago."""
    held = [socket.socket() for _ in range(count)]
    for one in held:
        one.bind((HOST, 0))
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


def fill(template, values):
    """A file of peers/ with its @NAMES@ replaced."""
    text = (HERE / "peers" / template).read_text()
    for name, value in values.items():
        text = text.replace(f"@{name}@", str(value))
    return text


def end_by_signal():
    """So that Ctrl-C and SIGTERM leave every `with` block on their way out."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda which, _: sys.exit(128 + which))


def raise_file_limit():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def wait_for(process, port, patience=60):
    """Until `process`, which Stage started, accepts on `port`."""
    end = time.monotonic() + patience
    while process.poll() is None and time.monotonic() < end:
        try:
            return socket.create_connection((HOST, port), 1).close()
        except OSError:
            time.sleep(0.02)
    raise SystemExit(f"bench: {process.args[0]} did not come up:\n" + process.log.read_text()[-2000:])


class Cores:
    """One core for the proxy, the others for its client and its origin."""

    def __init__(self):
        cores = sorted(os.sched_getaffinity(0))
        if len(cores) < 2:
            raise SystemExit("bench: two cores are needed: one for the proxy alone, one for its client and its origin")
        self.cores = cores

    def proxy(self, workers):
        return set(self.cores[:workers])

    def load(self, workers):
        """Beside the proxy's cores; where there are none left, on all of them."""
        return set(self.cores[workers:] or self.cores)


class Stage:
    """A folder and processes; both are gone when the `with` block is left, however that happens."""

    def __init__(self):
        self.processes = []

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="fusewire-bench-"))
        return self

    def __exit__(self, *_):
        for process in list(self.processes):
            self.stop(process)
        shutil.rmtree(self.folder, ignore_errors=True)

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return str(path)

    def start(self, arguments, cores, port, environment=None):
        """Starts a server and waits until it accepts on `port`."""
        path = self.folder / f"{pathlib.Path(arguments[0]).name}-{port}.log"
        with open(path, "wb") as log:
            process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                                       env={**os.environ, **(environment or {})}, preexec_fn=lambda: os.sched_setaffinity(0, cores))
        process.log = path
        self.processes.append(process)
        wait_for(process, port)
        return process

    def stop(self, process):
        self.processes.remove(process)
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

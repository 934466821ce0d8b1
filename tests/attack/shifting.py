# SPDX-License-Identifier: Apache-2.0
"""Configurations in which everything about an upstream changes: endpoints, weights, policy, breaker, retries, limits,
fallback, cache. Each is valid; which one comes next is chance."""

import random

UPSTREAMS = "abcdef"
POLICIES = ["policy: health_score", "policy: round_robin", "policy: random", "policy: least_request", "policy: hash",
            "policy: hash, hash: {by: header, name: x-user}", "policy: hash, hash: {by: cookie, name: sid}",
            "policy: health_score, slow_start: 1s"]


def endpoint(port, is_first):
    host = "localhost" if random.random() < 0.15 else "127.0.0.1"
    kinds = [""] if is_first else ["", ", weight: 0", ", weight: 5", ", backup: true"]
    return f'{{url: "http://{host}:{port}"{random.choice(kinds)}}}'


def endpoints(ports):
    chosen = random.sample(ports, random.randint(1, 4))
    return ", ".join(endpoint(port, at == 0) for at, port in enumerate(chosen))


def breaker():
    ramp = random.choice(["", ", ramp: {duration: 2s}", ", ramp: {duration: 1m}"])
    return (f"{{scope: {random.choice(['auto', 'auto', 'endpoint', 'upstream'])}, "
            f"mode: {random.choice(['enforce', 'enforce', 'enforce', 'shadow', 'disabled'])}, "
            f"detection: {{consecutive_failures: {{threshold: {random.randint(1, 6)}, chance: off}}, "
            "slow_call_rate: {slower_than: 700ms}}, "
            f"transitions: {{open_timeout: {random.choice([50, 200, 1000])}ms, backoff: {{max: 1s}}}}, "
            f"recovery: {{max_half_open: 2s, half_open_max_calls: {random.randint(1, 3)}{ramp}}}}}")


def retries():
    return (f"{{attempts: {random.randint(0, 4)}, on: [connect_error, reset, timeout, protocol_error, incomplete, \"5xx\"], "
            f"budget: {{ratio: {random.choice([0, 0.2, 1])}, min_per_second: {random.choice([0, 10, 1000])}}}, "
            f"per_try_timeout: {random.choice(['off', '300ms'])}}}")


def limits():
    keys = [f"max_concurrent_requests: {random.choice([1, 3, 20, 1024])}",
            f"max_connections: {random.choice([2, 10, 1024])}"]
    if random.random() < 0.6:
        keys.append(f"queue: {{size: {random.choice([1, 20, 100])}, timeout: {random.choice([50, 500])}ms}}")
    if random.random() < 0.3:
        keys.append(f"rate: {{requests_per_second: {random.choice([20, 500])}, burst: {random.choice([1, 50])}}}")
    return "{" + ", ".join(keys) + "}"


def timeouts():
    adaptive = random.choice(["", "", ", adaptive: {min: 20ms, minimum_samples: 10, window: 5s}"])
    return f"{{response: {random.choice([500, 1000, 2000])}ms, idle: 1s, total: 3s{adaptive}}}"


def fallback(name):
    static = "{static: {status: 203, body: static}}"
    chains = ["", "cache", "{cache: {max_stale: 5s}}", "{cache: {max_stale: 5s}}, " + static]
    if name != "a":
        chains += ["{upstream: a}", "{cache: {max_stale: 1s}}, {upstream: a}, " + static]
    return f"{{chain: [{random.choice(chains)}]}}"


# It stays as it is, so that its breakers live through outages and recoveries, which resets would end.
def steady(ports):
    urls = ", ".join(f'"http://127.0.0.1:{port}"' for port in ports)
    return (f"  f:\n    endpoints: [{urls}]\n    limits: {{max_concurrent_requests: 8, queue: {{size: 20}}}}\n"
            "    timeouts: {response: 500ms, total: 3s}\n"
            "    circuit_breaker: {detection: {consecutive_failures: {threshold: 2, chance: off}}, "
            "transitions: {open_timeout: 50ms, backoff: {max: 200ms}}, recovery: {ramp: {duration: 1m}}}\n")


def upstream(name, ports):
    return (f"  {name}:\n    endpoints: [{endpoints(ports)}]\n    load_balancing: {{{random.choice(POLICIES)}}}\n"
            f"    circuit_breaker: {breaker()}\n    retries: {retries()}\n    limits: {limits()}\n"
            f"    timeouts: {timeouts()}\n    fallback: {fallback(name)}\n"
            f"    cache: {{serve: {random.choice(['normal', 'on_error'])}}}\n")


def config(main, admin, ports):
    names = [name for name in "abcde" if name != "e" or random.random() < 0.7]
    routes = "".join(f"      - {{match: {{path_prefix: /{name}}}, upstream: {name}}}\n" for name in names + ["f"])
    trust = random.choice(["", "    trust_forwarded: [127.0.0.0/8]\n"])
    return (f"listeners:\n  - name: {random.choice(['main', 'front'])}\n    address: 127.0.0.1:{main}\n{trust}"
            f"    limits: {{body_timeout: 2s, send_timeout: 2s, head_timeout: 3s}}\n    routes:\n{routes}upstreams:\n"
            + "".join(upstream(name, ports) for name in names) + steady(ports)
            + f'admin: {{address: "127.0.0.1:{admin}", token: t}}\nlog: {{level: warn}}\nruntime: {{workers: 2}}\n')

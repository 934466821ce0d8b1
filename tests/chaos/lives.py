# SPDX-License-Identifier: Apache-2.0
"""What an endpoint is at each moment, as a scenario says it: chaos_endpoints plays it, the oracle knows it. Times are seconds since the start."""
import bisect
import dataclasses
import random

# Modes in which no connection is taken, so that a try is a SYN and never a request.
UNREACHABLE = ("refuse", "dies", "black_hole")

MARGIN = 0.05  # seconds around a change in which nothing is expected of anybody: processes change state when they get to run


@dataclasses.dataclass(frozen=True)
class State:
    mode: str = "ok"
    share: float = 1.0   # of the requests, those that suffer the mode
    factor: float = 1.0  # of the service time
    places: int = 0      # 0 = no bound

    @property
    def able(self):
        """Whether it answers any request well. One with bounded places may have a line before it: nobody can say."""
        return self.mode == "ok" and not self.places

    @property
    def dead(self):
        """Whether each try at it is wasted."""
        return self.mode != "ok" and self.share == 1


OK = State()


@dataclasses.dataclass
class Life:
    """Steps in the order of time; `fixed` and `mean` are the parts of its service time in ms, the second exponential."""
    steps: list = dataclasses.field(default_factory=list)  # (seconds, State)
    fixed: float = 1
    mean: float = 4

    def state(self, time):
        at = bisect.bisect_right(self.steps, time, key=lambda step: step[0])
        return self.steps[at - 1][1] if at else OK

    def spans(self, end):
        """(from, to, state) without gaps, from the start to `end`."""
        times = [0.0, *(at for at, _ in self.steps), end]
        states = [OK, *(state for _, state in self.steps)]
        return [(a, b, state) for a, b, state in zip(times, times[1:], states) if a < b]

    def needs(self, state):
        """Seconds within which nearly all of its requests are served: ten times the mean."""
        return (self.fixed + 10 * self.mean) * state.factor / 1000

    def can_serve(self, due):
        """Whether a request that is sent to it at `due` is answered well: able just before, then, and until it has been served."""
        now = self.state(due)
        if not now.able:
            return False
        until = due + self.needs(now) + MARGIN
        first = bisect.bisect_right(self.steps, due - MARGIN, key=lambda step: step[0])
        last = bisect.bisect_right(self.steps, until, key=lambda step: step[0])
        return self.state(due - MARGIN).able and all(state.able for _, state in self.steps[first:last])

    def script(self):
        lines = [f"endpoint {self.fixed * 1000:.0f} {self.mean * 1000:.0f}"]
        lines += [f"at {at * 1e6:.0f} {s.mode} {s.share} {s.factor} {s.places}" for at, s in self.steps]
        return "\n".join(lines)


def fault(state, start, end, **service):
    return Life([(start, state), (end, OK)], **service)


def flap(state, start, end, period=0.5, **service):
    """`state` and ok in turn, each for `period`."""
    steps, now, bad = [], start, True
    while now < end:
        steps.append((now, state if bad else OK))
        now, bad = now + period, not bad
    return Life([*steps, (end, OK)], **service)


STORM = [State("refuse"), State("dies"), State("hang"), State("black_hole"), State(factor=20), State("error", share=0.3), State("error"),
         State("reset"), State("close"), State("garbage"), State("break_off"), State("trickle"), State("drip"), State("unavailable")]


def storm(seed, start, end, **service):
    """Well for 3 to 12 s (at first, for up to 8 s or a quarter of the storm), then any fault for 0.5 to 4 s, and again."""
    dice = random.Random(seed)
    steps, now = [], start + dice.uniform(0, min(8, (end - start) / 4))
    while now < end:
        steps.append((now, dice.choice(STORM)))
        now += dice.uniform(0.5, 4)
        steps.append((min(now, end), OK))
        now += dice.uniform(3, 12)
    return Life(steps, **service)

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The checker, checked: what is perfect passes, and each thing that can be wrong is found."""
import argparse
import dataclasses
import pathlib
import sys
import unittest

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent.parent / "bench"))

# pylint: disable=wrong-import-position
from figures import measure  # noqa: E402
from lives import Life, State, fault, flap  # noqa: E402
from play import undisturbed  # noqa: E402
from records import Arrival, Records, Request, Stalls, without_repeats  # noqa: E402
from scenarios import Limits, Scenario, Stream  # noqa: E402
from verdict import misses  # noqa: E402

TOOLS = "build/release"


def scenario(*lives, keys=0, **limits):
    """Ten seconds, of which 2 to 8 are bad; 100 requests a second."""
    return Scenario("made", "made up", {"main": list(lives)}, [Stream("main", 0, 10, 100, keys=keys)], (2, 8), 10, Limits(**limits))


def request(number, due, method="G", **changed):
    return dataclasses.replace(Request(0, number, method, number, due, None, due + 0.005, 200, "g", False, 0), **changed)


def arrival(one, endpoint=0, end="+"):
    return Arrival("r", endpoint, one.due + 0.001, one.method, 40000, one.id, end)


def every_10_ms(**changed):
    return [request(number, number / 100, **changed) for number in range(1, 1000)]


class MadeUp(unittest.TestCase):
    """Records that were written by hand, each with one thing wrong."""

    def judge(self, what, requests, arrivals=None, **facts):
        self.records = Records(requests, [arrival(one) for one in requests] if arrivals is None else arrivals, Stalls(), **facts)
        self.figures = measure(what, self.records)
        return misses(what, self.figures, self.records)

    def test_what_is_perfect_passes(self):
        self.assertEqual(self.judge(scenario(Life(), wasted=20, p99=2.0), every_10_ms()), [])
        self.assertEqual((self.figures.share, self.figures.answerable, self.figures.cascades), (1.0, 600, 0))

    def test_what_no_endpoint_could_answer_is_not_held_against_the_proxy(self):
        hung = fault(State("hang"), 2, 8)
        requests = [request(n, n / 100, **({"result": "s", "status": 503} if 2 <= n / 100 < 8 else {})) for n in range(1, 1000)]
        self.assertEqual(self.judge(scenario(hung, wasted=None), requests, []), [])
        self.assertIsNone(self.figures.share)

    def test_what_another_endpoint_could_answer_is_held_against_it(self):
        hung = fault(State("hang"), 2, 8)
        requests = [request(n, n / 100, **({"result": "s", "status": 503} if n in (300, 400) else {})) for n in range(1, 1000)]
        self.assertIn("598 of 600 answerable", self.judge(scenario(hung, Life()), requests)[0])

    def test_a_request_due_at_a_change_is_expected_of_nobody(self):
        life = flap(State("refuse"), 2, 8, period=0.5)
        self.assertFalse(life.can_serve(2.01))
        self.assertFalse(life.can_serve(1.99))
        self.assertFalse(life.can_serve(2.52))
        self.assertTrue(life.can_serve(2.6))
        self.assertTrue(life.can_serve(8.1))

    def test_a_late_answer_is_no_good_one(self):
        requests = every_10_ms()
        requests[500] = request(501, 5.01, done=7.05)
        requests[501] = request(502, 5.02, done=7.06)
        self.assertIn("598 of 600", self.judge(scenario(Life()), requests)[0])
        self.assertEqual(self.figures.outliving, [])

    def test_a_request_that_outlives_its_deadline_is_found(self):
        requests = every_10_ms()
        requests[10] = request(11, 0.11, done=2.22)
        requests[20] = request(21, 0.21, done=None, result="n")
        requests[30] = request(31, 0.31, head=2.2, done=None, result="n")
        self.judge(scenario(Life()), requests)
        self.assertEqual(self.figures.outliving, [11, 21])

    def test_what_the_machine_took_from_us_is_forgiven(self):
        requests = every_10_ms()
        requests[500] = request(501, 5.01, done=7.2)
        records = Records(requests, [], Stalls([(6.0, 6.15), (6.1, 6.2)]))
        figures = measure(scenario(Life()), records)
        self.assertEqual((figures.good, figures.outliving), (600, []))

    def test_a_post_that_arrives_twice_is_found(self):
        requests = every_10_ms()
        requests[500] = request(501, 5.01, method="P")
        arrivals = [arrival(one) for one in requests]
        self.assertEqual(self.judge(scenario(Life(), Life()), requests, arrivals), [])
        self.assertIn("1 POSTs arrived twice, the first 501", self.judge(scenario(Life(), Life()), requests, [*arrivals, arrival(requests[500], 1)]))

    def test_a_post_into_a_black_hole_and_elsewhere_is_found(self):
        requests = every_10_ms()
        requests[500] = request(501, 5.01, method="P")
        dropped = Arrival("u", 0, 5.011, "P", 40000, 501, "-")
        found = self.judge(scenario(fault(State("black_hole"), 2, 8), Life()), requests, [dropped, arrival(requests[500], 1)])
        self.assertIn("1 POSTs arrived twice, the first 501", found)

    def test_what_tcp_sends_again_after_a_black_hole_is_no_second_try(self):
        first = Arrival("u", 0, 5, "P", 40000, 501, "-")
        again, elsewhere = dataclasses.replace(first, kind="r", at=6, end="+"), dataclasses.replace(first, kind="r", at=6, port=40001)
        self.assertEqual(without_repeats([first, again]), [dataclasses.replace(first, end="+")])
        self.assertEqual(without_repeats([first, elsewhere]), [first, elsewhere])

    def test_a_get_may_arrive_twice(self):
        requests = every_10_ms()
        self.assertEqual(self.judge(scenario(Life()), requests, [arrival(one) for one in [*requests, requests[500]]]), [])

    def test_a_post_that_failed_at_an_endpoint_is_not_asked_for_again(self):
        requests = [request(n, n / 100, **({"method": "P", "result": "s", "status": 502} if n == 500 else {})) for n in range(1, 1000)]
        arrivals = [arrival(one, end="-" if one.id == 500 else "+") for one in requests]
        self.assertEqual(self.judge(scenario(fault(State("reset"), 2, 8), Life()), requests, arrivals), [])
        self.assertEqual((self.figures.spent, self.figures.answerable), (1, 599))

    def test_a_post_that_reached_nobody_is_asked_for(self):
        requests = [request(n, n / 100, **({"method": "P", "result": "s", "status": 502} if n in (500, 501) else {})) for n in range(1, 1000)]
        arrivals = [arrival(one) for one in requests if one.good]
        self.assertIn("598 of 600", self.judge(scenario(fault(State("refuse"), 2, 8), Life()), requests, arrivals)[0])

    def test_another_requests_answer_is_found(self):
        requests = every_10_ms()
        requests[500] = request(501, 5.01, result="w")
        self.assertIn("1 requests got another's answer, the first 501", self.judge(scenario(Life()), requests))

    def test_tries_at_a_dead_endpoint_are_counted_by_span(self):
        requests = every_10_ms()
        dead = fault(State("error"), 2, 8)
        arrivals = [arrival(one, 0, "e") for one in requests if one.id % 10 == 0] + [arrival(one, 1) for one in requests]
        self.assertIn("60 tries at a dead endpoint, more than 20", self.judge(scenario(dead, Life(), wasted=20), requests, arrivals))
        self.assertAlmostEqual(self.figures.amplification, 1.1)

    def test_refused_connections_are_tries_and_others_are_none(self):
        requests = every_10_ms()
        refused = [Arrival("u", 0, one.due, "-", 40000, 0, "-") for one in requests]
        found = self.judge(scenario(fault(State("refuse"), 2, 8), Life(), wasted=20), requests, [*refused, *(arrival(one, 1) for one in requests)])
        self.assertIn("600 tries at a dead endpoint, more than 20", found)
        self.assertIn("2.00 tries for a request, more than 1.2", found)
        self.assertEqual(self.judge(scenario(Life(), Life(), wasted=20), requests, [*refused, *(arrival(one, 1) for one in requests)]), [])

    def test_latency_that_grows_is_found(self):
        requests = [request(n, n / 100, done=n / 100 + (0.1 if n % 50 == 0 and n >= 200 else 0.01)) for n in range(1, 1000)]
        self.assertIn("p99 100 ms while bad", self.judge(scenario(Life(), p99=2.0), requests)[0])

    def test_refusals_before_anything_is_bad_are_false_positives(self):
        requests = every_10_ms()
        requests[50] = request(51, 0.51, result="s", status=503, endpoint=-1)
        self.assertIn("1 of 189 requests failed before anything was bad", self.judge(scenario(Life()), requests)[0])

    def test_a_copy_makes_a_request_answerable(self):
        dead = fault(State("refuse"), 2, 8)
        requests = [request(n, n / 100, key=n % 100) for n in range(1, 1000)]
        requests = [dataclasses.replace(one, cached=2 <= one.due < 8) for one in requests]
        self.assertEqual(self.judge(scenario(dead, keys=100), requests), [])
        self.assertEqual((self.figures.answerable, self.figures.needed_fallback, self.figures.fell_back), (600, 600, 600))
        failed = [dataclasses.replace(one, result="s") if one.cached else one for one in requests]
        found = self.judge(scenario(dead, keys=100), failed)
        self.assertIn("0 of 600 fallbacks succeeded", found)
        self.assertEqual(self.figures.cascades, 1)

    def test_recovery_is_when_the_endpoint_has_its_part_again(self):
        requests = every_10_ms()
        arrivals = [arrival(one, one.id % 2) for one in requests if one.due < 2 or one.due >= 6]
        self.judge(scenario(fault(State("refuse"), 2, 4), Life()), requests, arrivals)
        self.assertAlmostEqual(self.figures.recoveries[0], 1.8, delta=0.11)
        self.judge(scenario(fault(State("refuse"), 2, 4), Life()), requests, [one for one in arrivals if one.at < 4])
        self.assertEqual(self.figures.recoveries, [float("inf")])

    def test_a_proxy_that_died_is_found(self):
        self.assertIn("the proxy has died", self.judge(scenario(Life()), every_10_ms(), proxy_died=True))


MODES = ("refuse", "dies", "hang", "black_hole", "error", "unavailable", "reset", "close", "garbage", "break_off", "trickle", "drip")


class Live(unittest.TestCase):
    """The tools themselves, for a few seconds and without a proxy: what asks the endpoint that is well is a perfect one, what asks one that fails the worst."""

    @classmethod
    def setUpClass(cls):
        lives = {mode: [fault(State(mode), 0.8, 2.3), Life()] for mode in MODES}
        streams = [Stream(name, 0, 2.5, 100, gets=0.9, direct=True, deadline=0.3) for name in [*lives, "well"]]
        cls.scenario = Scenario("straight", "", {**lives, "well": [Life(), fault(State("hang"), 0.8, 2.3)]}, streams, (0.8, 2.3), 2.5, Limits(wasted=20))
        cls.records = undisturbed(cls.scenario, "", "", TOOLS)

    def judge(self, upstream):
        mine = [one for one in self.records.requests if self.scenario.streams[one.stream].upstream == upstream]
        streams = [dataclasses.replace(one, direct=False) for one in self.scenario.streams]
        scenario = dataclasses.replace(self.scenario, judged=upstream, streams=streams)
        records = dataclasses.replace(self.records, requests=mine)
        self.figures = measure(scenario, records)
        return misses(scenario, self.figures, records)

    def test_the_endpoint_that_is_well_passes(self):
        self.assertEqual(self.judge("well"), [])
        self.assertEqual((self.figures.share, self.figures.wasted, self.figures.doubles), (1.0, [0], []))
        self.assertAlmostEqual(self.figures.amplification, 1, delta=0.02)

    def test_each_endpoint_that_is_dead_is_found(self):
        for mode in MODES:
            with self.subTest(mode):
                missed = self.judge(mode)
                self.assertTrue(any("answerable requests answered well" in one for one in missed), missed)
                self.assertTrue(any("tries at a dead endpoint" in one for one in missed) or not self.records.sees_wire, missed)
                self.assertLess(self.figures.share, 0.05)
                self.assertEqual((self.figures.false_positives, self.figures.wrong), (0, []))


def main():
    global TOOLS  # pylint: disable=global-statement
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tools", default=TOOLS, metavar="FOLDER")
    options, rest = parser.parse_known_args()
    TOOLS = options.tools
    unittest.main(argv=[sys.argv[0], *rest])


if __name__ == "__main__":
    main()

// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "tests/unit/filters/breaker/played_breaker.hpp"

namespace fusewire::breaker::testing {
namespace {

TEST_CASE("the fifth failure in a row trips, with its figures") {
  PlayedBreaker play;
  play.fail(4);
  CHECK(play.state() == State::closed);
  play.fail();
  CHECK(play.state() == State::open);
  const Trip trip = play.seen().last_trip.value();
  CHECK(trip.reason == Reason::consecutive_failures);
  CHECK(trip.value == 5);
  CHECK(trip.threshold == 5);
  CHECK(trip.window.ended == 5);
  CHECK(trip.window.failures == 5);
  CHECK(trip.consecutive_failures == 5);
  CHECK(trip.consecutive_slow_calls == 0);
  CHECK(trip.open_for == 30s);
  CHECK(trip.at == play.now);
}

TEST_CASE("a success resets the failures in a row") {
  PlayedBreaker play(only_consecutive(3));
  play.fail(2);
  play.succeed();
  play.fail(2);
  CHECK(play.state() == State::closed);
  play.fail();
  CHECK(play.state() == State::open);
}

TEST_CASE("a neutral call does not reset the failures in a row") {
  PlayedBreaker play(only_consecutive(3));
  play.fail(2);
  play.must_admit().neutral(play.now);
  CHECK(play.seen().consecutive_failures == 2);
  play.fail();
  CHECK(play.state() == State::open);
}

TEST_CASE("failures in a row are exact to 65,535 and stay there") {
  config::CircuitBreaker config = only_consecutive(1);
  config.detection.consecutive_failures.reset();
  PlayedBreaker play(config);
  play.fail(65534);
  CHECK(play.seen().consecutive_failures == 65534);
  play.fail(3);
  CHECK(play.seen().consecutive_failures == 65535);
}

TEST_CASE("failure_count trips at its count whatever succeeds in between") {
  config::CircuitBreaker config = only_rate(1, 1000);
  config.detection.failure_count = config::FailureCount{.threshold = 3, .window = 300s};
  PlayedBreaker play(config);
  for (int i = 0; i < 2; ++i) {
    play.fail();
    play.succeed(50);
    play.now += 100s;
  }
  CHECK(play.seen().failure_count == 2);
  play.fail();
  CHECK(play.state() == State::open);
  CHECK(play.seen().last_trip->reason == Reason::failure_count);
  CHECK(play.seen().last_trip->value == 3);
}

TEST_CASE("failure_count forgets what its own window has left behind") {
  config::CircuitBreaker config = only_rate(1, 1000);
  config.detection.failure_count = config::FailureCount{.threshold = 2, .window = 300s};
  PlayedBreaker play(config);
  play.fail();
  play.now += 299'999ms;
  CHECK(play.seen().failure_count == 1);
  play.now += 1ms;
  CHECK(play.seen().failure_count == 0);
  play.fail();
  CHECK(play.state() == State::closed);
}

TEST_CASE("the failure rate trips at its threshold, not below, once minimum_calls have ended") {
  PlayedBreaker play(only_rate(0.3, 10));
  play.fail(3);
  play.succeed(6);
  CHECK(play.state() == State::closed);  // 3 of 9: too few
  play.succeed();                        // 3 of 10: a success trips
  CHECK(play.state() == State::open);
  CHECK(play.seen().last_trip->reason == Reason::failure_rate);
  CHECK(play.seen().last_trip->value == 0.3);
}

TEST_CASE("a rate just below the threshold does not trip") {
  PlayedBreaker play(only_rate(0.3, 10));
  play.succeed(8);
  play.fail(3);  // 3 of 11
  CHECK(play.state() == State::closed);
  play.fail();  // 4 of 12
  CHECK(play.state() == State::open);
}

TEST_CASE("every ratio that is written in decimal is met exactly") {
  for (int hundredths = 1; hundredths <= 100; ++hundredths) {
    CAPTURE(hundredths);
    PlayedBreaker play(only_rate(hundredths / 100.0, 100));
    play.succeed(100 - hundredths);
    play.fail(hundredths - 1);
    CHECK(play.state() == State::closed);
    play.fail();
    CHECK(play.state() == State::open);
  }
}

TEST_CASE("a call is slow once, at the moment it has waited") {
  PlayedBreaker play(only_slow(0.5, 2));
  Permit permit = play.must_admit();
  permit.on_slow(play.now);
  permit.on_slow(play.now);
  CHECK(play.seen().window.judged == 1);
  CHECK(play.seen().window.slow == 1);
  CHECK(play.seen().window.ended == 0);
  permit.success(play.now);
  CHECK(play.seen().window.judged == 1);
  CHECK(play.seen().window.ended == 1);
}

TEST_CASE("the slow-call rate trips while the calls still wait") {
  PlayedBreaker play(only_slow(0.5, 4));
  play.succeed(2);
  Permit first = play.must_admit();
  Permit second = play.must_admit();
  first.on_slow(play.now);
  CHECK(play.state() == State::closed);
  second.on_slow(play.now);  // 2 of 4
  CHECK(play.state() == State::open);
  CHECK(play.seen().last_trip->reason == Reason::slow_call_rate);
}

TEST_CASE("a failed call is judged for slowness as well") {
  PlayedBreaker play(only_slow(0.5, 4));
  play.fail(2);
  play.slow();
  CHECK(play.state() == State::closed);
  play.slow();
  CHECK(play.state() == State::open);
}

TEST_CASE("a neutral call enters neither rate, unless it was slow before") {
  PlayedBreaker play;
  play.must_admit().neutral(play.now);
  CHECK(play.seen().window.ended == 0);
  CHECK(play.seen().window.judged == 0);
  Permit permit = play.must_admit();
  permit.on_slow(play.now);
  permit.neutral(play.now);
  CHECK(play.seen().window.ended == 0);
  CHECK(play.seen().window.judged == 1);
  CHECK(play.seen().window.slow == 1);
}

TEST_CASE("turning slow judges the two slow ones only") {
  config::CircuitBreaker config = plain();
  config.detection.consecutive_failures = fusewire::config::Consecutive{.threshold = 3};
  PlayedBreaker play(config);
  play.breaker.force_closed(play.now);
  play.fail(5);
  play.breaker.release(play.now);
  Permit permit = play.must_admit();
  permit.on_slow(play.now);
  CHECK(play.state() == State::closed);
  permit.neutral(play.now);
  CHECK(play.state() == State::closed);
}

TEST_CASE("while the slow-call rate is off nothing is judged, and the rest is measured all the same") {
  config::CircuitBreaker config = plain();
  config.detection.slow_call_rate.reset();
  config.detection.failure_rate.reset();
  config.detection.consecutive_failures.reset();
  PlayedBreaker play(config);
  play.slow(3);
  play.fail(4);
  const Snapshot seen = play.seen();
  CHECK(seen.window.judged == 0);
  CHECK(seen.window.slow == 0);
  CHECK(seen.window.ended == 7);
  CHECK(seen.window.failures == 4);
  CHECK(seen.consecutive_failures == 4);
}

TEST_CASE("where several detectors trip at once the reason is the first in the table") {
  config::CircuitBreaker config = plain();
  config.detection = {.consecutive_failures = fusewire::config::Consecutive{.threshold = 4},
                      .failure_count = config::FailureCount{.threshold = 4, .window = 60s},
                      .failure_rate = 1.0,
                      .consecutive_slow_calls = fusewire::config::Consecutive{.threshold = 4},
                      .slow_call_rate = config::SlowCallRate{.threshold = 1.0},
                      .window = {},
                      .minimum_calls = 4};
  const auto reason = [&] {
    PlayedBreaker play(config);
    for (int i = 0; i < 4; ++i) {
      Permit permit = play.must_admit();
      permit.on_slow(play.now);
      if (i == 3 && play.state() == State::open) continue;
      permit.failure(FailureKind::timeout, play.now);
    }
    return play.seen().last_trip->reason;
  };
  config.detection.slow_call_rate.reset();
  CHECK(reason() == Reason::consecutive_failures);
  config.detection.consecutive_failures.reset();
  CHECK(reason() == Reason::failure_count);
  config.detection.failure_count.reset();
  CHECK(reason() == Reason::failure_rate);
  config.detection.slow_call_rate = config::SlowCallRate{.threshold = 1.0};
  CHECK(reason() == Reason::consecutive_slow_calls);
  config.detection.consecutive_slow_calls.reset();
  CHECK(reason() == Reason::slow_call_rate);
}

TEST_CASE("ageing alone never trips") {
  PlayedBreaker play(only_rate(0.5, 4));
  play.succeed(3);
  play.now += 50s;
  play.fail(2);
  CHECK(play.state() == State::closed);  // 2 of 5
  play.now += 15s;                       // the successes age: 2 of 2
  CHECK(play.seen().window.ended == 2);
  CHECK(play.admit());
  CHECK(play.state() == State::closed);
}

}  // namespace
}  // namespace fusewire::breaker::testing

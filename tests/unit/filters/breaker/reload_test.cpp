// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "tests/unit/filters/breaker/played_breaker.hpp"

namespace fusewire::breaker::testing {
namespace {

TEST_CASE("a reload of the same settings changes nothing") {
  PlayedBreaker play;
  play.fail(3);
  const Reconfigured result = play.breaker.reconfigure(plain(), play.now);
  CHECK_FALSE(result.changed);
  CHECK_FALSE(result.window_emptied);
  CHECK_FALSE(result.failure_count_emptied);
  CHECK(play.seen().window.failures == 3);
}

TEST_CASE("a reload never trips by itself: the next result is judged by the new threshold") {
  PlayedBreaker play;
  play.fail(4);
  config::CircuitBreaker config = plain();
  config.detection.consecutive_failures = fusewire::config::Consecutive{.threshold = 2};
  CHECK(play.breaker.reconfigure(config, play.now).changed);
  CHECK(play.state() == State::closed);
  CHECK(play.seen().consecutive_failures == 4);
  play.must_admit().neutral(play.now);
  CHECK(play.state() == State::closed);
  play.fail();
  CHECK(play.state() == State::open);
  CHECK(play.seen().last_trip->value == 5);
}

TEST_CASE("a success is judged by a new failure rate") {
  PlayedBreaker play(only_rate(0.9, 10));
  play.fail(5);
  play.succeed(5);
  play.breaker.reconfigure(only_rate(0.4, 10), play.now);
  play.succeed();  // 5 of 11
  CHECK(play.state() == State::open);
}

TEST_CASE("a window whose type, duration or size changed starts empty, and the result says so") {
  PlayedBreaker play;
  config::CircuitBreaker config = plain();
  for (const config::Window& shape :
       {config::Window{.type = config::WindowType::time_based, .duration = 30s},
        config::Window{.type = config::WindowType::count_based, .duration = 30s},
        config::Window{.type = config::WindowType::count_based, .duration = 30s, .size = 50}, config::Window{}}) {
    play.fail(2);
    play.succeed();
    config.detection.window = shape;
    const Reconfigured result = play.breaker.reconfigure(config, play.now);
    CHECK(result.window_emptied);
    CHECK_FALSE(result.failure_count_emptied);
    CHECK(play.seen().window.ended == 0);
    CHECK(play.seen().window.judged == 0);
    CHECK_FALSE(play.breaker.reconfigure(config, play.now).window_emptied);
  }
}

TEST_CASE("the failures in a row outlive a window that starts empty") {
  PlayedBreaker play;
  play.fail(4);
  config::CircuitBreaker config = plain();
  config.detection.window.duration = 30s;
  play.breaker.reconfigure(config, play.now);
  play.fail();
  CHECK(play.state() == State::open);
}

TEST_CASE("failure_count's window starts empty when it is turned on and when it changes, not with a new threshold") {
  PlayedBreaker play;
  config::CircuitBreaker config = plain();
  config.detection.failure_count = config::FailureCount{.threshold = 100, .window = 60s};
  Reconfigured result = play.breaker.reconfigure(config, play.now);
  CHECK(result.failure_count_emptied);
  CHECK_FALSE(result.window_emptied);
  play.fail(2);
  CHECK(play.seen().failure_count == 2);

  config.detection.failure_count->threshold = 50;
  CHECK_FALSE(play.breaker.reconfigure(config, play.now).failure_count_emptied);
  CHECK(play.seen().failure_count == 2);

  config.detection.failure_count->window = 30s;
  CHECK(play.breaker.reconfigure(config, play.now).failure_count_emptied);
  CHECK(play.seen().failure_count == 0);
  play.fail();

  CHECK_FALSE(play.breaker.reconfigure(plain(), play.now).failure_count_emptied);  // off
  CHECK_FALSE(play.seen().failure_count);
  CHECK(play.breaker.reconfigure(config, play.now).failure_count_emptied);  // on again: not what it was
  CHECK(play.seen().failure_count == 0);
}

TEST_CASE("a reload while open keeps the deadline and gives the next interval the new length") {
  PlayedBreaker play;
  play.fail(5);
  config::CircuitBreaker config = plain();
  config.transitions.open_timeout = 1s;
  play.breaker.reconfigure(config, play.now);
  CHECK(play.reject().retry_after == 30s);
  play.wait_out();
  play.fail();
  CHECK(play.seen().open_remaining == 2s);
}

TEST_CASE("new slot limits are for new permits") {
  PlayedBreaker play;
  play.fail(5);
  play.wait_out();
  Permit first = play.must_admit();
  Permit second = play.must_admit();
  config::CircuitBreaker config = plain();
  config.recovery.half_open_max_calls = 1;
  play.breaker.reconfigure(config, play.now);
  CHECK(play.seen().half_open.in_flight == 2);
  CHECK(play.reject().by == RejectedBy::half_open);
  first.neutral(play.now);
  CHECK(play.reject().by == RejectedBy::half_open);
  second.neutral(play.now);
  CHECK(play.admit());
}

TEST_CASE("a new success_threshold judges the next success") {
  PlayedBreaker play;
  play.fail(5);
  play.wait_out();
  play.succeed(2);
  config::CircuitBreaker config = plain();
  config.recovery.success_threshold = 1;
  play.breaker.reconfigure(config, play.now);
  CHECK(play.state() == State::half_open);
  play.must_admit().neutral(play.now);
  CHECK(play.state() == State::half_open);
  play.succeed();
  CHECK(play.state() == State::closed);
}

TEST_CASE("a reload keeps both rows; slow_call_rate off and on again begins the slow one anew") {
  PlayedBreaker play;
  play.fail(3);
  std::vector<Permit> slow;
  for (int i = 0; i < 3; ++i) slow.push_back(play.must_admit());
  for (Permit& each : slow) each.on_slow(play.now);
  config::CircuitBreaker config = plain();
  config.detection.window.duration = 10s;
  play.breaker.reconfigure(config, play.now);
  CHECK(play.seen().consecutive_failures == 3);
  CHECK(play.seen().consecutive_slow_calls == 3);

  config.detection.slow_call_rate.reset();
  play.breaker.reconfigure(config, play.now);
  CHECK(play.seen().consecutive_slow_calls == 0);
  config.detection.slow_call_rate = config::SlowCallRate{};
  play.breaker.reconfigure(config, play.now);
  CHECK(play.seen().consecutive_slow_calls == 0);
  CHECK(play.seen().consecutive_failures == 3);
  Permit later = play.must_admit();
  later.on_slow(play.now);
  CHECK(play.seen().consecutive_slow_calls == 1);
}

TEST_CASE("after a reload that empties the window a row is counted plainly") {
  config::CircuitBreaker config = only_consecutive(5);
  PlayedBreaker play(config);
  play.succeed(200);
  play.fail(4);
  config.detection.window.duration = 10s;
  CHECK(play.breaker.reconfigure(config, play.now).window_emptied);
  CHECK(play.state() == State::closed);
  play.fail();  // at the same instant: beside 200 others it would be one event
  CHECK(play.state() == State::open);
}

TEST_CASE("an override survives a reload") {
  PlayedBreaker play;
  play.breaker.force_open(play.now, 10s);
  config::CircuitBreaker config = plain();
  config.detection.consecutive_failures = fusewire::config::Consecutive{.threshold = 9};
  play.breaker.reconfigure(config, play.now);
  CHECK(play.reject().retry_after == 10s);
}

TEST_CASE("a slow call is judged by what is configured when it turns slow") {
  config::CircuitBreaker off = plain();
  off.detection.slow_call_rate.reset();
  PlayedBreaker play(off);
  Permit permit = play.must_admit();
  permit.on_slow(play.now);  // nobody looks
  play.breaker.reconfigure(plain(), play.now);
  permit.on_slow(play.now);
  CHECK(play.seen().window.slow == 1);
}

}  // namespace
}  // namespace fusewire::breaker::testing

// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "tests/unit/filters/breaker/played_breaker.hpp"

namespace fusewire::breaker::testing {
namespace {

config::CircuitBreaker in(config::Mode mode, config::CircuitBreaker config = plain()) {
  config.mode = mode;
  return config;
}

TEST_CASE("shadow lets through what it would reject, as unjudged calls that reach only the totals") {
  PlayedBreaker play(in(config::Mode::shadow));
  play.fail(5);
  CHECK(play.state() == State::open);
  Permit permit = play.must_admit();
  CHECK(permit.unjudged());
  permit.failure(FailureKind::status, play.now);
  const Snapshot seen = play.seen();
  CHECK(seen.totals.would_reject == 1);
  CHECK(seen.totals.rejected == 0);
  CHECK(seen.totals.failure == 6);
  CHECK(seen.window.ended == 5);
  CHECK(seen.retry_after == 30s);
  CHECK(play.breaker.available(play.now));
}

TEST_CASE("an unjudged call stays unjudged over a transition and a reload") {
  PlayedBreaker play(in(config::Mode::shadow));
  play.fail(5);
  Permit permit = play.must_admit();
  play.breaker.reset(play.now);
  play.breaker.reconfigure(plain(), play.now);
  permit.failure(FailureKind::status, play.now);
  CHECK(play.seen().window.ended == 0);
  CHECK(play.seen().consecutive_failures == 0);
}

TEST_CASE("in shadow only slot holders decide the half-open") {
  config::CircuitBreaker config = plain();
  config.recovery = {.half_open_max_calls = 1, .success_threshold = 2};
  PlayedBreaker play(in(config::Mode::shadow, config));
  play.fail(5);
  play.wait_out();
  Permit holder = play.must_admit();
  CHECK_FALSE(holder.unjudged());
  for (int i = 0; i < 3; ++i) play.fail();
  CHECK(play.state() == State::half_open);
  CHECK(play.seen().totals.would_reject == 3);
  holder.success(play.now);
  play.succeed();
  CHECK(play.state() == State::closed);
}

TEST_CASE("in shadow an override rejects nothing either") {
  PlayedBreaker play(in(config::Mode::shadow));
  play.breaker.force_open(play.now);
  Permit permit = play.must_admit();
  CHECK(permit.unjudged());
  CHECK(play.seen().totals.would_reject == 1);
  CHECK_FALSE(play.seen().retry_after);
}

TEST_CASE("in shadow half-open ends by time as in enforce, and the arrival goes through unjudged") {
  config::CircuitBreaker config = plain();
  config.recovery.half_open_max_calls = 1;
  PlayedBreaker play(in(config::Mode::shadow, config));
  play.fail(5);
  play.wait_out();
  Permit holder = play.must_admit();
  play.now += 60s;
  CHECK(play.must_admit().unjudged());
  CHECK(play.state() == State::open);
  CHECK(play.seen().last_trip->reason == Reason::half_open_timeout);
}

TEST_CASE("disabled gives every call a permit that reaches only the totals, and is closed") {
  PlayedBreaker play(in(config::Mode::disabled));
  play.breaker.force_open(play.now);
  play.fail(100);
  play.slow(3);
  const Snapshot seen = play.seen();
  CHECK(seen.state == State::closed);
  CHECK(seen.totals.failure == 100);
  CHECK(seen.totals.success == 3);
  CHECK(seen.totals.rejected == 0);
  CHECK(seen.window.ended == 0);
  CHECK(seen.window.judged == 0);
  CHECK(seen.consecutive_failures == 0);
  CHECK(play.breaker.available(play.now));
}

TEST_CASE("a reload to disabled, or from it, is a reset") {
  PlayedBreaker play;
  play.fail(5);
  play.breaker.force_open(play.now);
  Reconfigured result = play.breaker.reconfigure(in(config::Mode::disabled), play.now);
  CHECK(result.reset);
  CHECK(play.state() == State::closed);
  CHECK(play.seen().override_state == Override::none);
  CHECK(play.seen().generation == 2);
  Permit during = play.must_admit();
  result = play.breaker.reconfigure(plain(), play.now);
  CHECK(result.reset);
  CHECK(play.seen().generation == 3);
  during.failure(FailureKind::reset, play.now);
  CHECK(play.seen().window.ended == 0);
  CHECK_FALSE(play.breaker.reconfigure(in(config::Mode::shadow), play.now).reset);
}

TEST_CASE("a reload between enforce and shadow keeps the state") {
  PlayedBreaker play;
  play.fail(5);
  play.breaker.reconfigure(in(config::Mode::shadow), play.now);
  CHECK(play.must_admit().unjudged());
  play.breaker.reconfigure(plain(), play.now);
  CHECK(play.reject().retry_after == 30s);
}

}  // namespace
}  // namespace fusewire::breaker::testing

// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "tests/unit/filters/breaker/played_breaker.hpp"

namespace fusewire::breaker::testing {
namespace {

TEST_CASE("forced open admits nothing and has no end of its own") {
  PlayedBreaker play;
  play.breaker.force_open(play.now);
  play.now += 24h * 365;
  const Rejection rejection = play.reject();
  CHECK(rejection.by == RejectedBy::forced_open);
  CHECK_FALSE(rejection.retry_after);
  CHECK_FALSE(play.seen().retry_after);
  CHECK(play.seen().override_state == Override::forced_open);
  CHECK(play.state() == State::closed);
  CHECK_FALSE(play.breaker.available(play.now));
}

TEST_CASE("an override that is given `for` ends by itself at start + for") {
  PlayedBreaker play;
  play.breaker.force_open(play.now, 10s);
  play.now += 9'999ms;
  CHECK(play.reject().retry_after == 1ms);
  CHECK(play.seen().retry_after == 1ms);
  play.now += 1ms;
  CHECK(play.seen().override_state == Override::none);
  CHECK(play.seen().retry_after == 0ms);
  CHECK(play.admit());
}

TEST_CASE("the next override replaces the one before with its `for`") {
  PlayedBreaker play;
  play.breaker.force_open(play.now, 10s);
  play.breaker.force_closed(play.now);
  play.now += 11s;
  CHECK(play.seen().override_state == Override::forced_closed);
  play.breaker.force_open(play.now, 5s);
  CHECK(play.reject().retry_after == 5s);
}

TEST_CASE("forced closed admits everything, measures and never trips") {
  PlayedBreaker play;
  play.breaker.force_closed(play.now);
  play.fail(50);
  CHECK(play.state() == State::closed);
  CHECK(play.seen().generation == 0);
  CHECK(play.seen().consecutive_failures == 50);
  CHECK(play.seen().window.failures == 50);
  CHECK(play.seen().retry_after == 0ms);
}

TEST_CASE("forced closed over an open machine admits calls that reach the totals only") {
  PlayedBreaker play;
  play.fail(5);
  play.breaker.force_closed(play.now);
  CHECK(play.breaker.available(play.now));
  play.succeed();
  play.fail();
  const Snapshot seen = play.seen();
  CHECK(seen.state == State::open);
  CHECK(seen.totals.success == 1);
  CHECK(seen.totals.failure == 6);
  CHECK(seen.window.ended == 5);
}

TEST_CASE("forced closed over a half-open machine takes no slot and moves nothing") {
  PlayedBreaker play;
  play.fail(5);
  play.wait_out();
  Permit probe = play.must_admit();
  play.breaker.force_closed(play.now);
  Permit other = play.must_admit();
  CHECK(play.seen().half_open.in_flight == 1);
  play.breaker.release(play.now);
  other.failure(FailureKind::reset, play.now);
  CHECK(play.state() == State::half_open);
  CHECK(play.seen().half_open.in_flight == 1);
}

TEST_CASE("a half-open result that comes during an override gives its slot back and decides nothing") {
  for (const Override kind : {Override::forced_open, Override::forced_closed}) {
    PlayedBreaker play;
    play.fail(5);
    play.wait_out();
    Permit failing = play.must_admit();
    Permit succeeding = play.must_admit();
    Permit slow = play.must_admit();
    kind == Override::forced_open ? play.breaker.force_open(play.now) : play.breaker.force_closed(play.now);
    failing.failure(FailureKind::timeout, play.now);
    succeeding.success(play.now);
    slow.on_slow(play.now);
    Snapshot seen = play.seen();
    CHECK(seen.state == State::half_open);
    CHECK(seen.half_open.in_flight == 1);
    CHECK(seen.half_open.successes == 0);
    CHECK(seen.half_open.failures == 0);
    CHECK(seen.totals.failure == 6);
    CHECK(seen.totals.success == 1);
    play.breaker.release(play.now);
    slow.success(play.now);  // slow once, and that was under the override
    seen = play.seen();
    CHECK(seen.half_open.in_flight == 0);
    CHECK(seen.half_open.successes == 0);
    CHECK(seen.state == State::half_open);
  }
}

TEST_CASE("the open deadline runs on under an override") {
  PlayedBreaker play;
  play.fail(5);
  play.breaker.force_open(play.now, 40s);
  play.now += 39s;
  CHECK(play.reject().by == RejectedBy::forced_open);
  CHECK(play.state() == State::open);
  play.now += 1s;
  CHECK(play.admit());
  CHECK(play.state() == State::half_open);
}

TEST_CASE("half-open does not end by time under an override") {
  config::CircuitBreaker config = plain();
  config.recovery.half_open_max_calls = 1;
  PlayedBreaker play(config);
  play.fail(5);
  play.wait_out();
  Permit probe = play.must_admit();
  play.breaker.force_open(play.now);
  play.now += 2min;
  CHECK(play.reject().by == RejectedBy::forced_open);
  CHECK(play.state() == State::half_open);
  play.breaker.release(play.now);
  CHECK(play.reject().by == RejectedBy::open);
}

TEST_CASE("an override ends by itself for results as well") {
  PlayedBreaker play(only_consecutive(3));
  play.breaker.force_closed(play.now, 1s);
  play.fail(5);
  Permit last = play.must_admit();
  play.now += 1s;
  last.failure(FailureKind::reset, play.now);
  CHECK(play.state() == State::open);
}

TEST_CASE("a reset ends an override, closes and empties") {
  PlayedBreaker play;
  play.fail(5);
  play.breaker.force_open(play.now, 1h);
  play.breaker.reset(play.now);
  const Snapshot seen = play.seen();
  CHECK(seen.override_state == Override::none);
  CHECK(seen.state == State::closed);
  CHECK(seen.generation == 2);
  CHECK(seen.window.ended == 0);
  CHECK(seen.consecutive_failures == 0);
  CHECK(seen.totals.failure == 5);
  CHECK(seen.totals.trips == 1);
  CHECK(seen.last_trip->reason == Reason::consecutive_failures);
  CHECK(seen.transitions[1][0] == 1);
}

}  // namespace
}  // namespace fusewire::breaker::testing

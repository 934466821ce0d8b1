// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <cmath>

#include "tests/unit/filters/breaker/played_breaker.hpp"

namespace fusewire::breaker::testing {
namespace {

// Opens, then lets each probe fail: the open intervals one after the other.
std::vector<milliseconds> intervals(const config::CircuitBreaker& config, int trips) {
  PlayedBreaker play(config);
  std::vector<milliseconds> all;
  while (play.state() == State::closed) play.fail();
  for (int i = 0; i < trips; ++i) {
    all.push_back(play.seen().open_remaining);
    play.wait_out();
    play.fail();
  }
  return all;
}

TEST_CASE("open admits nothing until its interval is over, to the millisecond") {
  PlayedBreaker play;
  play.fail(5);
  CHECK(play.reject().retry_after == 30s);
  play.now += 29'999ms;
  const Rejection rejection = play.reject();
  CHECK(rejection.by == RejectedBy::open);
  CHECK(rejection.retry_after == 1ms);
  play.now += 1ms;
  CHECK(play.seen().retry_after == 0ms);
  CHECK(play.state() == State::open);
  CHECK(play.admit());
}

TEST_CASE("half-open follows at the first arrival and not by looking") {
  PlayedBreaker play;
  play.fail(5);
  play.now += 24h;
  CHECK(play.seen().state == State::open);
  CHECK(play.breaker.available(play.now));
  auto probe = play.admit();
  CHECK(play.state() == State::half_open);
  CHECK(play.seen().half_open.in_flight == 1);
  CHECK(probe->generation() == 2);
}

TEST_CASE("an interval that ended years ago is over") {
  PlayedBreaker play;
  play.fail(5);
  play.now += 24h * 365 * 30;
  CHECK(play.seen().retry_after == 0ms);
  CHECK(play.admit());
}

TEST_CASE("half-open admits as many as it has slots, and each one that ends makes room") {
  PlayedBreaker play;
  play.fail(5);
  play.wait_out();
  Permit first = play.must_admit();
  Permit second = play.must_admit();
  Permit third = play.must_admit();
  const Rejection rejection = play.reject();
  CHECK(rejection.by == RejectedBy::half_open);
  CHECK(rejection.retry_after == 0ms);
  CHECK_FALSE(play.breaker.available(play.now));
  second.success(play.now);
  CHECK(play.breaker.available(play.now));
  CHECK(play.admit());
}

TEST_CASE("the third success closes, with windows, failures in a row and slots empty") {
  PlayedBreaker play;
  play.fail(5);
  CHECK(play.seen().window.failures == 5);
  play.wait_out();
  play.succeed(2);
  CHECK(play.state() == State::half_open);
  CHECK(play.seen().half_open.successes == 2);
  CHECK(play.seen().consecutive_failures == 5);
  play.succeed();
  const Snapshot seen = play.seen();
  CHECK(seen.state == State::closed);
  CHECK(seen.generation == 3);
  CHECK(seen.window.ended == 0);
  CHECK(seen.consecutive_failures == 0);
  CHECK(seen.half_open.successes == 0);
}

TEST_CASE("windows stay to be seen, and age, while open and half-open") {
  PlayedBreaker play;
  play.succeed();
  play.now += 29s;
  play.fail(5);
  CHECK(play.seen().window.ended == 6);
  play.now += 30s;
  Permit probe = play.must_admit();
  CHECK(play.seen().window.ended == 6);
  play.now += 1s;
  CHECK(play.seen().window.ended == 5);
  CHECK(play.seen().window.failures == 5);
  probe.success(play.now);
  CHECK(play.seen().window.ended == 5);  // a half-open's result enters no closed window
}

TEST_CASE("in strict mode any failure re-opens") {
  PlayedBreaker play;
  play.fail(5);
  play.wait_out();
  play.succeed(2);
  play.fail();
  CHECK(play.state() == State::open);
  const Trip trip = play.seen().last_trip.value();
  CHECK(trip.reason == Reason::probe_failed);
  CHECK(trip.value == 1);
  CHECK(trip.threshold == 1);
  CHECK(play.seen().totals.trips == 2);
}

TEST_CASE("outside strict mode the half_open_max_calls-th failure re-opens") {
  config::CircuitBreaker config = plain();
  config.recovery.strict_mode = false;
  PlayedBreaker play(config);
  play.fail(5);
  play.wait_out();
  play.fail(2);
  play.succeed(2);
  CHECK(play.state() == State::half_open);
  CHECK(play.seen().half_open.failures == 2);
  play.fail();
  CHECK(play.state() == State::open);
  CHECK(play.seen().last_trip->value == 3);
}

TEST_CASE("a slow probe has failed at the moment it turns slow, and its end only gives the slot back") {
  config::CircuitBreaker config = plain();
  config.recovery.strict_mode = false;
  PlayedBreaker play(config);
  play.fail(5);
  play.wait_out();
  Permit probe = play.must_admit();
  probe.on_slow(play.now);
  CHECK(play.seen().half_open.failures == 1);
  CHECK(play.seen().half_open.in_flight == 1);
  probe.failure(FailureKind::timeout, play.now);
  CHECK(play.seen().half_open.failures == 1);
  CHECK(play.seen().half_open.in_flight == 0);
  Permit other = play.must_admit();
  other.on_slow(play.now);
  other.success(play.now);
  CHECK(play.seen().half_open.successes == 0);
  CHECK(play.seen().half_open.failures == 2);
  CHECK(play.seen().totals.success == 1);
}

TEST_CASE("a slow probe re-opens in strict mode while it still runs") {
  PlayedBreaker play;
  play.fail(5);
  play.wait_out();
  Permit probe = play.must_admit();
  probe.on_slow(play.now);
  CHECK(play.state() == State::open);
  CHECK(play.seen().last_trip->reason == Reason::probe_failed);
  probe.success(play.now);
  CHECK(play.state() == State::open);
}

TEST_CASE("without the slow-call rate a slow probe is a probe like any other") {
  PlayedBreaker play(only_consecutive(1));
  play.fail();
  play.wait_out();
  play.slow(3);
  CHECK(play.state() == State::closed);
}

TEST_CASE(
    "half-open ends by time only when every slot is held, at the arrival max_half_open after the last admission") {
  PlayedBreaker play;
  play.fail(5);
  play.wait_out();
  Permit first = play.must_admit();
  Permit second = play.must_admit();
  play.now += 1s;
  Permit third = play.must_admit();
  play.now += 59'999ms;
  CHECK(play.reject().by == RejectedBy::half_open);
  play.now += 1ms;
  CHECK(play.state() == State::half_open);
  const Rejection rejection = play.reject();
  CHECK(rejection.by == RejectedBy::open);
  CHECK(rejection.retry_after == 60s);  // the second trip in a row, from this arrival
  CHECK(play.seen().last_trip->reason == Reason::half_open_timeout);
  first.success(play.now);
  CHECK(play.seen().totals.success == 1);
  CHECK(play.state() == State::open);
}

TEST_CASE("with a free slot half-open never ends by time") {
  PlayedBreaker play;
  play.fail(5);
  play.wait_out();
  Permit first = play.must_admit();
  Permit second = play.must_admit();
  play.now += 1h;
  CHECK(play.admit());
  CHECK(play.state() == State::half_open);
}

TEST_CASE("a result that comes before the arrival counts however late") {
  config::CircuitBreaker config = plain();
  config.recovery = {.half_open_max_calls = 1, .success_threshold = 1};
  PlayedBreaker play(config);
  play.fail(5);
  play.wait_out();
  Permit probe = play.must_admit();
  play.now += 1h;
  probe.success(play.now);
  CHECK(play.state() == State::closed);
}

TEST_CASE("open intervals grow by the multiplier up to the cap") {
  CHECK(intervals(plain(), 6) == std::vector<milliseconds>{30s, 60s, 120s, 240s, 300s, 300s});
}

TEST_CASE("an open_timeout above the cap wins over it") {
  config::CircuitBreaker config = plain();
  config.transitions.open_timeout = 400s;
  CHECK(intervals(config, 3) == std::vector<milliseconds>{400s, 400s, 400s});
}

TEST_CASE("intervals are whole milliseconds, cut off") {
  config::CircuitBreaker config = plain();
  config.transitions = {.open_timeout = 1s, .backoff = {.multiplier = 1.5, .max = 300s, .jitter = 0}};
  CHECK(intervals(config, 5) == std::vector<milliseconds>{1000ms, 1500ms, 2250ms, 3375ms, 5062ms});
  config.transitions.backoff.multiplier = 1.2;
  CHECK(intervals(config, 4).back() == 1728ms);
}

TEST_CASE("jitter stays within its share, differs by seed and is reproducible") {
  config::CircuitBreaker config = plain();
  config.transitions.backoff.jitter = 0.1;
  bool below = false;
  bool above = false;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Breaker one(config, Time{}, seed);
    Breaker same(config, Time{}, seed);
    for (Breaker* breaker : {&one, &same})
      for (int i = 0; i < 5; ++i) std::get<Permit>(breaker->try_acquire(Time{})).failure(FailureKind::reset, Time{});
    const milliseconds interval = one.snapshot(Time{}).open_remaining;
    CHECK(interval == same.snapshot(Time{}).open_remaining);
    CHECK(interval >= 27s);
    CHECK(interval <= 33s);
    below = below || interval < 28s;
    above = above || interval > 32s;
  }
  CHECK(below);
  CHECK(above);
}

TEST_CASE("the exponent goes on after a recovery that was too short, and starts again strictly after it") {
  // Closed for max(last open interval 30 s, window 60 s): still in a row; a millisecond longer: not.
  for (const milliseconds extra : {0ms, 1ms}) {
    PlayedBreaker play;
    play.fail(5);
    play.wait_out();
    play.succeed(3);
    play.now += 60s + extra;
    play.fail(5);
    CHECK(play.seen().open_remaining == (extra == 0ms ? 60s : 30s));
  }
}

TEST_CASE("where the last open interval is longer than the window it decides, and a count window has no duration") {
  config::CircuitBreaker config = plain();
  config.detection.window = {.type = config::WindowType::count_based, .duration = 60s, .size = 100};
  for (const milliseconds extra : {0ms, 1ms}) {
    PlayedBreaker play(config);
    play.fail(5);
    play.wait_out();
    play.succeed(3);
    play.now += 30s + extra;
    play.fail(5);
    CHECK(play.seen().open_remaining == (extra == 0ms ? 60s : 30s));
  }
  config = plain();
  config.transitions.open_timeout = 90s;
  for (const milliseconds extra : {0ms, 1ms}) {
    PlayedBreaker play(config);
    play.fail(5);
    play.wait_out();
    play.succeed(3);
    play.now += 90s + extra;
    play.fail(5);
    CHECK(play.seen().open_remaining == (extra == 0ms ? 180s : 90s));
  }
}

TEST_CASE("a failed probe makes the row longer however long half-open lasted") {
  PlayedBreaker play;
  play.fail(5);
  play.now += 1h;
  Permit probe = play.must_admit();
  play.now += 1h;
  probe.failure(FailureKind::reset, play.now);
  CHECK(play.seen().open_remaining == 60s);
}

TEST_CASE("an open interval of two months runs to its end") {
  config::CircuitBreaker config = plain();
  config.transitions.open_timeout = 24h * 60;
  PlayedBreaker play(config);
  play.fail(5);
  play.now += 24h * 60 - 1ms;
  CHECK(play.reject().retry_after == 1ms);
  play.now += 1ms;
  CHECK(play.admit());
}

TEST_CASE("time in each state adds up to the breaker's age") {
  PlayedBreaker play;
  const Time made = play.now;
  play.now += 7s;
  play.fail(5);
  play.wait_out();
  Permit probe = play.must_admit();
  play.now += 2s;
  probe.neutral(play.now);
  play.succeed(3);
  play.now += 5s;
  const Snapshot seen = play.seen();
  CHECK(seen.time_in_state[0] == 12s);
  CHECK(seen.time_in_state[1] == 30s);
  CHECK(seen.time_in_state[2] == 2s);
  CHECK(made + 12s + 30s + 2s == play.now);
  CHECK(seen.state_since == play.now - 5s);
  CHECK(seen.transitions[0][1] == 1);
  CHECK(seen.transitions[1][2] == 1);
  CHECK(seen.transitions[2][0] == 1);
  CHECK(seen.transitions[2][1] == 0);
}

}  // namespace
}  // namespace fusewire::breaker::testing

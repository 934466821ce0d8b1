// SPDX-License-Identifier: Apache-2.0
// Whole rounds of the breaker with every figure of them, by number. Those that need the proxy are tested there.
#include <doctest/doctest.h>

#include <type_traits>

#include "filters/breaker/core/registry.hpp"
#include "tests/unit/filters/breaker/played_breaker.hpp"

namespace fusewire::breaker::testing {
namespace {

TEST_CASE("vector 1: a result that arrives after the state changed changes nothing but the totals") {
  PlayedBreaker play;
  Permit failing = play.must_admit();
  Permit succeeding = play.must_admit();
  Permit slow = play.must_admit();
  play.fail(5);
  play.wait_out();
  Permit probe = play.must_admit();
  const Snapshot before = play.seen();
  failing.failure(FailureKind::timeout, play.now);
  succeeding.success(play.now);
  slow.on_slow(play.now);
  slow.neutral(play.now);
  const Snapshot after = play.seen();
  CHECK(after.state == State::half_open);
  CHECK(after.half_open.in_flight == 1);
  CHECK(after.half_open.successes == 0);
  CHECK(after.window.ended == before.window.ended);
  CHECK(after.window.judged == before.window.judged);
  CHECK(after.consecutive_failures == before.consecutive_failures);
  CHECK(after.totals.failure == before.totals.failure + 1);
  CHECK(after.totals.success == before.totals.success + 1);
  CHECK(after.totals.neutral == before.totals.neutral + 1);
}

TEST_CASE("vector 2: a probe that is dropped gives its slot back") {
  PlayedBreaker play;
  play.fail(5);
  play.wait_out();
  {
    Permit probe = play.must_admit();
    CHECK(play.seen().half_open.in_flight == 1);
  }
  CHECK(play.seen().half_open.in_flight == 0);
  CHECK(play.seen().totals.neutral == 1);
  CHECK(play.state() == State::half_open);
}

TEST_CASE("vector 2: all slots held for max_half_open re-open") {
  PlayedBreaker play;
  play.fail(5);
  play.wait_out();
  std::vector<Permit> held;
  for (int i = 0; i < 3; ++i) held.push_back(play.must_admit());
  play.now += 60s;
  CHECK(play.reject().by == RejectedBy::open);
  CHECK(play.seen().last_trip->reason == Reason::half_open_timeout);
}

TEST_CASE("vector 2: one request a minute still recovers") {
  PlayedBreaker play;
  play.fail(5);
  for (int minute = 0; minute < 3; ++minute) {
    play.now += 1min;
    Permit call = play.must_admit();
    play.now += 100ms;
    call.success(play.now);
  }
  CHECK(play.state() == State::closed);
}

TEST_CASE("vector 3: a probe that ends neutral gives its slot back, and recovery still completes") {
  config::CircuitBreaker config = plain();
  config.recovery.half_open_max_calls = 1;
  PlayedBreaker play(config);
  play.fail(5);
  play.wait_out();
  for (int i = 0; i < 3; ++i) {
    play.must_admit().neutral(play.now);
    CHECK(play.seen().half_open.in_flight == 0);
    play.succeed();
  }
  CHECK(play.state() == State::closed);
}

TEST_CASE("vector 4: own rejections count in no window and no state, only in rejected") {
  PlayedBreaker play;
  play.fail(5);
  for (int i = 0; i < 100; ++i) play.reject();
  const Snapshot seen = play.seen();
  CHECK(seen.totals.rejected == 100);
  CHECK(seen.totals.failure == 5);
  CHECK(seen.window.ended == 5);
  CHECK(seen.consecutive_failures == 5);
  CHECK(seen.open_remaining == 30s);
}

TEST_CASE("vector 4: two callers at the instant open -> half-open get at most the permitted slots") {
  config::CircuitBreaker config = plain();
  config.recovery.half_open_max_calls = 1;
  PlayedBreaker play(config);
  play.fail(5);
  play.wait_out();
  auto first = play.breaker.try_acquire(play.now);
  auto second = play.breaker.try_acquire(play.now);
  CHECK(std::holds_alternative<Permit>(first));
  CHECK(std::get<Rejection>(second).by == RejectedBy::half_open);
}

TEST_CASE("vector 5: reset while open cancels the pending interval, and a later trip waits its full interval") {
  PlayedBreaker play;
  play.fail(5);
  play.now += 10s;
  play.breaker.reset(play.now);
  play.now += 5s;
  play.fail(5);
  CHECK(play.seen().open_remaining == 30s);  // the back-off was emptied, too
  play.now += 15s;                           // when the first interval would have ended
  CHECK(play.reject().retry_after == 15s);
  play.now += 15s;
  CHECK(play.admit());
}

TEST_CASE("vector 5: reset from closed makes running calls late") {
  PlayedBreaker play(only_consecutive(1));
  Permit running = play.must_admit();
  play.breaker.reset(play.now);
  CHECK(play.seen().generation == 1);
  running.failure(FailureKind::timeout, play.now);
  CHECK(play.state() == State::closed);
  CHECK(play.seen().window.ended == 0);
  CHECK(play.seen().totals.failure == 1);
}

TEST_CASE(
    "vector 6: stepping the wall clock changes nothing, for the core knows no other time than a steady argument") {
  static_assert(Time::clock::is_steady);
  static_assert(std::is_same_v<Time, std::chrono::steady_clock::time_point>);
  // The same story from wherever the clock starts, and however long the test takes in between.
  for (const auto start : {0h, 1h, 24h * 365 * 50}) {
    PlayedBreaker play(plain(), Time{} + start);
    play.fail(5);
    play.now += 12s;
    CHECK(play.reject().retry_after == 18s);
  }
}

TEST_CASE("vector 6: callers whose times are a little out of order harm nothing") {
  PlayedBreaker play;
  play.fail(4);
  Permit late = play.must_admit();
  late.failure(FailureKind::reset, play.now - 5ms);
  CHECK(play.state() == State::open);
  CHECK(play.breaker.snapshot(play.now - 10s).state == State::open);
  CHECK(play.breaker.snapshot(play.now - 2000h).window.ended <= 5);
}

TEST_CASE("vector 7: an idle gap longer than the window") {
  PlayedBreaker play(only_rate(0.5, 4));
  play.fail(3);
  play.now += 61s;
  play.fail(3);
  CHECK(play.seen().window.ended == 3);
  CHECK(play.state() == State::closed);
}

TEST_CASE("vector 7: a threshold of 1 trips at the first failure") {
  PlayedBreaker play(only_consecutive(1));
  play.fail();
  CHECK(play.state() == State::open);
}

TEST_CASE("vector 7: threshold equality trips") {
  PlayedBreaker play(only_rate(0.5, 2));
  play.succeed();
  play.fail();
  CHECK(play.state() == State::open);
}

TEST_CASE("vector 7: a rate of 1 with one call") {
  PlayedBreaker play(only_rate(1, 1));
  play.succeed(5);
  CHECK(play.state() == State::closed);
  play.fail(3);
  CHECK(play.state() == State::closed);
  play.now += 61s;
  play.fail();
  CHECK(play.state() == State::open);
}

TEST_CASE("vector 7: minimum_calls above a count window is refused") {
  config::CircuitBreaker config = plain();
  config.detection.window = {.type = config::WindowType::count_based, .duration = 60s, .size = 5};
  config.detection.minimum_calls = 6;
  CHECK(why_invalid(config) != nullptr);
  config.detection.minimum_calls = 5;
  CHECK(why_invalid(config) == nullptr);
}

TEST_CASE("vector 7: bucket edges") {
  PlayedBreaker play(only_rate(0.5, 100));
  play.now += 1999ms;
  play.fail();
  play.now += 1ms;
  play.fail();
  play.now += 57'999ms;
  CHECK(play.seen().window.ended == 2);
  play.now += 1ms;
  CHECK(play.seen().window.ended == 1);
}

TEST_CASE("vector 8: a body that fails after its 200 is a failure, and after its end a second call") {
  PlayedBreaker play(only_consecutive(2));
  play.must_admit().failure(FailureKind::incomplete, play.now);
  Permit stream = play.must_admit();
  stream.success(play.now);
  CHECK(play.seen().consecutive_failures == 0);
  play.now += 1h;
  CHECK(stream.broke_off(FailureKind::incomplete, play.now));
  CHECK_FALSE(stream.broke_off(FailureKind::incomplete, play.now));
  const Snapshot seen = play.seen();
  CHECK(seen.consecutive_failures == 0);
  CHECK(seen.totals.success == 1);
  CHECK(seen.totals.failure == 2);
  CHECK(seen.window.ended == 1);
  CHECK(seen.window.failures == 1);
  play.breaker.broke_off(stream.generation(), FailureKind::incomplete, play.now);
  CHECK(play.seen().window.failures == 2);
  CHECK(play.state() == State::closed);
}

TEST_CASE("vector 8: an upstream's restart under six settled streams opens nothing by a row") {
  PlayedBreaker play;
  std::vector<Permit> streams;
  for (int i = 0; i < 6; ++i) streams.push_back(play.must_admit());
  play.now += 10s;
  for (Permit& stream : streams) stream.success(play.now);
  play.now += 1h;
  play.fail(2);
  for (Permit& stream : streams) {
    stream.broke_off(FailureKind::reset, play.now);
    play.now += 20ms;
  }
  CHECK(play.state() == State::closed);
  CHECK(play.seen().window.failures == 8);
  CHECK(play.seen().consecutive_failures == 2);  // neither longer by them nor ended
  play.fail(2);
  CHECK(play.state() == State::open);  // 10 of 10 ended calls failed: the window does count them
  CHECK(play.seen().last_trip->reason == Reason::failure_rate);
}

TEST_CASE("vector 8: a stream that breaks off in an older generation is dropped") {
  PlayedBreaker play;
  Permit stream = play.must_admit();
  stream.success(play.now);
  play.breaker.reset(play.now);
  stream.broke_off(FailureKind::incomplete, play.now);
  CHECK(play.seen().totals.failure == 0);
  CHECK(play.seen().window.ended == 0);
}

TEST_CASE(
    "vector 8: an event stream of an hour in half-open holds its slot until it is settled, and breaks off as a "
    "failure") {
  config::CircuitBreaker config = plain();
  config.recovery.half_open_max_calls = 1;
  PlayedBreaker play(config);
  play.fail(5);
  play.wait_out();
  Permit stream = play.must_admit();
  play.now += 10s;  // settle_after
  stream.success(play.now);
  CHECK(play.seen().half_open.in_flight == 0);
  CHECK(play.seen().half_open.successes == 1);
  CHECK(play.admit());
  play.now += 1h;
  stream.broke_off(FailureKind::reset, play.now);
  CHECK(play.state() == State::open);
  CHECK(play.seen().last_trip->reason == Reason::probe_failed);
}

TEST_CASE("vector 8: a WebSocket of an hour is a call that ended with its 101") {
  config::CircuitBreaker config = plain();
  config.recovery = {.half_open_max_calls = 1, .success_threshold = 1};
  PlayedBreaker play(config);
  play.fail(5);
  play.wait_out();
  Permit upgrade = play.must_admit();
  upgrade.success(play.now);
  play.now += 1h;
  CHECK(play.state() == State::closed);
  CHECK(play.admit());
}

TEST_CASE("vector 9: reload while open and while half-open") {
  PlayedBreaker play;
  config::CircuitBreaker config = plain();
  config.detection.window.duration = 10s;
  config.transitions.open_timeout = 5s;
  config.recovery = {.half_open_max_calls = 2, .success_threshold = 2};
  play.fail(5);
  play.now += 10s;
  play.breaker.reconfigure(config, play.now);
  CHECK(play.seen().open_remaining == 20s);
  play.wait_out();
  Permit first = play.must_admit();
  Permit second = play.must_admit();
  CHECK(play.reject().by == RejectedBy::half_open);
  play.breaker.reconfigure(plain(), play.now);
  Permit third = play.must_admit();
  first.success(play.now);
  second.success(play.now);
  CHECK(play.state() == State::half_open);
  third.success(play.now);
  CHECK(play.state() == State::closed);
}

TEST_CASE("vector 9: an upstream removed and added again starts fresh") {
  Time now{};
  Registry registry;
  Builder builder("orders");
  builder.consecutive_failures(1).clock([&now] { return now; });
  const auto before = registry.add(builder);
  std::get<Call>(before->try_acquire()).failure();
  CHECK(before->state() == State::open);
  CHECK(registry.remove("orders"));
  CHECK(registry.add(builder)->state() == State::closed);
  CHECK(before->state() == State::open);  // for those that still hold it
}

TEST_CASE("vector 10: shadow reports every crossing, not the first only") {
  config::CircuitBreaker config = plain();
  config.mode = config::Mode::shadow;
  PlayedBreaker play(config);
  play.listen({.transitions = true, .rejections = false, .results = false});
  for (int round = 0; round < 3; ++round) {
    play.fail(5);
    play.wait_out();
    play.succeed(3);
    play.now += 1h;
  }
  CHECK(play.events.size() == 9);
  CHECK(play.seen().totals.trips == 3);
}

TEST_CASE("vector 10: Retry-After is at least 1 and rounds up") {
  CHECK(retry_after_seconds(400ms) == 1);
  CHECK(retry_after_seconds(0ms) == 1);
  CHECK(retry_after_seconds(1000ms) == 1);
  CHECK(retry_after_seconds(1001ms) == 2);
  CHECK(retry_after_seconds(29'999ms) == 30);
  CHECK(retry_after_seconds(30s) == 30);
  PlayedBreaker play;
  play.fail(5);
  play.now += 29'600ms;
  CHECK(retry_after_seconds(*play.reject().retry_after) == 1);
}

TEST_CASE("vector 11: looking a name up never makes a breaker") {
  Registry registry;
  registry.add(Builder("orders"));
  CHECK(registry.find("orders") != nullptr);
  CHECK(registry.find("orders/../../etc") == nullptr);
  CHECK(registry.names() == std::vector<std::string>{"orders"});
  CHECK_THROWS_AS(registry.add(Builder("orders")), std::invalid_argument);
}

TEST_CASE("vector 12: every figure is there, and 0, before the first call") {
  const Snapshot seen = PlayedBreaker().seen();
  CHECK(seen.totals.success + seen.totals.failure + seen.totals.neutral == 0);
  CHECK(seen.totals.rejected + seen.totals.would_reject + seen.totals.trips == 0);
  CHECK(seen.window.ended + seen.window.judged == 0);
  CHECK(seen.generation == 0);
  CHECK(seen.retry_after == 0ms);
  CHECK_FALSE(seen.last_trip);
  for (const auto& from : seen.transitions)
    for (const std::uint64_t count : from) CHECK(count == 0);
}

TEST_CASE("vector 14: a release from forced_closed over a failing upstream trips at the next failure, not before") {
  PlayedBreaker play(only_consecutive(5));
  play.breaker.force_closed(play.now);
  play.fail(50);
  play.breaker.release(play.now);
  CHECK(play.state() == State::closed);
  play.must_admit().neutral(play.now);
  CHECK(play.state() == State::closed);
  play.fail();
  CHECK(play.state() == State::open);
}

TEST_CASE("vector 14: or at a success that leaves a rate at its threshold") {
  PlayedBreaker play(only_rate(0.5, 4));
  play.breaker.force_closed(play.now);
  Permit given_before = play.must_admit();
  play.fail(3);
  play.succeed(2);
  play.breaker.release(play.now);
  CHECK(play.state() == State::closed);
  given_before.success(play.now);  // 3 of 6: a permit given under the override is judged after it
  CHECK(play.state() == State::open);
}

}  // namespace
}  // namespace fusewire::breaker::testing

// SPDX-License-Identifier: Apache-2.0
// Calls in a row: failures and slow calls, counted plainly in a quiet stream and against chance in a busy one.
#include <doctest/doctest.h>

#include "tests/unit/filters/breaker/played_breaker.hpp"

namespace fusewire::breaker::testing {
namespace {

config::CircuitBreaker only_slow_rows(std::uint32_t threshold) {
  config::CircuitBreaker config = only_slow(1, 1'000'000);
  config.detection.consecutive_slow_calls = fusewire::config::Consecutive{.threshold = threshold};
  return config;
}

config::CircuitBreaker over_calls(config::CircuitBreaker config, std::uint32_t size) {
  config.detection.window = {.type = config::WindowType::count_based, .duration = 60s, .size = size};
  config.detection.minimum_calls = 1;
  return config;
}

// `calls` that ended, of which the first in each `period` failed; 0: none. A success is the last.
void busy(PlayedBreaker& play, int calls, int period = 0) {
  for (int call = 0; call < calls; ++call) {
    if (period != 0 && call % period == 0)
      play.fail();
    else
      play.succeed();
  }
}

// So many failures that it opens, or `most` where it does not: a call every `apart`.
int failures_until_open(PlayedBreaker& play, milliseconds apart, int most = 200) {
  for (int row = 1; row <= most; ++row) {
    play.fail();
    if (play.state() == State::open) return row;
    play.now += apart;
  }
  return most;
}

TEST_CASE("in a quiet stream a row is counted plainly, also where all of it comes at one instant") {
  PlayedBreaker play(only_consecutive(5));
  busy(play, 99);
  CHECK(failures_until_open(play, 0ms) == 5);
}

TEST_CASE("in a busy stream a row within 10 ms is one event") {
  PlayedBreaker play(only_consecutive(5));
  busy(play, 100);
  play.fail(50);
  CHECK(play.state() == State::closed);
  CHECK(play.seen().consecutive_failures == 50);
  play.now += 9ms;
  play.fail();
  CHECK(play.state() == State::closed);
  play.now += 1ms;
  play.fail();
  CHECK(play.state() == State::open);
  CHECK(play.seen().last_trip->value == 52);
  CHECK(play.seen().last_trip->threshold == 5);
}

TEST_CASE("in a busy stream the threshold holds all the same") {
  PlayedBreaker play(only_consecutive(5));
  busy(play, 1000);
  CHECK(failures_until_open(play, 20ms) == 5);
}

TEST_CASE("a row counts once fewer than `chance` such rows are to be expected among the calls beside it") {
  // 0.2 failing of 100: 100 x 0.2^11 is 0.0000020, 100 x 0.2^12 is 0.0000004.
  PlayedBreaker first(only_consecutive(5));
  busy(first, 100, 5);
  CHECK(failures_until_open(first, 1ms) == 12);
  // 0.2 of 1,000: 1,000 x 0.2^12 is 0.0000041, 1,000 x 0.2^13 is 0.0000008.
  PlayedBreaker second(only_consecutive(5));
  busy(second, 1000, 5);
  CHECK(failures_until_open(second, 1ms) == 13);
  CHECK(second.seen().last_trip->reason == Reason::consecutive_failures);
  CHECK(second.seen().last_trip->value == 13);
  CHECK(second.seen().last_trip->window.ended == 1013);
}

TEST_CASE("a larger chance is satisfied by a shorter row, and off counts plainly") {
  config::CircuitBreaker config = only_consecutive(5);
  const auto row_for = [&](std::optional<double> chance) {
    config.detection.consecutive_failures->chance = chance;
    PlayedBreaker play(config);
    busy(play, 100, 5);
    return failures_until_open(play, 2ms);
  };
  CHECK(row_for(0.001) == 8);  // 100 x 0.2^8 is 0.00026
  CHECK(row_for(1.0) == 6);    // two ms apart: the sixth comes 10 ms after the first
  CHECK(row_for(std::nullopt) == 5);
}

TEST_CASE("of a count window half its size beside the row makes a stream busy, and 100 at most") {
  const auto trips_within_an_instant = [](std::uint32_t size, int beside) {
    PlayedBreaker play(over_calls(only_consecutive(3), size));
    busy(play, beside);
    return failures_until_open(play, 0ms, 3) == 3 && play.state() == State::open;
  };
  CHECK(trips_within_an_instant(20, 9));
  CHECK_FALSE(trips_within_an_instant(20, 10));
  CHECK(trips_within_an_instant(21, 10));
  CHECK_FALSE(trips_within_an_instant(21, 11));
  CHECK(trips_within_an_instant(1000, 99));
  CHECK_FALSE(trips_within_an_instant(1000, 100));
}

TEST_CASE("a row that fills more than half of a count window is counted plainly") {
  PlayedBreaker play(over_calls(only_consecutive(3), 20));
  busy(play, 20, 2);
  // 10 x 0.5^10 and all before it are above the chance; the eleventh leaves nine calls beside the row.
  CHECK(failures_until_open(play, 20ms) == 11);
}

TEST_CASE("a row goes on while its own calls and those beside it leave the window") {
  PlayedBreaker play(only_consecutive(5));
  busy(play, 150, 2);
  play.fail(4);
  play.now += 61s;
  CHECK(play.seen().window.ended == 0);
  play.fail();  // nothing is beside it any more
  CHECK(play.state() == State::open);
  CHECK(play.seen().last_trip->value == 5);
}

TEST_CASE("streams that broke off stand beside the row, as failures") {
  PlayedBreaker play(only_consecutive(5));
  std::vector<Permit> streams;
  for (int i = 0; i < 100; ++i) streams.push_back(play.must_admit());
  for (Permit& stream : streams) stream.success(play.now);
  play.now += 2min;
  for (Permit& stream : streams) stream.broke_off(FailureKind::reset, play.now);
  play.succeed(100);
  // 200 x 0.5^27 is 0.0000015, 200 x 0.5^28 is 0.0000007.
  CHECK(failures_until_open(play, 1ms) == 28);
}

TEST_CASE("callers whose times are a little out of order make no row longer in time") {
  PlayedBreaker play(only_consecutive(5));
  busy(play, 100);
  play.fail();
  play.now -= 50ms;
  play.fail(10);
  CHECK(play.state() == State::closed);
  play.now += 60ms;
  play.fail();
  CHECK(play.state() == State::open);
}

TEST_CASE("a row of which more than 65,535 failed is no coincidence, however many of them the window holds") {
  PlayedBreaker play(only_consecutive(5));
  play.breaker.force_closed(play.now);
  busy(play, 200, 2);
  play.fail(70'000);
  CHECK(play.seen().consecutive_failures == 65535);
  play.breaker.release(play.now);
  CHECK(play.state() == State::closed);
  play.fail();
  CHECK(play.state() == State::open);
}

TEST_CASE("the fifth call in a row that turns slow trips, while all of them still wait") {
  PlayedBreaker play(only_slow_rows(5));
  std::vector<Permit> calls;
  for (int i = 0; i < 5; ++i) calls.push_back(play.must_admit());
  for (Permit& call : calls) {
    CHECK(play.state() == State::closed);
    call.on_slow(play.now);
    call.on_slow(play.now);  // counts once
  }
  CHECK(play.state() == State::open);
  const Snapshot seen = play.seen();
  CHECK(seen.consecutive_slow_calls == 5);
  CHECK(seen.consecutive_failures == 0);
  CHECK(seen.trips_by_reason[static_cast<std::size_t>(Reason::consecutive_slow_calls)] == 1);
  const Trip trip = seen.last_trip.value();
  CHECK(trip.reason == Reason::consecutive_slow_calls);
  CHECK(to_string(trip.reason) == "consecutive_slow_calls");
  CHECK(trip.value == 5);
  CHECK(trip.threshold == 5);
  CHECK(trip.consecutive_slow_calls == 5);
  CHECK(trip.window.judged == 5);
  CHECK(trip.window.slow == 5);
}

TEST_CASE("only a success that never was slow ends the row of slow calls") {
  PlayedBreaker play(only_slow_rows(3));
  play.slow(2);  // they succeed in the end
  CHECK(play.seen().consecutive_slow_calls == 2);
  play.fail(4);
  play.must_admit().neutral(play.now);
  CHECK(play.seen().consecutive_slow_calls == 2);
  play.succeed();
  CHECK(play.seen().consecutive_slow_calls == 0);
  play.slow(2);
  CHECK(play.state() == State::closed);
  play.slow();
  CHECK(play.state() == State::open);
}

TEST_CASE("a slow success ends the row of failures, a slow failure goes on with it") {
  config::CircuitBreaker config = only_slow_rows(100);
  PlayedBreaker play(config);
  play.fail(2);
  Permit call = play.must_admit();
  call.on_slow(play.now);
  CHECK(play.seen().consecutive_failures == 2);
  call.failure(FailureKind::timeout, play.now);
  CHECK(play.seen().consecutive_failures == 3);
  play.slow();
  CHECK(play.seen().consecutive_failures == 0);
  CHECK(play.seen().consecutive_slow_calls == 2);
}

TEST_CASE("in a busy stream the row of slow calls is held against the share of slow calls") {
  PlayedBreaker play(only_slow_rows(5));
  for (int call = 0; call < 100; ++call) {
    if (call % 5 == 0)
      play.slow();
    else
      play.succeed();
    play.fail();  // judged, not slow: 20 of 200
  }
  play.succeed();  // 20 of 201; 201 x 0.0995^8 is 0.0000019, with 9 it is 0.0000002
  int row = 0;
  while (play.state() == State::closed && row < 50) {
    ++row;
    play.slow();
    play.now += 2ms;
  }
  CHECK(row == 9);
}

TEST_CASE("calls that turn slow together are one event, whatever else is judged later") {
  PlayedBreaker play(only_slow_rows(5));
  busy(play, 100);
  std::vector<Permit> calls;
  for (int i = 0; i < 7; ++i) calls.push_back(play.must_admit());
  for (int i = 0; i < 6; ++i) calls[static_cast<std::size_t>(i)].on_slow(play.now);
  play.now += 500ms;
  play.fail();  // judged as well, half a second later; the row's last call is where it was
  CHECK(play.state() == State::closed);
  calls.back().on_slow(play.now);
  CHECK(play.state() == State::open);
}

TEST_CASE("while slow_call_rate is off there is no row of slow calls; while it is on there is one to be seen") {
  config::CircuitBreaker config = only_slow_rows(1);
  config.detection.slow_call_rate.reset();
  PlayedBreaker off(config);
  off.slow(3);
  CHECK(off.state() == State::closed);
  CHECK(off.seen().consecutive_slow_calls == 0);
  config = only_slow(1, 1'000'000);
  PlayedBreaker unjudged(config);
  unjudged.slow(3);
  CHECK(unjudged.state() == State::closed);
  CHECK(unjudged.seen().consecutive_slow_calls == 3);
}

TEST_CASE("under an override both rows are measured; the next result is judged") {
  PlayedBreaker play(only_slow_rows(3));
  play.breaker.force_closed(play.now);
  play.slow(10);
  CHECK(play.seen().consecutive_slow_calls == 10);
  play.breaker.release(play.now);
  CHECK(play.state() == State::closed);
  play.must_admit().neutral(play.now);
  CHECK(play.state() == State::closed);
  play.fail();  // a result: it judges what has been measured
  CHECK(play.state() == State::open);
  CHECK(play.seen().last_trip->reason == Reason::consecutive_slow_calls);
  CHECK(play.seen().last_trip->value == 10);
}

TEST_CASE("rows stay to be seen while open and half-open; closing and reset empty them") {
  PlayedBreaker play;
  play.slow(4);
  Permit slow = play.must_admit();
  slow.on_slow(play.now);
  CHECK(play.seen().consecutive_slow_calls == 5);
  play.wait_out();
  Permit trial = play.must_admit();
  CHECK(play.state() == State::half_open);
  CHECK(play.seen().consecutive_slow_calls == 5);
  trial.success(play.now);
  play.succeed(2);
  CHECK(play.state() == State::closed);
  CHECK(play.seen().consecutive_slow_calls == 0);
  play.slow(2);
  play.fail(2);
  play.breaker.reset(play.now);
  CHECK(play.seen().consecutive_slow_calls == 0);
  CHECK(play.seen().consecutive_failures == 0);
}

TEST_CASE("a trial that turns slow is in no row") {
  config::CircuitBreaker config = plain();
  config.recovery.strict_mode = false;
  PlayedBreaker play(config);
  play.fail(5);
  play.wait_out();
  Permit trial = play.must_admit();
  trial.on_slow(play.now);
  trial.failure(FailureKind::timeout, play.now);
  CHECK(play.state() == State::half_open);
  CHECK(play.seen().consecutive_slow_calls == 0);
  CHECK(play.seen().consecutive_failures == 5);
}

}  // namespace
}  // namespace fusewire::breaker::testing

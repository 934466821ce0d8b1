// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "tests/unit/filters/breaker/played_breaker.hpp"

namespace fusewire::breaker::testing {
namespace {

TEST_CASE("a permit ends once; what is said afterwards changes nothing") {
  PlayedBreaker play;
  Permit permit = play.must_admit();
  CHECK(permit.active());
  permit.failure(FailureKind::timeout, play.now);
  CHECK_FALSE(permit.active());
  permit.success(play.now);
  permit.neutral(play.now);
  permit.on_slow(play.now);
  const Snapshot seen = play.seen();
  CHECK(seen.totals.failure == 1);
  CHECK(seen.totals.success == 0);
  CHECK(seen.totals.neutral == 0);
  CHECK(seen.window.slow == 0);
}

TEST_CASE("a permit that holds nothing does nothing") {
  Permit permit;
  permit.success(Time{});
  permit.on_slow(Time{});
  CHECK_FALSE(permit.active());
  CHECK_FALSE(permit.broke_off(FailureKind::reset, Time{}));
}

TEST_CASE("a permit that is withdrawn leaves no trace, and its slot is free") {
  PlayedBreaker play(only_consecutive(1));
  Permit closed = play.must_admit();
  closed.withdraw(play.now);
  CHECK_FALSE(closed.active());
  play.fail();
  play.wait_out();
  std::vector<Permit> holders;
  for (int i = 0; i < 3; ++i) holders.push_back(play.must_admit());
  holders.back().withdraw(play.now);
  CHECK(play.seen().half_open.in_flight == 2);
  CHECK(play.must_admit().active());
  holders.clear();
  const Totals totals = play.seen().totals;
  CHECK(totals.success == 0);
  CHECK(totals.failure == 1);
  CHECK(totals.neutral == 3);  // those that were dropped
}

TEST_CASE("a permit moves, and only its new holder ends it") {
  PlayedBreaker play;
  {
    Permit first = play.must_admit();
    Permit second = std::move(first);
    CHECK_FALSE(first.active());  // NOLINT(bugprone-use-after-move): that is what is tested
    first.failure(FailureKind::reset, play.now);
    second.success(play.now);
  }
  CHECK(play.seen().totals.failure == 0);
  CHECK(play.seen().totals.success == 1);
  CHECK(play.seen().totals.neutral == 0);
}

TEST_CASE("a permit that another one replaces is dropped") {
  PlayedBreaker play;
  Permit permit = play.must_admit();
  permit = play.must_admit();
  CHECK(play.seen().totals.neutral == 1);
  permit.success(play.now);
  CHECK(play.seen().totals.success == 1);
}

TEST_CASE("only a call that ended by a success can break off later") {
  PlayedBreaker play;
  Permit permit = play.must_admit();
  CHECK_FALSE(permit.broke_off(FailureKind::reset, play.now));
  permit.neutral(play.now);
  CHECK_FALSE(permit.broke_off(FailureKind::reset, play.now));
  CHECK(play.seen().totals.failure == 0);
}

TEST_CASE("an unjudged stream that breaks off reaches only the totals") {
  config::CircuitBreaker config = only_consecutive(1);
  config.mode = config::Mode::shadow;
  PlayedBreaker play(config);
  play.fail();
  play.wait_out();
  std::vector<Permit> holders;
  for (int i = 0; i < 3; ++i) holders.push_back(play.must_admit());
  Permit unjudged = play.must_admit();
  unjudged.success(play.now);
  CHECK(unjudged.broke_off(FailureKind::incomplete, play.now));
  CHECK(play.state() == State::half_open);
  CHECK(play.seen().totals.failure == 2);
}

TEST_CASE("a slot that is given back early is free for the next trial, and its call goes on") {
  config::CircuitBreaker config = only_consecutive(1);
  config.recovery.half_open_max_calls = 1;
  PlayedBreaker play(config);
  play.fail();
  play.wait_out();
  for (int i = 0; i < 3; ++i) {
    Permit waiting = play.must_admit();
    CHECK(waiting.holds_slot());
    if (i == 0) CHECK(play.reject().by == RejectedBy::half_open);
    CHECK(waiting.give_back_slot(play.now));
    CHECK_FALSE(waiting.holds_slot());
    CHECK_FALSE(waiting.unjudged());
    CHECK(waiting.active());
    CHECK_FALSE(waiting.give_back_slot(play.now));
    CHECK(play.seen().half_open.in_flight == 0);
    waiting.neutral(play.now);
    CHECK(play.state() == State::half_open);
    CHECK(play.seen().half_open.in_flight == 0);
  }
  CHECK(play.seen().totals.neutral == 3);
  play.succeed(3);
  CHECK(play.state() == State::closed);
}

TEST_CASE("each slot that is given back early makes room for one trial more, up to 127") {
  PlayedBreaker play(only_consecutive(1));
  play.fail();
  play.wait_out();
  std::vector<Permit> trials;
  for (int i = 0; i < 200; ++i) {
    Permit waiting = play.must_admit();
    CHECK(waiting.give_back_slot(play.now));
  }
  CHECK(play.seen().half_open.slots == 127);
  for (int i = 0; i < 127; ++i) trials.push_back(play.must_admit());
  CHECK(play.reject().by == RejectedBy::half_open);
  CHECK_FALSE(play.breaker.available(play.now));
  trials[0].failure(FailureKind::timeout, play.now);
  REQUIRE(play.state() == State::open);
  play.wait_out();
  for (int i = 0; i < 3; ++i) trials.push_back(play.must_admit());  // a new half-open
  CHECK(play.reject().by == RejectedBy::half_open);
}

TEST_CASE("a trial that gives its slot back is judged all the same") {
  config::CircuitBreaker config = only_consecutive(1);
  config.recovery = {.half_open_max_calls = 1, .success_threshold = 2};
  PlayedBreaker play(config);
  play.fail();
  play.wait_out();
  Permit upload = play.must_admit();
  CHECK(upload.give_back_slot(play.now));
  CHECK_FALSE(upload.give_back_slot(play.now));
  CHECK_FALSE(upload.unjudged());
  CHECK(play.seen().half_open.in_flight == 0);
  CHECK(play.seen().half_open.slots == 2);
  Permit other = play.must_admit();
  upload.success(play.now);
  CHECK(play.seen().half_open.in_flight == 1);
  CHECK(play.seen().half_open.successes == 1);
  other.success(play.now);
  CHECK(play.state() == State::closed);
  CHECK(upload.broke_off(FailureKind::reset, play.now));  // of another generation
  CHECK(play.state() == State::closed);

  play.fail();
  play.wait_out();
  Permit failing = play.must_admit();
  CHECK(failing.give_back_slot(play.now));
  failing.failure(FailureKind::timeout, play.now);
  CHECK(play.state() == State::open);
}

TEST_CASE("a trial that is withdrawn, neutral, or slow before its slot is given back makes no room") {
  config::CircuitBreaker config = only_consecutive(1);
  config.detection.slow_call_rate = config::SlowCallRate{};
  config.recovery = {.half_open_max_calls = 3, .strict_mode = false};
  PlayedBreaker play(config);
  play.fail();
  play.wait_out();
  play.must_admit().withdraw(play.now);
  play.must_admit().neutral(play.now);
  Permit slow = play.must_admit();
  slow.on_slow(play.now);
  CHECK(slow.give_back_slot(play.now));
  CHECK(play.seen().half_open.slots == 3);
  CHECK(play.seen().half_open.in_flight == 0);
}

TEST_CASE("three calls that wait for their clients do not hold the half-open") {
  PlayedBreaker play(only_consecutive(1));
  play.fail();
  play.wait_out();
  std::vector<Permit> waiting;
  for (int i = 0; i < 3; ++i) waiting.push_back(play.must_admit());
  play.now += 1s;
  for (Permit& each : waiting) each.give_back_slot(play.now);
  play.now += 1h;
  play.succeed(3);
  CHECK(play.state() == State::closed);
  waiting[0].success(play.now);
  CHECK(waiting[0].broke_off(FailureKind::reset, play.now));
  waiting[1].failure(FailureKind::reset, play.now);
  CHECK(play.state() == State::closed);
  CHECK(play.seen().consecutive_failures == 0);
}

TEST_CASE("a permit without a slot gives none back and stays judged") {
  PlayedBreaker play(only_consecutive(1));
  Permit closed = play.must_admit();
  CHECK_FALSE(closed.holds_slot());
  CHECK_FALSE(closed.give_back_slot(play.now));
  CHECK_FALSE(closed.unjudged());
  closed.failure(FailureKind::timeout, play.now);
  CHECK(play.state() == State::open);
  CHECK_FALSE(closed.give_back_slot(play.now));
  CHECK_FALSE(Permit().give_back_slot(play.now));
}

TEST_CASE("a slot of a half-open that is over is given back to nobody") {
  PlayedBreaker play(only_consecutive(1));
  play.fail();
  play.wait_out();
  Permit late = play.must_admit();
  play.fail();
  play.wait_out();
  Permit trial = play.must_admit();
  CHECK(late.give_back_slot(play.now));
  CHECK(play.seen().half_open.in_flight == 1);
}

}  // namespace
}  // namespace fusewire::breaker::testing

// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "tests/unit/filters/breaker/played_breaker.hpp"

namespace fusewire::breaker::testing {
namespace {

TEST_CASE("a word gives back what was put in, up to the largest values") {
  const auto closed = StateWord::closed(kGenerationMask, 127);
  CHECK(closed.state() == State::closed);
  CHECK(closed.generation() == kGenerationMask);
  CHECK(closed.next_generation() == 0);
  CHECK(closed.row() == 127);
  CHECK(closed.next_row() == 127);
  const auto half_open = StateWord::half_open(
      77, 3, {.in_flight = 127, .successes = 126, .failures = 125, .admissions = 2047 + 2048, .early = true});
  CHECK(half_open.state() == State::half_open);
  CHECK(half_open.generation() == 77);
  CHECK(half_open.row() == 3);
  CHECK(half_open.probes().in_flight == 127);
  CHECK(half_open.probes().successes == 126);
  CHECK(half_open.probes().failures == 125);
  CHECK(half_open.probes().admissions == 2047);
  CHECK(half_open.probes().early);
}

TEST_CASE("a deadline is right over the whole range of its modulus") {
  for (const long long start : {0LL, 1LL << 32, (1LL << 33) - 5, (1LL << 33) * 7 - 1, 1LL << 41}) {
    for (const Millis interval :
         {Millis{0}, Millis{1}, Millis{30'000}, (Millis{1} << 32) + 3, StateWord::kLongestInterval}) {
      const auto word = StateWord::open(1, 1, start + interval);
      CAPTURE(start);
      CAPTURE(interval);
      CHECK(word.left(start, start) == interval);
      CHECK(word.left(start + interval, start) == 0);
      CHECK(word.left(start + interval + (1LL << 34), start) == 0);
      // Before it is published when the interval began.
      CHECK(word.left(start, -1) == interval);
      CHECK(word.left(start + interval + 3'600'000, -1) == 0);
    }
  }
}

TEST_CASE("an override word knows its end") {
  CHECK_FALSE(OverrideWord().is_set());
  const OverrideWord endless(Override::forced_closed, std::nullopt);
  CHECK(endless.at(Millis{1} << 60) == Override::forced_closed);
  CHECK_FALSE(endless.left(5));
  const OverrideWord limited(Override::forced_open, 100);
  CHECK(limited.at(99) == Override::forced_open);
  CHECK(limited.left(99) == 1ms);
  CHECK(limited.at(100) == Override::none);
}

TEST_CASE("the breaker works on when the generations have been used up and begin again") {
  PlayedBreaker play(only_consecutive(2));
  for (std::uint32_t i = 0; i < kGenerationMask; ++i) play.breaker.reset(play.now);
  CHECK(play.seen().generation == kGenerationMask);
  play.fail(1);
  CHECK(play.seen().consecutive_failures == 1);
  Permit late = play.must_admit();
  play.fail(1);
  CHECK(play.state() == State::open);
  CHECK(play.seen().generation == 0);
  CHECK(play.seen().window.ended == 2);
  late.failure(FailureKind::reset, play.now);
  CHECK(play.seen().window.ended == 2);
  CHECK(play.reject().retry_after == 30s);
  play.wait_out();
  play.succeed(3);
  CHECK(play.seen().generation == 2);
  play.fail(1);
  CHECK(play.seen().window.ended == 1);
  CHECK(play.seen().consecutive_failures == 1);
  play.fail(1);
  CHECK(play.state() == State::open);
  CHECK(play.seen().open_remaining == 60s);
}

}  // namespace
}  // namespace fusewire::breaker::testing

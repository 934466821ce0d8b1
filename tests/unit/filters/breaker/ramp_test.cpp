// SPDX-License-Identifier: Apache-2.0
#include "filters/breaker/core/ramp.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "filters/breaker/core/builder.hpp"
#include "tests/unit/filters/breaker/played_breaker.hpp"

namespace fusewire::breaker::testing {
namespace {

config::CircuitBreaker ramped(milliseconds duration = 30s) {
  config::CircuitBreaker config = plain();
  config.recovery.ramp = fusewire::config::Ramp{duration};
  return config;
}

struct RampedBreaker : PlayedBreaker {
  explicit RampedBreaker(const config::CircuitBreaker& config = ramped()) : PlayedBreaker(config) { recover(); }

  void recover() {
    while (state() == State::closed) fail();
    wait_out();
    succeed(3);
  }
  bool call() {
    auto permit = admit();
    if (permit) permit->success(now);
    return permit.has_value();
  }
  // How many of so many calls at this instant are admitted.
  int admitted_of(int calls) {
    int admitted = 0;
    for (; calls > 0; --calls) admitted += call() ? 1 : 0;
    return admitted;
  }
};

TEST_CASE("the admitted share grows linearly from a tenth to all") {
  CHECK(RampShare(5000, 30'000, 5000).value() == doctest::Approx(0.1));
  CHECK(RampShare(5000, 30'000, 15'000).value() == doctest::Approx(0.4));
  CHECK(RampShare(5000, 30'000, 20'000).value() == doctest::Approx(0.55));
  CHECK_FALSE(RampShare(5000, 30'000, 34'999).is_all());
  CHECK(RampShare(5000, 30'000, 35'000).is_all());
  CHECK(RampShare(5000, 30'000, 1'000'000'000).value() == 1);
  CHECK(RampShare(5000, 30'000, 0).value() == doctest::Approx(0.1));
  CHECK(RampShare(0, 0, 0).is_all());
}

TEST_CASE("at a share of a tenth the first call is admitted and then each tenth") {
  Ramp ramp;
  for (int call = 0; call < 1000; ++call) CHECK(ramp.admit(3, RampShare(0, 30'000, 0)) == (call % 10 == 0));
}

TEST_CASE("whatever the rate, admitted calls differ from the sum of their shares by less than one") {
  std::mt19937 random(5);
  for (std::uint32_t generation = 1; generation < 300; ++generation) {
    Ramp ramp;
    const Millis duration = 1 + static_cast<Millis>(random() % 100'000);
    const Millis gap = 1 + static_cast<Millis>(random()) % (duration / 3 + 1);
    double sum = 0;
    int admitted = 0;
    for (Millis now = 0; now < duration; now += static_cast<Millis>(random()) % gap) {
      const RampShare share(0, duration, now);
      sum += share.value();
      admitted += ramp.admit(generation, share) ? 1 : 0;
      REQUIRE(std::abs(admitted - sum) < 1 + 1e-6);
      if (gap == 1) break;
    }
  }
}

TEST_CASE("a ramp begins anew with each generation, and a late call is admitted as without one") {
  Ramp ramp;
  const RampShare tenth(0, 30'000, 0);
  CHECK(ramp.admit(3, tenth));
  CHECK_FALSE(ramp.admit(3, tenth));
  CHECK(ramp.admit(6, tenth));
  CHECK(ramp.admit(3, tenth));
  CHECK_FALSE(ramp.admit(6, tenth));
}

TEST_CASE("a reload to a much shorter ramp makes up for no more than one call") {
  Ramp ramp;
  for (int call = 0; call < 10; ++call) ramp.admit(3, RampShare(0, 90'000, 0));
  CHECK(ramp.admit(3, RampShare(0, 1'000, 0)));
  CHECK_FALSE(ramp.admit(3, RampShare(0, 1'000, 0)));
}

TEST_CASE("without a ramp a breaker that has closed admits all") {
  RampedBreaker play(plain());
  CHECK(play.admitted_of(100) == 100);
  CHECK_FALSE(play.seen().ramp_share);
}

TEST_CASE("after its trials have succeeded a breaker admits a tenth of the calls, and more with time") {
  RampedBreaker play;
  CHECK(play.state() == State::closed);
  CHECK(play.admitted_of(100) == 10);
  play.now += 10s;
  CHECK(play.seen().ramp_share == doctest::Approx(0.4));
  CHECK(play.admitted_of(100) == 40);
  play.now += 10s;
  CHECK(play.admitted_of(100) == 70);
  play.now += 9'999ms;
  CHECK(play.seen().ramp_share);
  play.now += 1ms;
  CHECK_FALSE(play.seen().ramp_share);
  CHECK(play.admitted_of(1000) == 1000);
}

TEST_CASE("what the ramp rejects says so, is counted as rejected and enters no window") {
  RampedBreaker play;
  play.listen({.transitions = true, .rejections = true, .results = false});
  CHECK(play.call());
  const Rejection rejection = play.reject();
  CHECK(rejection.by == RejectedBy::ramp);
  CHECK(to_string(rejection.by) == "ramp");
  CHECK(rejection.retry_after == 0ms);
  const Snapshot seen = play.seen();
  CHECK(seen.totals.rejected == 1);
  CHECK(seen.window.ended == 1);
  CHECK(seen.state == State::closed);
  CHECK(seen.retry_after == 0ms);
  REQUIRE(play.events.size() == 1);
  CHECK(play.events[0].rejection.by == RejectedBy::ramp);
  CHECK_FALSE(play.events[0].would);
}

TEST_CASE("a breaker is available while it ramps") {
  RampedBreaker play;
  play.call();
  CHECK(play.breaker.available(play.now));
}

TEST_CASE("calls of the ramp are judged as any of a closed breaker, and their failures open it again") {
  RampedBreaker play;
  int failures = 0;
  for (int call = 0; call < 41 && play.state() == State::closed; ++call)
    if (auto permit = play.admit()) {
      permit->failure(FailureKind::status, play.now);
      ++failures;
    }
  CHECK(failures == 5);
  CHECK(play.state() == State::open);
  CHECK(play.reject().by == RejectedBy::open);
  play.wait_out();
  play.succeed(3);
  CHECK(play.admitted_of(100) == 10);  // from a tenth again
}

TEST_CASE("a new breaker does not ramp") {
  PlayedBreaker play(ramped());
  play.succeed(100);
  CHECK(play.seen().totals.rejected == 0);
}

TEST_CASE("a reset does not ramp, and ends a ramp") {
  PlayedBreaker play(ramped());
  play.fail(5);
  play.breaker.reset(play.now);
  play.succeed(100);
  RampedBreaker other;
  CHECK(other.admitted_of(10) == 1);
  other.breaker.reset(other.now);
  CHECK(other.admitted_of(10) == 10);
  CHECK_FALSE(other.seen().ramp_share);
}

TEST_CASE("an override wins over the ramp, which goes on by time under it") {
  RampedBreaker play;
  play.breaker.force_closed(play.now);
  CHECK(play.admitted_of(100) == 100);
  play.breaker.force_open(play.now);
  CHECK(play.reject().by == RejectedBy::forced_open);
  play.now += 20s;
  play.breaker.release(play.now);
  CHECK(play.admitted_of(100) == 70);
}

TEST_CASE("in shadow the ramp only counts what it would reject, which goes through unjudged") {
  config::CircuitBreaker config = ramped();
  config.mode = config::Mode::shadow;
  RampedBreaker play(config);
  const auto before = play.seen().totals;
  CHECK(play.admitted_of(100) == 100);
  CHECK(play.seen().totals.would_reject - before.would_reject == 90);
  CHECK(play.seen().totals.rejected == 0);
  CHECK(play.seen().window.ended == 10);
}

TEST_CASE("a reload turns the ramp on, off, or gives it another length, from the next call on") {
  RampedBreaker play(plain());
  play.now += 10s;
  play.breaker.reconfigure(ramped(20s), play.now);
  CHECK(play.admitted_of(100) == 55);
  play.breaker.reconfigure(ramped(90s), play.now);
  CHECK(std::abs(play.admitted_of(100) - 20) <= 1);  // the fraction that was left over is of the old length
  play.breaker.reconfigure(plain(), play.now);
  CHECK(play.admitted_of(100) == 100);
  play.now += 1h;
  play.breaker.reconfigure(ramped(), play.now);
  CHECK(play.admitted_of(100) == 100);
}

TEST_CASE("a ramp of years is taken for one of 49 days") {
  RampedBreaker play(ramped(24h * 365 * 100));
  CHECK(play.admitted_of(100) == 10);
  play.now += 24h * 49;
  CHECK(play.admitted_of(100) == 99);
  play.now += 24h;
  CHECK(play.admitted_of(100) == 100);
}

TEST_CASE("the only call of a quiet upstream is admitted after its recovery") {
  RampedBreaker play;
  play.now += 1s;
  CHECK(play.call());
}

TEST_CASE("the builder and the check of an embedder's settings know the ramp") {
  const auto built = Builder("orders").ramp(5s).settings();
  REQUIRE(built.recovery.ramp);
  CHECK(built.recovery.ramp->duration == 5s);
  CHECK_FALSE(Builder("orders").ramp(5s).ramp(std::nullopt).settings().recovery.ramp);
  CHECK(why_invalid(ramped(1ms)) == nullptr);
  CHECK(why_invalid(ramped(0ms)) == std::string_view("ramp.duration is below 1ms"));
}

}  // namespace
}  // namespace fusewire::breaker::testing

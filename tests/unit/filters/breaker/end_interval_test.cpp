// SPDX-License-Identifier: Apache-2.0
// An open interval that a caller ends before its time.
#include <doctest/doctest.h>

#include "filters/breaker/core/breaker.hpp"

using namespace fusewire;
using namespace fusewire::breaker;
using namespace std::chrono_literals;

namespace {

constexpr breaker::Time kStart{1h};

struct Opened {
  explicit Opened(config::Mode mode = config::Mode::enforce) : settings(with(mode)), breaker(settings, kStart, 1) {
    auto answer = breaker.try_acquire(kStart);
    std::get<Permit>(answer).failure(FailureKind::reset, kStart);
  }
  static config::CircuitBreaker with(config::Mode mode) {
    config::CircuitBreaker settings;
    settings.mode = mode;
    settings.detection.consecutive_failures = config::Consecutive{.threshold = 1};
    settings.transitions.backoff.jitter = 0;
    return settings;
  }
  bool admits(breaker::Time now) { return std::holds_alternative<Permit>(breaker.try_acquire(now)); }

  config::CircuitBreaker settings;
  Breaker breaker;
};

}  // namespace

TEST_CASE("an interval that is ended early lets trials through, which close the breaker as any") {
  Opened one;
  CHECK_FALSE(one.admits(kStart + 1s));
  CHECK(one.breaker.end_interval(kStart + 1s));
  CHECK(one.breaker.state() == State::half_open);
  for (int i = 0; i < 3; ++i) {
    auto answer = one.breaker.try_acquire(kStart + 1s);
    std::get<Permit>(answer).success(kStart + 1s);
  }
  CHECK(one.breaker.state() == State::closed);
}

TEST_CASE("trials that fail before their time open it again for as long as before, however many there are") {
  Opened one;
  auto now = kStart;
  for (int i = 0; i < 20; ++i) {
    now += 200ms;
    REQUIRE(one.breaker.end_interval(now));
    auto answer = one.breaker.try_acquire(now);
    std::get<Permit>(answer).failure(FailureKind::reset, now);
    CHECK(one.breaker.state() == State::open);
    CHECK(one.breaker.retry_after(now) == 30s);
  }
  now += 30s;
  auto answer = one.breaker.try_acquire(now);
  std::get<Permit>(answer).failure(FailureKind::reset, now);
  CHECK(one.breaker.retry_after(now) == 60s);
}

TEST_CASE("in another state, in shadow mode and under an override nothing is ended") {
  Opened one;
  one.breaker.force_open(kStart);
  CHECK_FALSE(one.breaker.end_interval(kStart + 1s));
  one.breaker.release(kStart + 1s);
  CHECK(one.breaker.end_interval(kStart + 1s));
  CHECK_FALSE(one.breaker.end_interval(kStart + 1s));
  one.breaker.reset(kStart + 2s);
  CHECK_FALSE(one.breaker.end_interval(kStart + 2s));
  Opened shadow(config::Mode::shadow);
  CHECK_FALSE(shadow.breaker.end_interval(kStart + 1s));
}

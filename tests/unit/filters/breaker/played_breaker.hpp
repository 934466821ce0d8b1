// SPDX-License-Identifier: Apache-2.0
// A breaker and its time, for tests that read as a story.
#pragma once

#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "filters/breaker/core/breaker.hpp"

namespace fusewire::breaker::testing {

using namespace std::chrono_literals;

// The defaults of the configuration, without jitter.
inline config::CircuitBreaker plain() {
  config::CircuitBreaker config;
  config.transitions.backoff.jitter = 0;
  return config;
}

// Only this detector, for one thing at a time.
inline config::CircuitBreaker only_consecutive(std::uint32_t threshold) {
  config::CircuitBreaker config = plain();
  config.detection.consecutive_failures = fusewire::config::Consecutive{.threshold = threshold};
  config.detection.failure_rate.reset();
  config.detection.slow_call_rate.reset();
  return config;
}

inline config::CircuitBreaker only_rate(double threshold, std::uint32_t minimum_calls) {
  config::CircuitBreaker config = plain();
  config.detection.consecutive_failures.reset();
  config.detection.failure_rate = threshold;
  config.detection.slow_call_rate.reset();
  config.detection.minimum_calls = minimum_calls;
  return config;
}

inline config::CircuitBreaker only_slow(double threshold, std::uint32_t minimum_calls) {
  config::CircuitBreaker config = plain();
  config.detection.consecutive_failures.reset();
  config.detection.failure_rate.reset();
  config.detection.consecutive_slow_calls.reset();
  config.detection.slow_call_rate = config::SlowCallRate{.threshold = threshold};
  config.detection.minimum_calls = minimum_calls;
  return config;
}

struct PlayedBreaker {
  explicit PlayedBreaker(const config::CircuitBreaker& config = plain(), Time start = Time{} + 1000h)
      : now(start), breaker(config, start, 42) {}

  std::optional<Permit> admit() {
    auto answer = breaker.try_acquire(now);
    if (auto* permit = std::get_if<Permit>(&answer)) return std::move(*permit);
    return std::nullopt;
  }
  Rejection reject() {
    return std::get<Rejection>(breaker.try_acquire(now));  // throws, and so fails the test, where it is a permit
  }
  Permit must_admit() { return std::get<Permit>(breaker.try_acquire(now)); }  // throws, likewise

  void succeed(int times = 1) {
    while (times-- > 0) must_admit().success(now);
  }
  void fail(int times = 1) {
    while (times-- > 0) must_admit().failure(FailureKind::status, now);
  }
  void slow(int times = 1) {
    while (times-- > 0) {
      Permit permit = must_admit();
      permit.on_slow(now);
      permit.success(now);
    }
  }
  // From closed to the first instant at which a probe is admitted.
  void wait_out() { now += breaker.snapshot(now).open_remaining; }
  void listen(Breaker::Subscription hears = {true, true, true}) {
    breaker.listen([this](const Event& event) { events.push_back(event); }, hears);
  }

  State state() const { return breaker.state(); }
  Snapshot seen() const { return breaker.snapshot(now); }

  Time now;
  std::vector<Event> events;
  Breaker breaker;
};

}  // namespace fusewire::breaker::testing

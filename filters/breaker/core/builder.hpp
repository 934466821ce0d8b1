// SPDX-License-Identifier: Apache-2.0
// A breaker in one expression: Builder("orders").consecutive_failures(3).open_for(5s).build().
#pragma once

#include <string>
#include <utility>

#include "filters/breaker/core/circuit_breaker.hpp"

namespace fusewire::breaker {

// Starts from the defaults of config::CircuitBreaker; each word changes what it names. build() checks the bounds.
//
// A plain value of the thread that fills it in; build() may be called again and leaves it as it is. The breakers that
// it builds share nothing with it but copies of the clock. Units are in the arguments' types; std::nullopt turns off.
class Builder {
 public:
  explicit Builder(std::string name) : name_(std::move(name)) {}

  Builder& config(const fusewire::config::CircuitBreaker& whole) {
    return set([&] { config_ = whole; });
  }
  Builder& mode(fusewire::config::Mode mode) {
    return set([&] { config_.mode = mode; });
  }
  Builder& clock(Clock clock) {
    return set([&] { clock_ = std::move(clock); });
  }

  // Detectors; std::nullopt turns one off.
  // In a busy stream only a row that is no coincidence trips (`chance`; std::nullopt counts plainly).
  Builder& consecutive_failures(std::optional<std::uint32_t> threshold,
                                std::optional<double> chance = fusewire::config::Consecutive{}.chance) {
    return set([&] { config_.detection.consecutive_failures = row(threshold, chance); });
  }
  // By slow_call_rate's slower_than; idle while that is off.
  Builder& consecutive_slow_calls(std::optional<std::uint32_t> threshold,
                                  std::optional<double> chance = fusewire::config::Consecutive{}.chance) {
    return set([&] { config_.detection.consecutive_slow_calls = row(threshold, chance); });
  }
  Builder& failure_count(std::uint32_t threshold, milliseconds window) {
    return set([&] { config_.detection.failure_count = {threshold, window}; });
  }
  Builder& failure_rate(std::optional<double> threshold) {
    return set([&] { config_.detection.failure_rate = threshold; });
  }
  Builder& slow_call_rate(double threshold, milliseconds slower_than) {
    return set([&] { config_.detection.slow_call_rate = {threshold, slower_than}; });
  }
  Builder& no_slow_call_rate() {
    return set([&] { config_.detection.slow_call_rate.reset(); });
  }
  Builder& window(milliseconds duration) {
    return set([&] { config_.detection.window = {.duration = duration}; });
  }
  Builder& window_of_calls(std::uint32_t size) {
    return set([&] { config_.detection.window = {fusewire::config::WindowType::count_based, {}, size}; });
  }
  Builder& minimum_calls(std::uint32_t calls) {
    return set([&] { config_.detection.minimum_calls = calls; });
  }

  // Open and recovery.
  Builder& open_for(milliseconds timeout) {
    return set([&] { config_.transitions.open_timeout = timeout; });
  }
  Builder& backoff(double multiplier, milliseconds max, double jitter = 0.1) {
    return set([&] { config_.transitions.backoff = {multiplier, max, jitter}; });
  }
  Builder& half_open_max_calls(std::uint32_t slots) {
    return set([&] { config_.recovery.half_open_max_calls = slots; });
  }
  Builder& success_threshold(std::uint32_t successes) {
    return set([&] { config_.recovery.success_threshold = successes; });
  }
  Builder& strict_mode(bool strict) {
    return set([&] { config_.recovery.strict_mode = strict; });
  }
  // After a recovery; std::nullopt admits all calls at once.
  Builder& ramp(std::optional<milliseconds> duration) {
    return set([&] {
      config_.recovery.ramp.reset();
      if (duration) config_.recovery.ramp = fusewire::config::Ramp{*duration};
    });
  }
  Builder& max_half_open(milliseconds longest) {
    return set([&] { config_.recovery.max_half_open = longest; });
  }

  const fusewire::config::CircuitBreaker& settings() const noexcept { return config_; }
  const std::string& name() const noexcept { return name_; }

  // Throws std::invalid_argument. The breaker does not move: `CircuitBreaker orders = Builder("orders").build();`
  CircuitBreaker build() const { return CircuitBreaker(name_, config_, clock_); }
  std::shared_ptr<CircuitBreaker> build_shared() const {
    return std::make_shared<CircuitBreaker>(name_, config_, clock_);
  }

 private:
  static std::optional<fusewire::config::Consecutive> row(std::optional<std::uint32_t> threshold,
                                                          std::optional<double> chance) {
    if (!threshold) return std::nullopt;
    return fusewire::config::Consecutive{*threshold, chance};
  }
  template <class Change>
  Builder& set(Change change) {
    change();
    return *this;
  }

  std::string name_;
  fusewire::config::CircuitBreaker config_;
  Clock clock_ = &std::chrono::steady_clock::now;
};

}  // namespace fusewire::breaker

// SPDX-License-Identifier: Apache-2.0
// What the operator asked for, as the breaker uses it: immutable while traffic runs, swapped whole by a reload.
#pragma once

#include <memory>

#include "filters/breaker/core/sliding_window.hpp"

namespace fusewire::breaker {

struct Settings {
  config::Mode mode = config::Mode::enforce;
  bool strict = true;
  bool active_probe = false;                // trials are the prober's alone
  std::uint8_t consecutive_failures = 0;    // 0: off
  std::uint8_t consecutive_slow_calls = 0;  // 0: off
  std::uint8_t failure_count = 0;           // 0: off
  std::uint8_t half_open_max_calls = 3;
  std::uint8_t success_threshold = 3;
  std::uint32_t minimum_calls = 10;
  double failure_rate = 0;       // 0: off
  double slow_call_rate = 0;     // 0: off
  double failures_chance = 0;    // of consecutive_failures; 0: plain counting
  double slow_calls_chance = 0;  // of consecutive_slow_calls; 0: plain counting
  Millis open_timeout = 0;
  Millis backoff_max = 0;
  double multiplier = 1;
  double jitter = 0;
  std::uint32_t max_half_open = 0;          // ms; 49 days are the most
  std::uint32_t ramp = 0;                   // ms, likewise; 0: off
  SlidingWindow* window = nullptr;          // the breaker's
  FailureWindow* failure_window = nullptr;  // the breaker's; null where failure_count is off

  bool operator==(const Settings&) const = default;

  // The open interval of the row-th trip in a row (from 1). `share`, from -1 to 1, is how much of the jitter is taken.
  Millis open_interval(std::uint32_t row, double share) const noexcept;

  bool judges_slowness() const noexcept { return slow_call_rate > 0; }
  // The failures that re-open a half-open breaker.
  std::uint32_t probe_failures() const noexcept { return strict ? 1 : half_open_max_calls; }
};

// The window pointers are left null.
Settings compile(const config::CircuitBreaker&);

// Why these settings make no valid breaker ("threshold …"), or null: for embedders, who use no loader.
const char* why_invalid(const config::CircuitBreaker&);

}  // namespace fusewire::breaker

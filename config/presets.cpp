// SPDX-License-Identifier: Apache-2.0
#include "config/presets.hpp"

namespace fusewire::config {
namespace {

constexpr std::optional<double> kOff = std::nullopt;

struct Row {
  std::string_view name;
  std::optional<std::uint32_t> consecutive;
  std::optional<double> failure_rate;
  std::uint32_t minimum_calls;
  milliseconds slower_than;
  std::optional<double> slow_rate;
  milliseconds window;
  milliseconds open;
  std::uint32_t half_open;
  std::uint32_t successes;
};

constexpr Row kRows[] = {
    {"default", 5, 0.5, 10, 5s, 0.5, 60s, 30s, 3, 3},
    {"aggressive", 3, 0.3, 5, 2s, 0.3, 30s, 15s, 2, 2},
    {"lenient", 10, 0.7, 20, 10s, 0.7, 120s, 60s, 5, 3},
    {"database", 10, 0.7, 10, 10s, 0.5, 60s, 60s, 3, 3},
    {"redis", 5, 0.5, 10, 2s, 0.5, 60s, 10s, 3, 3},
    {"rpc", 5, 0.5, 10, 5s, 0.5, 60s, 30s, 3, 3},
    {"external_api", 3, 0.4, 10, 5s, 0.5, 60s, 60s, 5, 3},
    {"treasury", std::nullopt, kOff, 10, 5s, kOff, 60s, 60s, 2, 2},
};

CircuitBreaker make(const Row& row) {
  CircuitBreaker breaker;
  breaker.preset = row.name;
  Detection& detection = breaker.detection;
  detection.consecutive_failures.reset();
  detection.consecutive_slow_calls.reset();
  if (row.consecutive) {
    detection.consecutive_failures = Consecutive{.threshold = *row.consecutive};
    detection.consecutive_slow_calls = detection.consecutive_failures;
  }
  detection.failure_rate = row.failure_rate;
  detection.slow_call_rate.reset();
  if (row.slow_rate)
    detection.slow_call_rate = SlowCallRate{.threshold = *row.slow_rate, .slower_than = row.slower_than};
  detection.minimum_calls = row.minimum_calls;
  detection.window.duration = row.window;
  breaker.transitions.open_timeout = row.open;
  breaker.recovery.half_open_max_calls = row.half_open;
  breaker.recovery.success_threshold = row.successes;
  if (row.name == "treasury") {
    detection.failure_count = FailureCount{.threshold = 5, .window = 300s};
    breaker.transitions.backoff.multiplier = 1;
  }
  return breaker;
}

}  // namespace

std::optional<CircuitBreaker> preset_named(std::string_view name) {
  for (const Row& row : kRows)
    if (row.name == name) return make(row);
  return std::nullopt;
}

std::vector<std::string_view> preset_names() {
  std::vector<std::string_view> names;
  for (const Row& row : kRows) names.push_back(row.name);
  return names;
}

}  // namespace fusewire::config

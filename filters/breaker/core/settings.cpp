// SPDX-License-Identifier: Apache-2.0
#include "filters/breaker/core/settings.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace fusewire::breaker {

namespace {

bool is_small(std::uint32_t value) { return value >= 1 && value <= StateWord::kMaxCount; }
bool is_ratio(double value) { return value > 0 && value <= 1; }

std::uint8_t threshold(const std::optional<config::Consecutive>& row) {
  return static_cast<std::uint8_t>(row ? row->threshold : 0);
}

double chance(const std::optional<config::Consecutive>& row) { return row ? row->chance.value_or(0) : 0; }

std::uint32_t in_32_bits(milliseconds duration) {
  return static_cast<std::uint32_t>(std::clamp<Millis>(duration.count(), 0, std::numeric_limits<std::uint32_t>::max()));
}

bool has_bad_chance(const std::optional<config::Consecutive>& row) {
  return row && row->chance && !is_ratio(*row->chance);
}

}  // namespace

Millis Settings::open_interval(std::uint32_t row, double share) const noexcept {
  const double cap = static_cast<double>(std::max(backoff_max, open_timeout));
  const double grown = static_cast<double>(open_timeout) * std::pow(multiplier, static_cast<double>(row) - 1);
  const double interval = std::min(grown, cap) * (1 + jitter * share);
  // Whole milliseconds; 1727.9999999999998 is the 1728 that was meant.
  return static_cast<Millis>(std::min(std::floor(interval + 1e-6), static_cast<double>(StateWord::kLongestInterval)));
}

Settings compile(const config::CircuitBreaker& from) {
  const config::Detection& detection = from.detection;
  Settings to;
  to.mode = from.mode;
  to.strict = from.recovery.strict_mode;
  to.active_probe = from.recovery.probe.type == config::ProbeType::active;
  to.consecutive_failures = threshold(detection.consecutive_failures);
  to.failures_chance = chance(detection.consecutive_failures);
  if (detection.slow_call_rate) {
    to.consecutive_slow_calls = threshold(detection.consecutive_slow_calls);
    to.slow_calls_chance = chance(detection.consecutive_slow_calls);
  }
  to.failure_count = static_cast<std::uint8_t>(detection.failure_count ? detection.failure_count->threshold : 0);
  to.half_open_max_calls = static_cast<std::uint8_t>(from.recovery.half_open_max_calls);
  to.success_threshold = static_cast<std::uint8_t>(from.recovery.success_threshold);
  to.minimum_calls = detection.minimum_calls;
  to.failure_rate = detection.failure_rate.value_or(0);
  to.slow_call_rate = detection.slow_call_rate ? detection.slow_call_rate->threshold : 0;
  to.open_timeout = from.transitions.open_timeout.count();
  to.backoff_max = from.transitions.backoff.max.count();
  to.multiplier = from.transitions.backoff.multiplier;
  to.jitter = from.transitions.backoff.jitter;
  to.max_half_open = in_32_bits(from.recovery.max_half_open);
  if (from.recovery.ramp) to.ramp = in_32_bits(from.recovery.ramp->duration);
  return to;
}

const char* why_invalid(const config::CircuitBreaker& config) {
  const config::Detection& detection = config.detection;
  const config::Backoff& backoff = config.transitions.backoff;
  const config::Window& window = detection.window;
  const bool by_count = window.type == config::WindowType::count_based;
  if (detection.consecutive_failures && !is_small(detection.consecutive_failures->threshold))
    return "consecutive_failures.threshold is not in 1..127";
  if (detection.consecutive_slow_calls && !is_small(detection.consecutive_slow_calls->threshold))
    return "consecutive_slow_calls.threshold is not in 1..127";
  if (has_bad_chance(detection.consecutive_failures)) return "consecutive_failures.chance is not in (0, 1]";
  if (has_bad_chance(detection.consecutive_slow_calls)) return "consecutive_slow_calls.chance is not in (0, 1]";
  if (detection.failure_count && !is_small(detection.failure_count->threshold))
    return "failure_count.threshold is not in 1..127";
  if (detection.failure_count && detection.failure_count->window.count() < kBuckets)
    return "failure_count.window is below 30ms";
  if (detection.failure_rate && !is_ratio(*detection.failure_rate)) return "failure_rate.threshold is not in (0, 1]";
  if (detection.slow_call_rate && !is_ratio(detection.slow_call_rate->threshold))
    return "slow_call_rate.threshold is not in (0, 1]";
  if (detection.minimum_calls < 1) return "minimum_calls is below 1";
  if (!by_count && window.duration.count() < kBuckets) return "window.duration is below 30ms";
  if (by_count && (window.size < 1 || window.size > CountRing::kLargest)) return "window.size is not in 1..1048575";
  if (by_count && detection.minimum_calls > window.size) return "minimum_calls is above window.size";
  if (config.transitions.open_timeout.count() < 0) return "open_timeout is negative";
  if (!(backoff.multiplier >= 1)) return "backoff.multiplier is below 1";
  if (!(backoff.jitter >= 0 && backoff.jitter <= 1)) return "backoff.jitter is not in 0..1";
  if (!is_small(config.recovery.half_open_max_calls)) return "half_open_max_calls is not in 1..127";
  if (!is_small(config.recovery.success_threshold)) return "success_threshold is not in 1..127";
  if (config.recovery.ramp && config.recovery.ramp->duration.count() < 1) return "ramp.duration is below 1ms";
  return nullptr;
}

}  // namespace fusewire::breaker

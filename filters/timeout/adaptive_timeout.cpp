// SPDX-License-Identifier: Apache-2.0
#include "filters/timeout/adaptive_timeout.hpp"

#include <algorithm>
#include <cmath>

namespace fusewire {

milliseconds AdaptiveTimeout::value(const Settings& settings, milliseconds fallback, Time now) noexcept {
  const LatencyWindow::Reading reading = percentile_.read(window_, settings.percentile, now);
  if (reading.samples == 0 || reading.samples < settings.minimum_samples) return fallback;
  const double wanted = static_cast<double>(reading.value.count()) * settings.multiplier / 1e6;
  const double most = static_cast<double>(settings.max.count());
  return std::max(settings.min, milliseconds(static_cast<std::int64_t>(std::min(std::ceil(wanted), most))));
}

std::optional<std::chrono::nanoseconds> AdaptiveTimeout::longer_than(double share, std::uint64_t minimum_samples,
                                                                     Time now) noexcept {
  const LatencyWindow::Reading reading = hedge_percentile_.read(window_, share, now);
  if (reading.samples < minimum_samples) return std::nullopt;
  return reading.value;
}

}  // namespace fusewire

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "config/retries.hpp"
#include "filters/time.hpp"
#include "filters/timeout/adaptive_timeout.hpp"

namespace fusewire {

// With fewer answers in the window a percentile says too little.
inline constexpr std::uint64_t kMinimumHedgeSamples = 100;

// After how long an attempt is joined by a hedge (retries.hedge.after). `latency`: of the upstream; nullptr where
// nobody records it. Absent: not known (yet).
inline std::optional<std::chrono::nanoseconds> hedge_delay(const config::Hedge& hedge, AdaptiveTimeout* latency,
                                                           Time now) noexcept {
  if (!hedge.after.is_percentile()) return hedge.after.fixed;
  if (latency == nullptr) return std::nullopt;
  return latency->longer_than(hedge.after.percentile / 100.0, kMinimumHedgeSamples, now);
}

}  // namespace fusewire

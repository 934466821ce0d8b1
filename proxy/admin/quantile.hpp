// SPDX-License-Identifier: Apache-2.0
// Latency percentiles out of the buckets that the workers count in: estimates, exact to a bucket's width.
#pragma once

#include <array>
#include <cstdint>
#include <numeric>
#include <optional>

#include "proxy/observe/cells.hpp"

namespace fusewire::proxy::admin {

using DurationCounts = std::array<std::uint64_t, DurationCells::kBounds.size() + 1>;

// All calls of an upstream, whatever came of them.
inline DurationCounts count_durations(const PerWorker<UpstreamCells>& cells) {
  DurationCounts counts{};
  for (std::size_t i = 0; i < counts.size(); ++i)
    counts[i] = cells.sum([i](const UpstreamCells& cell) {
      return std::accumulate(cell.latency.begin(), cell.latency.end(), std::uint64_t{0},
                             [i](std::uint64_t n, const DurationCells& durations) { return n + durations.bucket(i); });
    });
  return counts;
}

inline std::uint64_t total(const DurationCounts& counts) {
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

// Seconds, linear within the bucket; the last bound for what lies beyond it. Nothing before the first call.
inline std::optional<double> quantile(const DurationCounts& counts, double q) {
  constexpr auto& kBounds = DurationCells::kBounds;
  const std::uint64_t all = total(counts);
  if (all == 0) return std::nullopt;
  double rank = q * static_cast<double>(all);
  for (std::size_t i = 0; i < kBounds.size(); ++i) {
    const auto here = static_cast<double>(counts[i]);
    const double from = i == 0 ? 0 : kBounds[i - 1];
    if (here > 0 && rank <= here) return from + (kBounds[i] - from) * rank / here;
    rank -= here;
  }
  return kBounds.back();
}

}  // namespace fusewire::proxy::admin

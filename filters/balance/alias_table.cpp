// SPDX-License-Identifier: Apache-2.0
#include "filters/balance/alias_table.hpp"

#include <algorithm>
#include <limits>
#include <numeric>

namespace fusewire::balance {

namespace {

constexpr std::uint32_t kWhole = std::numeric_limits<std::uint32_t>::max();

bool all_equal(const std::vector<std::uint32_t>& weights) {
  return std::all_of(weights.begin(), weights.end(), [&](std::uint32_t weight) { return weight == weights.front(); });
}

}  // namespace

AliasTable::AliasTable(const std::vector<std::uint32_t>& weights) : size_(static_cast<std::uint32_t>(weights.size())) {
  if (all_equal(weights)) return;
  const double by_mean = size_ / std::accumulate(weights.begin(), weights.end(), 0.0);
  std::vector<double> left(size_);  // of each column's height; 1 is the mean
  std::vector<std::uint32_t> below;
  std::vector<std::uint32_t> above;
  for (std::uint32_t i = 0; i < size_; ++i) {
    left[i] = weights[i] * by_mean;
    (left[i] < 1 ? below : above).push_back(i);
  }
  columns_.assign(size_, {kWhole, 0});
  while (!below.empty() && !above.empty()) {
    const std::uint32_t low = below.back();
    const std::uint32_t high = above.back();
    below.pop_back();
    columns_[low] = {static_cast<std::uint32_t>(left[low] * kWhole), high};
    left[high] -= 1 - left[low];
    if (left[high] >= 1) continue;
    above.pop_back();
    below.push_back(high);
  }
}

}  // namespace fusewire::balance

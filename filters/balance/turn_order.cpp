// SPDX-License-Identifier: Apache-2.0
#include "filters/balance/turn_order.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace fusewire::balance {

namespace {

// How many turns each has.
std::vector<std::uint32_t> turns_of(const std::vector<std::uint32_t>& weights) {
  std::uint32_t divisor = 0;
  for (const std::uint32_t weight : weights) divisor = std::gcd(divisor, weight);
  const double total = std::accumulate(weights.begin(), weights.end(), 0.0) / divisor;
  const double limit = std::max<double>(TurnOrder::kMaxTurns, 16.0 * static_cast<double>(weights.size()));
  const double scale = std::min(1.0, limit / total) / divisor;
  std::vector<std::uint32_t> turns;
  turns.reserve(weights.size());
  for (const std::uint32_t weight : weights)
    turns.push_back(std::max(1U, static_cast<std::uint32_t>(std::lround(weight * scale))));
  return turns;
}

struct Turn {
  double due = 0;  // 0 to 1
  std::uint32_t member = 0;
};

}  // namespace

// Each member's turns are equally far apart. Where its first one lies differs by the golden ratio from member to
// member, so that those with few turns do not come all at once.
TurnOrder::TurnOrder(const std::vector<std::uint32_t>& weights) {
  constexpr double kGolden = 0.6180339887498949;
  const auto turns = turns_of(weights);
  turns_ = std::accumulate(turns.begin(), turns.end(), 0U);
  if (turns_ == turns.size()) return;
  std::vector<Turn> all;
  all.reserve(turns_);
  for (std::uint32_t member = 0; member < turns.size(); ++member) {
    double whole = 0;
    const double first = std::modf(0.5 + member * kGolden, &whole);
    for (std::uint32_t n = 0; n < turns[member]; ++n) all.push_back({(n + first) / turns[member], member});
  }
  std::stable_sort(all.begin(), all.end(), [](const Turn& a, const Turn& b) { return a.due < b.due; });
  order_.reserve(turns_);
  for (const Turn& turn : all) order_.push_back(turn.member);
}

}  // namespace fusewire::balance

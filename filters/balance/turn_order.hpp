// SPDX-License-Identifier: Apache-2.0
// The order in which members take turns, so that each has turns in proportion to its weight, spread evenly: what
// nginx's smooth weighted round robin gives, made once instead of step by step. Immutable once built.
#pragma once

#include <cstdint>
#include <vector>

namespace fusewire::balance {

class TurnOrder {
 public:
  TurnOrder() = default;
  // Weights of at least 1. Shares are exact where the weights, divided by their greatest common divisor, add up to no
  // more than kMaxTurns, or 16 for each member; else they are rounded to that many turns, each member having one.
  explicit TurnOrder(const std::vector<std::uint32_t>& weights);

  static constexpr std::uint32_t kMaxTurns = 4096;

  std::uint32_t turns() const noexcept { return turns_; }
  std::uint32_t at(std::uint32_t turn) const noexcept { return order_.empty() ? turn : order_[turn]; }

 private:
  std::uint32_t turns_ = 0;
  std::vector<std::uint32_t> order_;  // empty: all weigh the same, and each member has one turn
};

}  // namespace fusewire::balance

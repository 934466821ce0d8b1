// SPDX-License-Identifier: Apache-2.0
#include "filters/balance/turn_order.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

using namespace fusewire::balance;

namespace {

std::vector<std::uint32_t> counts(const TurnOrder& order, std::size_t members) {
  std::vector<std::uint32_t> found(members);
  for (std::uint32_t turn = 0; turn < order.turns(); ++turn) ++found.at(order.at(turn));
  return found;
}

// By how many turns a member is ahead of or behind its share at most, over two rounds.
double largest_error(const TurnOrder& order, const std::vector<std::uint32_t>& weights) {
  const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  std::vector<double> had(weights.size());
  double largest = 0;
  for (std::uint32_t turn = 0; turn < 2 * order.turns(); ++turn) {
    had.at(order.at(turn % order.turns())) += 1;
    for (std::size_t i = 0; i < weights.size(); ++i)
      largest = std::max(largest, std::abs(had[i] - (turn + 1) * weights[i] / total));
  }
  return largest;
}

}  // namespace

TEST_CASE("members of one weight take turns one after the other") {
  for (const std::uint32_t weight : {1U, 7U}) {
    const TurnOrder order({weight, weight, weight});
    CHECK(order.turns() == 3);
    for (std::uint32_t turn = 0; turn < 3; ++turn) CHECK(order.at(turn) == turn);
  }
}

TEST_CASE("members have turns in proportion to their weights, exactly") {
  CHECK(counts(TurnOrder({5, 1, 1}), 3) == std::vector<std::uint32_t>{5, 1, 1});
  CHECK(counts(TurnOrder({100, 50, 25}), 3) == std::vector<std::uint32_t>{4, 2, 1});
  CHECK(counts(TurnOrder({999, 1}), 2) == std::vector<std::uint32_t>{999, 1});
}

TEST_CASE("turns are spread evenly") {
  for (const auto& weights :
       {std::vector<std::uint32_t>{5, 1, 1}, {3, 2, 1}, {10, 10, 1}, {100, 1}, {7, 5, 3, 2, 1}, {1, 2, 3, 4, 5, 6, 7}})
    CHECK(largest_error(TurnOrder(weights), weights) < 2);
}

TEST_CASE("the turns of the lighter ones lie between those of the heavy one") {
  const TurnOrder order({5, 1, 1});
  std::uint32_t in_a_row = 0;
  std::uint32_t longest = 0;
  for (std::uint32_t turn = 0; turn < 2 * order.turns(); ++turn) {
    in_a_row = order.at(turn % order.turns()) == 0 ? in_a_row + 1 : 0;
    longest = std::max(longest, in_a_row);
  }
  CHECK(longest <= 4);
}

TEST_CASE("large weights are rounded, and no member is left out") {
  std::vector<std::uint32_t> weights(1000);
  for (std::uint32_t i = 0; i < 1000; ++i) weights[i] = 1 + i * 7919 % 1000;
  weights[0] = 1000003;
  const auto found = counts(TurnOrder(weights), weights.size());
  CHECK(std::accumulate(found.begin(), found.end(), 0U) < 18000);
  CHECK(*std::min_element(found.begin(), found.end()) >= 1);
  CHECK(found[0] > 10000);
}

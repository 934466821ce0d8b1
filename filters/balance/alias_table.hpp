// SPDX-License-Identifier: Apache-2.0
// Draws an index with a probability in proportion to its weight, in O(1): Walker's alias method as Vose builds it
// (A linear algorithm for generating random numbers with a given distribution, 1991). Immutable once built.
#pragma once

#include <cstdint>
#include <vector>

#include "filters/balance/random.hpp"

namespace fusewire::balance {

class AliasTable {
 public:
  AliasTable() = default;
  // Weights of 0 are never drawn; at least one is above 0.
  explicit AliasTable(const std::vector<std::uint32_t>& weights);

  std::uint32_t draw(Random& random) const noexcept {
    const std::uint64_t bits = random.next();
    const std::uint32_t at = Random::scale(static_cast<std::uint32_t>(bits >> 32), size_);
    if (columns_.empty()) return at;  // all weigh the same
    const Column& column = columns_[at];
    return static_cast<std::uint32_t>(bits) <= column.keep ? at : column.alias;
  }

 private:
  struct Column {
    std::uint32_t keep = 0;  // share of the column that is its own, of 2^32
    std::uint32_t alias = 0;
  };

  std::uint32_t size_ = 0;
  std::vector<Column> columns_;
};

}  // namespace fusewire::balance

// SPDX-License-Identifier: Apache-2.0
// Counts the last N calls, and those of them that are marked: a ring of (tag, outcome) words and a running sum from
// which the displaced word is subtracted, so that reading costs one load. Words of another tag (an older generation)
// count for nothing. Thread-safe, lock-free; while writers are at work the sum may lag by their calls.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "filters/breaker/core/time_ring.hpp"

namespace fusewire::breaker {

class CountRing {
 public:
  static constexpr std::uint32_t kLargest = (1U << 20) - 1;

  explicit CountRing(std::uint32_t size);  // 1..kLargest

  void add(std::uint32_t tag, bool marked) noexcept;
  Tally sum(std::uint32_t tag) const noexcept;

 private:
  std::int64_t reserve(std::uint32_t tag) noexcept;
  void apply(std::uint32_t tag, int total, int marked) noexcept;

  std::uint32_t size_;
  std::atomic<std::uint64_t> head_{0};  // tag:22 | calls so far:42
  std::atomic<std::uint64_t> sum_{0};   // tag:22 | total:21 | marked:21, both of them signed
  std::unique_ptr<std::atomic<std::uint32_t>[]> words_;
};

}  // namespace fusewire::breaker

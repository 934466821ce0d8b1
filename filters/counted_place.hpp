// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

#include "filters/acquire_one.hpp"

namespace fusewire {

// A place among those of which there is a limited number at a time: of an upstream's calls that go on without a client,
// of its background refreshes. Used by one thread; the count is shared by all, and outlives the place.
class CountedPlace {
 public:
  explicit CountedPlace(std::atomic<std::uint32_t>* count) noexcept : count_(count) {}
  CountedPlace(CountedPlace&& other) noexcept : count_(other.count_), counted_(std::exchange(other.counted_, false)) {}
  CountedPlace& operator=(CountedPlace&&) = delete;
  ~CountedPlace() { leave(); }

  bool enter(std::uint32_t limit) noexcept {
    if (!counted_) counted_ = count_ != nullptr && acquire_one(*count_, limit);
    return counted_;
  }
  void leave() noexcept {
    if (std::exchange(counted_, false)) count_->fetch_sub(1, std::memory_order_relaxed);
  }

 private:
  std::atomic<std::uint32_t>* count_;
  bool counted_ = false;
};

}  // namespace fusewire

// SPDX-License-Identifier: Apache-2.0
// A limited number of places, counted by all threads together.
#pragma once

#include <atomic>
#include <cstdint>

namespace fusewire {

// Counts one more in use. Never exceeds `max`, not even briefly. False: all are in use.
inline bool acquire_one(std::atomic<std::uint32_t>& used, std::uint32_t max) noexcept {
  auto now = used.load(std::memory_order_relaxed);
  while (now < max)
    if (used.compare_exchange_weak(now, now + 1, std::memory_order_relaxed)) return true;
  return false;
}

}  // namespace fusewire

// SPDX-License-Identifier: Apache-2.0
#include "filters/cache/invalidations.hpp"

namespace fusewire::cache {

// Never back: of two at once, the later serial stays.
void Invalidations::raise(Last& last) noexcept {
  const std::uint64_t serial = serial_.fetch_add(1, std::memory_order_acq_rel) + 1;
  std::uint64_t before = last.load(std::memory_order_relaxed);
  while (before < serial && !last.compare_exchange_weak(before, serial, std::memory_order_acq_rel)) {
  }
}

}  // namespace fusewire::cache

// SPDX-License-Identifier: Apache-2.0
#include "filters/cache/invalidations.hpp"

#include <functional>

namespace fusewire::cache {

void Invalidations::note(std::string_view uri) noexcept {
  const std::uint64_t serial = serial_.fetch_add(1, std::memory_order_acq_rel) + 1;
  hashes_[serial % kRemembered].store(std::hash<std::string_view>{}(uri), std::memory_order_release);
}

bool Invalidations::since(std::uint64_t serial, std::string_view uri) const noexcept {
  const std::uint64_t now = serial_.load(std::memory_order_acquire);
  if (now - serial > kRemembered) return true;
  const std::uint64_t hash = std::hash<std::string_view>{}(uri);
  for (std::uint64_t i = serial + 1; i <= now; ++i)
    if (hashes_[i % kRemembered].load(std::memory_order_acquire) == hash) return true;
  return false;
}

}  // namespace fusewire::cache

// SPDX-License-Identifier: Apache-2.0
// The latest invalidations, so that an answer asked for before a change is not stored after it.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

namespace fusewire::cache {

// Thread-safe. The order that makes it work: an invalidation is noted here first and removes from its shard after; an
// insertion looks here with that shard locked. So it either sees the note, or is itself removed.
class Invalidations {
 public:
  // Counts invalidations.
  std::uint64_t serial() const noexcept { return serial_.load(std::memory_order_acquire); }

  void note(std::string_view uri) noexcept;
  // Everything at once.
  void note_all() noexcept { serial_.fetch_add(kRemembered + 1, std::memory_order_acq_rel); }

  // Whether the URI may have been invalidated after `serial`. Says yes too when that is longer ago than remembered.
  bool since(std::uint64_t serial, std::string_view uri) const noexcept;

 private:
  static constexpr std::uint64_t kRemembered = 256;

  std::atomic<std::uint64_t> serial_{0};
  std::array<std::atomic<std::uint64_t>, kRemembered> hashes_{};  // by serial modulo kRemembered
};

}  // namespace fusewire::cache

// SPDX-License-Identifier: Apache-2.0
// When each URI was invalidated last, so that an answer asked for before a change is not stored after it.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

#include "filters/keyed_hash.hpp"

namespace fusewire::cache {

// Thread-safe. The order that makes it work: an invalidation is noted here first and removes from its shard after; an
// insertion looks here with that shard locked. So it either sees the note, or is itself removed.
class Invalidations {
 public:
  // Clients choose the URIs: with a random key none finds one that shares its place with another.
  explicit Invalidations(HashKey key) noexcept : hash_(key) {}

  // Counts invalidations.
  std::uint64_t serial() const noexcept { return serial_.load(std::memory_order_acquire); }

  // `of`: whose, by its address; nullptr: everybody's.
  void note(std::string_view uri, const void* of) noexcept { raise(last_[index(uri, of)]); }
  // Everything at once.
  void note_all() noexcept { raise(all_); }

  // Whether the URI was invalidated after `serial`. It is also true when a URI with the same hash was.
  bool since(std::uint64_t serial, std::string_view uri, const void* of) const noexcept {
    return is_after(last_[index(uri, of)], serial) || is_after(last_[index(uri, nullptr)], serial) ||
           is_after(all_, serial);
  }

 private:
  using Last = std::atomic<std::uint64_t>;  // a serial
  static constexpr std::size_t kSlots = 4096;

  static bool is_after(const Last& last, std::uint64_t serial) noexcept {
    return last.load(std::memory_order_acquire) > serial;
  }
  std::size_t index(std::string_view uri, const void* of) const noexcept {
    return (hash_(uri) + reinterpret_cast<std::uintptr_t>(of) / 64) % kSlots;
  }
  void raise(Last&) noexcept;

  const KeyedHash hash_;
  std::atomic<std::uint64_t> serial_{0};
  Last all_{0};
  std::array<Last, kSlots> last_{};
};

}  // namespace fusewire::cache

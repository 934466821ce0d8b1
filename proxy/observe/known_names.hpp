// SPDX-License-Identifier: Apache-2.0
// Which names a worker's chunk of the journal has already.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>

namespace fusewire::proxy {

// One worker's, on its thread. Whose names they are is said by one or two addresses of what has them; a place serves
// several, of which the last one holds it. What is forgotten is written once more. What goes away without clear() must
// be given as `alive`: its memory is no other's before this has forgotten it, if it was made by make_shared.
class KnownNames {
 public:
  // 0: not known.
  std::uint16_t find(const void* owner, const void* part = nullptr) const {
    const Entry& entry = entries_[place(owner, part)];
    return entry.owner == owner && entry.part == part ? entry.at : std::uint16_t{0};
  }
  void keep(std::uint16_t at, const void* owner, const void* part = nullptr, std::weak_ptr<const void> alive = {}) {
    entries_[place(owner, part)] = {owner, part, std::move(alive), at};
  }
  // Another chunk, or another configuration.
  void clear() { entries_.fill({}); }

 private:
  struct Entry {
    const void* owner = nullptr;
    const void* part = nullptr;
    std::weak_ptr<const void> alive{};
    std::uint16_t at = 0;
  };
  static constexpr std::size_t kPlaces = 64;

  static std::size_t place(const void* owner, const void* part) {
    const auto mixed = reinterpret_cast<std::uintptr_t>(owner) + reinterpret_cast<std::uintptr_t>(part) * 3;
    return (mixed >> 4 ^ mixed >> 10) % kPlaces;
  }

  std::array<Entry, kPlaces> entries_{};
};

}  // namespace fusewire::proxy

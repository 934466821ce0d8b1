// SPDX-License-Identifier: Apache-2.0
// A fast 64-bit hash of a header, a cookie, an address. It is the same in each process and replica (of one byte order),
// so that all of them send a key to the same place; it does not resist those who look for collisions.
#pragma once

#include <cstring>
#include <string_view>

#include "filters/balance/random.hpp"

namespace fusewire::balance {

inline std::uint64_t hash_of(std::string_view text) noexcept {
  constexpr std::uint64_t kFactor = 0x9e3779b97f4a7c15U;
  std::uint64_t hash = text.size() * kFactor;
  while (!text.empty()) {
    const std::size_t size = text.size() < 8 ? text.size() : 8;
    std::uint64_t word = 0;
    std::memcpy(&word, text.data(), size);
    hash = (hash ^ mix64(word)) * kFactor;
    text.remove_prefix(size);
  }
  return mix64(hash);
}

}  // namespace fusewire::balance

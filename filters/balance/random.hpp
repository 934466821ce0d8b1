// SPDX-License-Identifier: Apache-2.0
// Random numbers for choices that need to be fast and even, not secret: splitmix64 (Steele, Lea, Flood 2014).
#pragma once

#include <cstdint>

namespace fusewire::balance {

// Every bit of the result depends on every bit of `x`; a bijection.
constexpr std::uint64_t mix64(std::uint64_t x) noexcept {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31);
}

// A worker's generator: one for all its pickers. One thread.
class Random {
 public:
  explicit constexpr Random(std::uint64_t seed) noexcept : state_(mix64(seed)) {}

  constexpr std::uint64_t next() noexcept { return mix64(state_ += kStep); }

  // From 0 to n - 1, for n >= 1; the bias is below n / 2^32.
  constexpr std::uint32_t below(std::uint32_t n) noexcept { return scale(static_cast<std::uint32_t>(next() >> 32), n); }

  // `bits` as a share of 2^32, scaled to 0 to n - 1.
  static constexpr std::uint32_t scale(std::uint32_t bits, std::uint32_t n) noexcept {
    return static_cast<std::uint32_t>((std::uint64_t{bits} * n) >> 32);
  }

 private:
  static constexpr std::uint64_t kStep = 0x9e3779b97f4a7c15U;
  std::uint64_t state_;
};

}  // namespace fusewire::balance

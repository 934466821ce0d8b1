// SPDX-License-Identifier: Apache-2.0
// Durations for tests of the latency histogram.
#pragma once

#include <chrono>
#include <cmath>
#include <cstdint>
#include <random>

namespace fusewire::test {

inline double ms(std::chrono::nanoseconds value) { return static_cast<double>(value.count()) / 1e6; }

// From 0.1 ms to 3 hours, every order of magnitude as often.
inline std::chrono::nanoseconds any_latency(std::mt19937_64& random) {
  const double exponent = std::uniform_real_distribution<double>(5, 13)(random);
  return std::chrono::nanoseconds(static_cast<std::int64_t>(std::pow(10.0, exponent)));
}

}  // namespace fusewire::test

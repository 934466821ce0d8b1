// SPDX-License-Identifier: Apache-2.0
// Time that passes when the test says so. The linker puts this clock in the place of std::chrono::steady_clock::now()
// (wrapped_symbols.txt), and numbers from a seed in the place of std::random_device's, so that a run can be repeated.
#pragma once

#include <cstdint>

#include "filters/time.hpp"

namespace fusewire::testing {

// While one lives it is the process' only clock; there is one at a time. One thread.
class VirtualClock {
 public:
  explicit VirtualClock(std::uint64_t seed);
  ~VirtualClock();
  VirtualClock(const VirtualClock&) = delete;
  VirtualClock& operator=(const VirtualClock&) = delete;

  Time now() const;
  void advance_to(Time);  // never back
};

}  // namespace fusewire::testing

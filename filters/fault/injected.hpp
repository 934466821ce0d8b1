// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "filters/time.hpp"

namespace fusewire::fault {

// In the place of a status: the endpoint closes the connection.
inline constexpr std::uint16_t kReset = 1;

// What a fault does to one attempt, as it was drawn when the attempt began.
struct Injected {
  std::uint32_t delay_ms = 0;  // before anything is sent; 0 = none
  std::uint16_t abort = 0;     // the status, or kReset, that the endpoint seems to answer with; 0 = none

  bool delays() const noexcept { return delay_ms != 0; }
  bool aborts() const noexcept { return abort != 0; }
  bool any() const noexcept { return delays() || aborts(); }
  milliseconds delay() const noexcept { return milliseconds{delay_ms}; }
  bool operator==(const Injected&) const = default;
};

}  // namespace fusewire::fault

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "filters/fault/injected.hpp"
#include "filters/time.hpp"

namespace fusewire::fault {

// How many attempts of an upstream were injected with each.
struct Counts {
  std::uint64_t delayed = 0;
  std::uint64_t aborted = 0;
};

// What is injected into the attempts of one upstream, for a game day (PUT /admin/faults). A plain value.
struct Fault {
  milliseconds delay{0};       // up to a minute; 0 = none
  double delay_percent = 100;  // of attempts; above 0, up to 100
  std::uint16_t abort = 0;     // a status from 400 to 599, or kReset; 0 = none
  double abort_percent = 100;  // as delay_percent; the two are drawn for independently
  Time since{};
  Time until{};     // it ends by itself then
  Counts before{};  // those of the upstream when it was set

  bool is_over(Time now) const noexcept { return now >= until; }
};

// What the fault does where `delay_draw` and `abort_draw` are drawn, evenly out of all values.
Injected decide(const Fault&, std::uint32_t delay_draw, std::uint32_t abort_draw) noexcept;

}  // namespace fusewire::fault

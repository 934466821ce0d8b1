// SPDX-License-Identifier: Apache-2.0
#include "filters/fault/fault.hpp"

#include <cmath>

namespace fusewire::fault {
namespace {

constexpr double kAll = 4294967296.0;  // draws

bool hits(double percent, std::uint32_t draw) noexcept {
  return static_cast<double>(draw) < std::ceil(percent / 100 * kAll);
}

}  // namespace

Injected decide(const Fault& fault, std::uint32_t delay_draw, std::uint32_t abort_draw) noexcept {
  Injected injected;
  if (fault.delay.count() > 0 && hits(fault.delay_percent, delay_draw))
    injected.delay_ms = static_cast<std::uint32_t>(fault.delay.count());
  if (fault.abort != 0 && hits(fault.abort_percent, abort_draw)) injected.abort = fault.abort;
  return injected;
}

}  // namespace fusewire::fault

// SPDX-License-Identifier: Apache-2.0
// When a thing is done again and again by many who are not to do it in step: the replicas behind one name, many
// sidecars at one service. `random`: any number.
#pragma once

#include <cstdint>

#include "filters/time.hpp"

namespace fusewire::health {

// From 0 up to 1, without 1.
constexpr double share_of(std::uint64_t random) noexcept {
  return static_cast<double>(random >> 11) / static_cast<double>(std::uint64_t{1} << 53);
}

// The first time: at any moment of the interval.
inline Time first_after(Time now, milliseconds interval, std::uint64_t random) noexcept {
  return now + std::chrono::duration_cast<Time::duration>(interval * share_of(random));
}

// The time after one that has begun then: an interval later, give or take a tenth.
inline Time next_after(Time begun, milliseconds interval, std::uint64_t random) noexcept {
  return begun + std::chrono::duration_cast<Time::duration>(interval * (0.9 + 0.2 * share_of(random)));
}

}  // namespace fusewire::health

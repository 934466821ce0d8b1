// SPDX-License-Identifier: Apache-2.0
// The time types of the whole program: a steady clock for durations, a wall clock for dates. Nothing here calls now().
#pragma once

#include <chrono>

namespace fusewire {

using Time = std::chrono::steady_clock::time_point;
using WallTime = std::chrono::system_clock::time_point;
using std::chrono::milliseconds;

inline constexpr Time kNever = Time::max();

}  // namespace fusewire

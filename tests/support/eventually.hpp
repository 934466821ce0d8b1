// SPDX-License-Identifier: Apache-2.0
// The only way in which a test waits: for a condition, with a limit that a slow and loaded machine never reaches.
#pragma once

#include <chrono>
#include <thread>

namespace fusewire::testing {

using std::chrono::milliseconds;
using namespace std::chrono_literals;

inline constexpr milliseconds kPatience = 20s;

// True as soon as `condition()` is; false when it still is not after `limit` and that many looks: a machine that stood
// still for a while has not given the others their time.
template <class Condition>
bool eventually(Condition condition, milliseconds limit = kPatience) {
  constexpr milliseconds kPause = 2ms;
  const auto until = std::chrono::steady_clock::now() + limit;
  for (auto looks = limit / kPause / 10; !condition(); --looks) {
    if (looks <= 0 && std::chrono::steady_clock::now() >= until) return false;
    std::this_thread::sleep_for(kPause);
  }
  return true;
}

// How long `action()` took.
template <class Action>
milliseconds time_of(Action action) {
  const auto start = std::chrono::steady_clock::now();
  action();
  return std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - start);
}

}  // namespace fusewire::testing

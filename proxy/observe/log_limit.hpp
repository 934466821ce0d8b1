// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>

namespace fusewire::proxy {

// Allows at most one line a second for an event that peers can cause as often as they like. One thread.
class LogLimit {
 public:
  bool pass(std::chrono::steady_clock::time_point now) {
    if (now < next_) return false;
    next_ = now + std::chrono::seconds(1);
    return true;
  }

 private:
  std::chrono::steady_clock::time_point next_{};
};

}  // namespace fusewire::proxy

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>

namespace fusewire::proxy {

// Allows at most one line in each interval for an event that peers can cause as often as they like. One thread.
class LogLimit {
 public:
  explicit LogLimit(std::chrono::seconds interval = std::chrono::seconds(1)) : interval_(interval) {}

  bool pass(std::chrono::steady_clock::time_point now) {
    if (now < next_) return false;
    next_ = now + interval_;
    return true;
  }

 private:
  std::chrono::seconds interval_;
  std::chrono::steady_clock::time_point next_{};
};

}  // namespace fusewire::proxy

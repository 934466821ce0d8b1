// SPDX-License-Identifier: Apache-2.0
// Puts the events of one breaker into the order of its generations. The thread that wins a transition reports
// it a moment later, and within that moment another thread may have won the next one and reported that.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

#include "filters/breaker/core/state_word.hpp"
#include "filters/breaker/core/types.hpp"

namespace fusewire::proxy {

// Thread-safe (a mutex: transitions are rare). Every generation begins with one event, so an event whose predecessor
// has not been delivered waits here until another thread delivers it.
class EventOrder {
 public:
  explicit EventOrder(std::uint32_t last = 0) : last_(last) {}

  // Calls `deliver` for each event that is in order now, this one or others.
  template <class Deliver>
  void bring(const breaker::Event& event, Deliver deliver) {
    const std::lock_guard lock(mutex_);
    early_.insert(std::find_if(early_.begin(), early_.end(), [&](const auto& one) { return is_newer(one, event); }),
                  event);
    while (!early_.empty() && (!is_early(early_.front()) || early_.size() > kMaxEarly)) {
      const breaker::Event next = early_.front();
      early_.erase(early_.begin());
      if (breaker::newer_generation(next.generation, last_)) last_ = next.generation;
      deliver(next);
    }
  }

 private:
  static constexpr std::size_t kMaxEarly = 8;  // held at most: an event that never comes does not stop the others

  static bool is_newer(const breaker::Event& a, const breaker::Event& b) {
    return breaker::newer_generation(a.generation, b.generation);
  }
  bool is_early(const breaker::Event& event) const {
    return breaker::newer_generation(event.generation, (last_ + 1) & breaker::kGenerationMask);
  }

  std::mutex mutex_;
  std::uint32_t last_;                 // the generation of the last event
  std::vector<breaker::Event> early_;  // by generation
};

}  // namespace fusewire::proxy

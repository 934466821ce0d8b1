// SPDX-License-Identifier: Apache-2.0
// Puts the events of one breaker into the order of its generations. Whoever wins a transition tells of it a moment
// later, and within that moment another thread may have won the next one and told of that.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

#include "filters/breaker/core/state_word.hpp"
#include "filters/breaker/core/types.hpp"

namespace fusewire::proxy {

// Thread-safe (a mutex: transitions are rare). Every generation begins with one event, so one whose predecessor has not
// been told waits here for the thread that is about to bring that.
class EventOrder {
 public:
  explicit EventOrder(std::uint32_t told = 0) : told_(told) {}

  // Calls `tell` for all that is in order now, this event or others.
  template <class Tell>
  void bring(const breaker::Event& event, Tell tell) {
    const std::lock_guard lock(mutex_);
    early_.insert(std::find_if(early_.begin(), early_.end(), [&](const auto& one) { return is_newer(one, event); }),
                  event);
    while (!early_.empty() && (!is_early(early_.front()) || early_.size() > kMost)) {
      const breaker::Event next = early_.front();
      early_.erase(early_.begin());
      if (breaker::newer_generation(next.generation, told_)) told_ = next.generation;
      tell(next);
    }
  }

 private:
  static constexpr std::size_t kMost = 8;  // that wait: should one never come, the others are told all the same

  static bool is_newer(const breaker::Event& a, const breaker::Event& b) {
    return breaker::newer_generation(a.generation, b.generation);
  }
  bool is_early(const breaker::Event& event) const {
    return breaker::newer_generation(event.generation, (told_ + 1) & breaker::kGenerationMask);
  }

  std::mutex mutex_;
  std::uint32_t told_;                 // the generation of the last event
  std::vector<breaker::Event> early_;  // by generation
};

}  // namespace fusewire::proxy

// SPDX-License-Identifier: Apache-2.0
// An endpoint's places: so many requests are served at a time, the others wait in one line, first come, first served.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <vector>

namespace chaos {

class Places {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // When a request that comes now will have been served. It keeps its place whatever its client does meanwhile: as a
  // server does that computes and looks at its connection only afterwards. `places` 0 = no bound.
  Time book(Time now, unsigned places, Time::duration service) {
    if (places == 0) return now + service;
    if (free_at_.size() != places) free_at_.assign(places, now);
    std::pop_heap(free_at_.begin(), free_at_.end(), std::greater<>());
    Time& soonest = free_at_.back();
    soonest = std::max(soonest, now) + service;
    const Time end = soonest;
    std::push_heap(free_at_.begin(), free_at_.end(), std::greater<>());
    return end;
  }

  void clear() { free_at_.clear(); }

 private:
  std::vector<Time> free_at_;  // a heap, the soonest on top
};

}  // namespace chaos

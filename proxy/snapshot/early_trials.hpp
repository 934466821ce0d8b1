// SPDX-License-Identifier: Apache-2.0
// When a request that all endpoints' breakers would reject may find out whether one of them has healed: one request of
// all workers' at first soon, then less and less often, so that each endpoint has its turn. Thread-safe.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "filters/time.hpp"

namespace fusewire::proxy {

class EarlyTrials {
 public:
  bool is_due(Time now) const { return ticks(now) >= next_.load(std::memory_order_relaxed); }
  // True for the one that is to try. With many endpoints trials stay frequent.
  bool take(Time now, std::size_t endpoints) {
    std::int64_t next = next_.load(std::memory_order_relaxed);
    const std::int64_t longest = std::clamp(kRound / static_cast<std::int64_t>(endpoints), kSoon, kRarely);
    const std::int64_t pause = std::clamp(pause_.load(std::memory_order_relaxed) * 2, kSoon, longest);
    if (ticks(now) < next || !next_.compare_exchange_strong(next, ticks(now) + pause, std::memory_order_relaxed))
      return false;
    pause_.store(pause, std::memory_order_relaxed);
    return true;
  }
  // An endpoint can be asked: the next time that none can, the first trial comes soon again.
  void forget() {
    if (pause_.load(std::memory_order_relaxed) != 0) pause_.store(0, std::memory_order_relaxed);
  }
  std::size_t next_turn() { return turn_.fetch_add(1, std::memory_order_relaxed); }

 private:
  static constexpr std::int64_t kSoon = Time::duration(milliseconds(200)).count();
  static constexpr std::int64_t kRarely = Time::duration(milliseconds(1600)).count();
  static constexpr std::int64_t kRound = Time::duration(milliseconds(3200)).count();  // one trial for each endpoint
  static std::int64_t ticks(Time time) { return time.time_since_epoch().count(); }

  std::atomic<std::int64_t> next_{0};   // not before that
  std::atomic<std::int64_t> pause_{0};  // between the last two; 0: none since an endpoint could be asked
  std::atomic<std::size_t> turn_{0};
};

}  // namespace fusewire::proxy

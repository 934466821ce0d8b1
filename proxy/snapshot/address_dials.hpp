// SPDX-License-Identifier: Apache-2.0
// What all workers know of the dials to one address. Thread-safe.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <optional>

#include "filters/time.hpp"

namespace fusewire::proxy {

class AddressDials {
 public:
  // How long an answer takes; nullopt: there was none yet.
  std::optional<Time::duration> usual() const {
    const std::int64_t ticks = usual_.load(std::memory_order_relaxed);
    return ticks == 0 ? std::nullopt : std::optional(Time::duration(ticks));
  }
  // What is quicker than usual counts at once; what is slower may be our own doing, and counts an eighth. Of two
  // notes made at the same time one may be lost.
  void note_usual(Time::duration took) {
    const std::int64_t ticks = std::max<std::int64_t>(took.count(), 1);
    const std::int64_t before = usual_.load(std::memory_order_relaxed);
    usual_.store(before == 0 || ticks < before ? ticks : before + (ticks - before) / 8, std::memory_order_relaxed);
  }

  void note_answer(Time now) { last_answer_.store(now.time_since_epoch().count(), std::memory_order_relaxed); }
  bool has_answered_since(Time time) const {
    return last_answer_.load(std::memory_order_relaxed) > time.time_since_epoch().count();
  }

  // True for the one worker that is to make a trial; the next one may be made after `pause`.
  bool take_trial(Time now, Time::duration pause) {
    const std::int64_t ticks = now.time_since_epoch().count();
    std::int64_t next = next_trial_.load(std::memory_order_relaxed);
    return ticks >= next && next_trial_.compare_exchange_strong(next, ticks + pause.count(), std::memory_order_relaxed);
  }

 private:
  std::atomic<std::int64_t> usual_{0};
  std::atomic<std::int64_t> last_answer_{0};
  std::atomic<std::int64_t> next_trial_{0};
};

}  // namespace fusewire::proxy

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
  // How long a connection takes; nullopt: there was none yet.
  std::optional<Time::duration> usual() const {
    const std::int64_t usual = usual_.load(std::memory_order_relaxed);
    return usual == 0 ? std::nullopt : std::optional(Time::duration(usual));
  }
  // What is slower than usual may be our own doing, and weighs half as much as what is quicker. Of two notes made at
  // the same time one may be lost.
  void note_connected(Time begun, Time now) {
    const std::int64_t took = (now - begun).count();
    const std::int64_t before = usual_.load(std::memory_order_relaxed);
    const std::int64_t beyond = took - before;
    const std::int64_t next = before == 0 ? took : before + beyond / (beyond > 0 ? 8 : 4);
    usual_.store(std::max<std::int64_t>(next, 1), std::memory_order_relaxed);
    note_answer(begun, now);
  }

  // It has accepted or refused a dial that was begun then.
  void note_answer(Time begun, Time now) {
    if (ticks(begun) > newest_answered_.load(std::memory_order_relaxed))
      newest_answered_.store(ticks(begun), std::memory_order_relaxed);
    if (pause_.load(std::memory_order_relaxed) != 0) {
      pause_.store(0, std::memory_order_relaxed);
      next_trial_.store(ticks(now) + kFirstPause, std::memory_order_relaxed);
    }
    open(now);
  }
  // Those that wait need not any more, wherever they are.
  void open(Time now) { last_answer_.store(ticks(now), std::memory_order_relaxed); }
  bool has_answered_since(Time time) const { return last_answer_.load(std::memory_order_relaxed) > ticks(time); }

  // A dial that was begun after that time is answered: one that was begun then and is not has lost its SYN.
  bool has_passed_over(Time begun) const { return newest_answered_.load(std::memory_order_relaxed) > ticks(begun); }

  // True for the one worker that is to make a trial. The next one comes soon, then less and less often.
  bool take_trial(Time now, Time::duration longest_pause) {
    std::int64_t next = next_trial_.load(std::memory_order_relaxed);
    const std::int64_t pause =
        std::min(std::max(pause_.load(std::memory_order_relaxed) * 4, kFirstPause), longest_pause.count());
    if (ticks(now) < next || !next_trial_.compare_exchange_strong(next, ticks(now) + pause, std::memory_order_relaxed))
      return false;
    pause_.store(pause, std::memory_order_relaxed);
    return true;
  }

 private:
  static constexpr std::int64_t kFirstPause = Time::duration(milliseconds(20)).count();
  static std::int64_t ticks(Time time) { return time.time_since_epoch().count(); }

  std::atomic<std::int64_t> usual_{0};
  std::atomic<std::int64_t> last_answer_{0};
  std::atomic<std::int64_t> newest_answered_{0};  // when it was begun
  std::atomic<std::int64_t> next_trial_{0};       // not before that
  std::atomic<std::int64_t> pause_{0};            // between the last two; 0: none since an answer
};

}  // namespace fusewire::proxy

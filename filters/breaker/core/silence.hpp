// SPDX-License-Identifier: Apache-2.0
// Whether an upstream has been silent for as long as a call has waited for it.
#pragma once

#include <atomic>
#include <cstdint>

#include "filters/breaker/core/state_word.hpp"

namespace fusewire::breaker {

// A breaker has one. It is asked when a client gives a call up and at no other time, so that calls that are answered
// pay nothing for it: each that is given up leaves a mark for those behind it. Lock-free. Two threads that ask at once
// may find a silence that is a little too long.
class Silence {
 public:
  // Calls whose slowness counts as a row must not all have begun at once (breaker.md, "A row in a busy stream"): so far
  // apart are those that one silence is found for.
  static constexpr Millis kApart = 5;

  // A call that waits since `since` is given up at `now`, when so many calls have been answered in all. True: none has
  // been since before it began.
  bool covers(Millis since, std::uint64_t answered, Millis now) noexcept {
    if (answered_.exchange(answered, std::memory_order_relaxed) != answered) {
      from_.store(now, std::memory_order_relaxed);
      return false;
    }
    if (from_.load(std::memory_order_relaxed) > since) return false;
    Millis last = found_.load(std::memory_order_relaxed);
    return now >= last + kApart && found_.compare_exchange_strong(last, now, std::memory_order_relaxed);
  }

 private:
  std::atomic<std::uint64_t> answered_{~std::uint64_t{0}};
  std::atomic<Millis> from_{0};
  std::atomic<Millis> found_{-kApart};
};

}  // namespace fusewire::breaker

// SPDX-License-Identifier: Apache-2.0
// A percentile of a LatencyWindow that each call may ask for.
#pragma once

#include <atomic>
#include <cstdint>

#include "filters/timeout/latency_window.hpp"

namespace fusewire {

// Thread-safe and lock-free. Reading a window costs microseconds, this some nanoseconds: the reading is kept for 100
// ms, and then the one call that finds it old and wins an exchange makes the next, while others go on with the old one.
// A reading of before the window was emptied, or of another percentile, is never given out: who finds one reads anew.
// So one object is for one percentile; with two that alternate it is right, but caches nothing.
class CachedPercentile {
 public:
  static constexpr std::int64_t kKeptMs = 100;

  LatencyWindow::Reading read(const LatencyWindow&, double p, Time now) noexcept;

 private:
  std::atomic<std::uint64_t> kept_{0};    // clears:16 | p:14, in 1/10,000 | bucket:9 | samples:25
  std::atomic<std::int64_t> read_at_{0};  // ms of the steady clock
};

}  // namespace fusewire

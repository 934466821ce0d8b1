// SPDX-License-Identifier: Apache-2.0
// A percentile of a LatencyWindow that each call may ask for.
#pragma once

#include <atomic>
#include <cstdint>

#include "filters/timeout/latency_window.hpp"

namespace fusewire {

// Thread-safe and lock-free. A reading of the window is kept for 100 ms. Of the calls that then find it old, the one
// that wins an exchange reads the window, and the others go on with the old reading. A reading from before the window
// was emptied, or of another percentile, is never given out: a call that finds one reads the window itself. So one
// object is for one percentile; with two that alternate it is right but saves nothing.
class CachedPercentile {
 public:
  static constexpr std::int64_t kKeptMs = 100;

  LatencyWindow::Reading read(const LatencyWindow&, double p, Time now) noexcept;

 private:
  std::atomic<std::uint64_t> kept_{0};    // clears:16 | p:14, in 1/10,000 | bucket:9 | samples:25
  std::atomic<std::int64_t> read_at_{0};  // ms of the steady clock
};

}  // namespace fusewire

// SPDX-License-Identifier: Apache-2.0
// An upstream's response timeout by its own latency (timeouts.adaptive), and after how long an attempt is late enough
// for a hedge (retries.hedge).
#pragma once

#include <cstdint>
#include <optional>

#include "config/config.hpp"
#include "filters/time.hpp"
#include "filters/timeout/cached_percentile.hpp"
#include "filters/timeout/latency_window.hpp"

namespace fusewire {

// Thread-safe and lock-free: one for each upstream that has it, owned by its state and shared by all workers; clear and
// set_window are for the control thread. Settings come with each call, because a route's may differ and a reload
// changes them; the window's length is the upstream's, set by set_window at a reload.
//
// A call asks value() when its attempt begins and records what came of it: answered() with the time from the request's
// last byte sent to the response's head, or timed_out() with the timeout that it had. What says nothing of how long an
// answer takes is not recorded: a connection that failed, a deadline shorter than this timeout, a client that left, a
// hedge that lost. Nor are quick errors: while an upstream is down they would shrink the timeout to its
// minimum, and the first slow answers after that would not be waited for.
//
// Invariant: with a multiplier of at least 1, timeouts alone never lower the value (LatencyWindow::record_timeout).
// Each makes it longer where they are more than the percentile leaves out, so it follows an upstream that grows slower,
// up to `max`; downwards it follows as the slow answers leave the window.
class AdaptiveTimeout {
 public:
  using Settings = config::AdaptiveTimeout;

  AdaptiveTimeout(milliseconds window, Time made) noexcept : window_(window, made) {}

  // percentile x multiplier, rounded up to whole ms, within min and max; `fallback` (timeouts.response) as it is while
  // there are too few samples.
  milliseconds value(const Settings&, milliseconds fallback, Time now) noexcept;

  void answered(std::chrono::nanoseconds latency, Time now) noexcept { window_.record(latency, now); }
  void timed_out(milliseconds timeout, Time now) noexcept { window_.record_timeout(timeout, now); }
  // Its hedge has answered after so long (AttemptTimeoutFilter).
  void superseded(std::chrono::nanoseconds waited, Time now) noexcept { window_.record_timeout(waited, now); }

  // How long this share of the answers took at most: when a hedge is sent. Absent below so many samples.
  std::optional<std::chrono::nanoseconds> longer_than(double share, std::uint64_t minimum_samples, Time now) noexcept;

  // On a reset of the upstream's breaker: the fallback holds again, from the next call on.
  void clear() noexcept { window_.clear(); }
  void set_window(milliseconds window) noexcept { window_.set_window(window); }

  // For other percentiles: admin, metrics.
  const LatencyWindow& window() const noexcept { return window_; }

 private:
  LatencyWindow window_;
  CachedPercentile percentile_;
  CachedPercentile hedge_percentile_;
};

}  // namespace fusewire

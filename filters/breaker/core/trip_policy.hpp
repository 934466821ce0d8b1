// SPDX-License-Identifier: Apache-2.0
// Should it? The second of the breaker's three questions: figures against thresholds, nothing else. A plain function of
// its arguments.
#pragma once

#include <optional>

#include "filters/breaker/core/settings.hpp"

namespace fusewire::breaker {

// Why to trip: value reached threshold.
struct Cause {
  Reason reason = Reason::consecutive_failures;
  double value = 0;
  double threshold = 0;
};

class TripPolicy {
 public:
  // `settings` outlives the policy.
  explicit TripPolicy(const Settings& settings) noexcept : settings_(settings) {}

  // After a call that ended: every detector, and the first one's reason in the table's order. `failure_count` is what
  // failure_count's own window holds, where it is on.
  std::optional<Cause> judge_ended(std::uint32_t streak, std::uint64_t failure_count,
                                   SlidingWindow::Moment) const noexcept;
  // After a call that turned slow: the slow-call rate only.
  std::optional<Cause> judge_slow(SlidingWindow::Moment) const noexcept;

 private:
  std::optional<Cause> judge_rate(Reason, Tally, double threshold) const noexcept;

  const Settings& settings_;
};

}  // namespace fusewire::breaker

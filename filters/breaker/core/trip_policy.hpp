// SPDX-License-Identifier: Apache-2.0
// Should it? The second of the breaker's three questions: figures against thresholds, nothing else. A plain function of
// its arguments.
#pragma once

#include <optional>

#include "filters/breaker/core/settings.hpp"
#include "filters/breaker/core/tagged.hpp"

namespace fusewire::breaker {

// Why to trip: value reached threshold.
struct Cause {
  Reason reason = Reason::consecutive_failures;
  double value = 0;
  double threshold = 0;
  std::optional<FailureKind> failure = std::nullopt;  // of the call that decided it
};

struct Rows {
  Streak::Value failures;
  Streak::Value slow_calls;
};

class TripPolicy {
 public:
  // `settings` outlives the policy.
  explicit TripPolicy(const Settings& settings) noexcept : settings_(settings) {}

  // After a call that ended: every detector, and the first one's reason in the table's order. `failure_count` is what
  // failure_count's own window holds, where it is on.
  std::optional<Cause> judge_ended(const Rows&, std::uint64_t failure_count, SlidingWindow::Moment) const noexcept;
  // After a call that turned slow: the row of slow calls and the slow-call rate.
  std::optional<Cause> judge_slow(Streak::Value row, SlidingWindow::Moment) const noexcept;

 private:
  bool is_no_coincidence(Streak::Value row, double chance, Tally window) const noexcept;
  std::optional<Cause> judge_rate(Reason, Tally, double threshold) const noexcept;

  const Settings& settings_;
};

}  // namespace fusewire::breaker

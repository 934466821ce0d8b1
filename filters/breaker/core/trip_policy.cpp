// SPDX-License-Identifier: Apache-2.0
#include "filters/breaker/core/trip_policy.hpp"

namespace fusewire::breaker {

std::optional<Cause> TripPolicy::judge_ended(std::uint32_t streak, std::uint64_t failure_count,
                                             SlidingWindow::Moment now) const noexcept {
  const Settings& s = settings_;
  if (s.consecutive_failures != 0 && streak >= s.consecutive_failures)
    return Cause{Reason::consecutive_failures, static_cast<double>(streak),
                 static_cast<double>(s.consecutive_failures)};
  if (s.failure_count != 0 && failure_count >= s.failure_count)
    return Cause{Reason::failure_count, static_cast<double>(failure_count), static_cast<double>(s.failure_count)};
  if (s.failure_rate > 0 && s.window->may_have_failures()) {
    if (const auto cause = judge_rate(Reason::failure_rate, s.window->ended(now), s.failure_rate)) return cause;
  }
  return judge_slow(now);
}

std::optional<Cause> TripPolicy::judge_slow(SlidingWindow::Moment now) const noexcept {
  if (settings_.slow_call_rate <= 0 || !settings_.window->may_have_slow()) return std::nullopt;
  return judge_rate(Reason::slow_call_rate, settings_.window->judged(now), settings_.slow_call_rate);
}

// A quotient, not a product: k/n and the threshold k/n as written in decimal round to the same double.
std::optional<Cause> TripPolicy::judge_rate(Reason reason, Tally tally, double threshold) const noexcept {
  if (tally.total < settings_.minimum_calls) return std::nullopt;
  const double rate = static_cast<double>(tally.marked) / static_cast<double>(tally.total);
  if (rate < threshold) return std::nullopt;
  return Cause{reason, rate, threshold};
}

}  // namespace fusewire::breaker

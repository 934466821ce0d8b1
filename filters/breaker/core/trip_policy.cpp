// SPDX-License-Identifier: Apache-2.0
#include "filters/breaker/core/trip_policy.hpp"

#include <algorithm>
#include <cmath>

namespace fusewire::breaker {

namespace {

bool is_long_enough(Streak::Value row, std::uint32_t threshold) noexcept {
  return threshold != 0 && row.calls >= threshold;
}

Cause row_cause(Reason reason, Streak::Value row, std::uint32_t threshold) noexcept {
  return {reason, static_cast<double>(row.calls), static_cast<double>(threshold)};
}

}  // namespace

std::optional<Cause> TripPolicy::judge_ended(const Rows& rows, std::uint64_t failure_count,
                                             SlidingWindow::Moment now) const noexcept {
  const Settings& s = settings_;
  const bool in_a_row = is_long_enough(rows.failures, s.consecutive_failures);
  Tally ended;
  if (in_a_row || (s.failure_rate > 0 && s.window->may_have_failures())) ended = s.window->ended(now);
  if (in_a_row && is_no_coincidence(rows.failures, s.failures_chance, ended))
    return row_cause(Reason::consecutive_failures, rows.failures, s.consecutive_failures);
  if (s.failure_count != 0 && failure_count >= s.failure_count)
    return Cause{Reason::failure_count, static_cast<double>(failure_count), static_cast<double>(s.failure_count)};
  if (s.failure_rate > 0) {
    if (const auto cause = judge_rate(Reason::failure_rate, ended, s.failure_rate)) return cause;
  }
  return judge_slow(rows.slow_calls, now);
}

std::optional<Cause> TripPolicy::judge_slow(Streak::Value row, SlidingWindow::Moment now) const noexcept {
  const Settings& s = settings_;
  if (!s.judges_slowness()) return std::nullopt;
  const bool in_a_row = is_long_enough(row, s.consecutive_slow_calls);
  if (!in_a_row && !s.window->may_have_slow()) return std::nullopt;
  const Tally judged = s.window->judged(now);
  if (in_a_row && is_no_coincidence(row, s.slow_calls_chance, judged))
    return row_cause(Reason::consecutive_slow_calls, row, s.consecutive_slow_calls);
  return judge_rate(Reason::slow_call_rate, judged, s.slow_call_rate);
}

// In a busy stream a row of n counts when fewer than `chance` such rows are to be expected of calls that fail (are
// slow) as often as those beside it do, and when it is not one event: timeouts that come due together. The row's own
// calls are among the window's newest marks; those of them that have aged are in neither figure. A row of 65,535 or
// more is no coincidence, and how many of the marks are its own is not known.
bool TripPolicy::is_no_coincidence(Streak::Value row, double chance, Tally window) const noexcept {
  if (chance <= 0 || row.calls == Streak::kMaxCalls) return true;
  const std::uint64_t own = std::min<std::uint64_t>(row.calls, window.marked);
  const std::uint64_t beside = window.total - own;
  if (beside < settings_.window->busy_from()) return true;
  if (!row.spread) return false;
  const double share = static_cast<double>(window.marked - own) / static_cast<double>(beside);
  return static_cast<double>(beside) * std::pow(share, static_cast<double>(row.calls)) < chance;
}

// A quotient, not a product: k/n and the threshold k/n as written in decimal round to the same double.
std::optional<Cause> TripPolicy::judge_rate(Reason reason, Tally tally, double threshold) const noexcept {
  if (tally.total < settings_.minimum_calls) return std::nullopt;
  const double rate = static_cast<double>(tally.marked) / static_cast<double>(tally.total);
  if (rate < threshold) return std::nullopt;
  return Cause{reason, rate, threshold};
}

}  // namespace fusewire::breaker

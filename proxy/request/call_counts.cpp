// SPDX-License-Identifier: Apache-2.0
#include "proxy/request/call_counts.hpp"

#include <utility>

namespace fusewire::proxy {

void count_refusal(RefusedCells& cells, Problem problem) {
  const auto count = [&](LimitKind kind) { cells[static_cast<std::size_t>(kind)].add(); };
  if (problem == Problem::rate_limited) count(LimitKind::rate);
  if (problem == Problem::concurrency_limit) count(LimitKind::concurrency);
  if (problem == Problem::queue_timeout) count(LimitKind::queue_timeout);
}

void count_retries(UpstreamCells& cells, const Call& call) {
  if (call.over_retry_budget) cells.retries[UpstreamCells::over_budget].add();
  if (call.hedge > HedgeResult::pending)
    cells.hedges[static_cast<std::size_t>(call.hedge) - static_cast<std::size_t>(HedgeResult::won)].add();
  if (call.retries_made == 0) return;
  const bool good = call.exchange->outcome == Outcome::complete && call.verdict == Verdict::success;
  cells.retries[good ? UpstreamCells::retry_success : UpstreamCells::retry_failure].add();
  cells.retries[UpstreamCells::retry_failure].add(call.retries_made - 1U);
}

void observe_latency(UpstreamCells& cells, const Call& call, Time now) {
  if (call.permitted == kNever || call.verdict == Verdict::none || call.verdict == Verdict::neutral) return;
  const Exchange& x = *call.exchange;
  const auto kind = call.verdict == Verdict::success                          ? UpstreamCells::success
                    : row(x.outcome).failure == breaker::FailureKind::timeout ? UpstreamCells::timeout
                                                                              : UpstreamCells::failure;
  cells.latency[kind].observe((x.response_end == kNever ? now : x.response_end) - call.permitted);
}

void count_fallbacks(UpstreamCells& cells, Call& call) {
  if (call.fallback_runs == FallbackRuns{}) return;
  for (std::size_t type = 0; type < 3; ++type)
    for (std::size_t result = 0; result < 3; ++result)
      if (const auto n = std::exchange(call.fallback_runs.count[type][result], std::uint8_t{0}))
        cells.fallback[type][result].add(n);
}

}  // namespace fusewire::proxy

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

Exemplar exemplar_of(const TraceContext& trace, std::chrono::nanoseconds taken, WallTime end) {
  return {.trace_id = trace.id_digits(), .span = trace.span(), .taken = taken, .at = end};
}

void observe_latency(UpstreamCells& cells, const Call& call, const TraceContext* sampled, Time now) {
  if (call.permitted == kNever || call.verdict == Verdict::none || call.verdict == Verdict::neutral) return;
  const Exchange& x = *call.exchange;
  const auto kind = call.verdict == Verdict::success                          ? UpstreamCells::success
                    : row(x.outcome).failure == breaker::FailureKind::timeout ? UpstreamCells::timeout
                                                                              : UpstreamCells::failure;
  const Time end = x.response_end == kNever ? now : x.response_end;
  cells.latency[kind].observe(end - call.permitted);
  if (sampled == nullptr) return;
  const WallTime end_by_wall = call.context->wall + (end - call.context->started);
  cells.latency[kind].keep_exemplar(exemplar_of(*sampled, end - call.permitted, end_by_wall));
}

void count_fallbacks(UpstreamCells& cells, Call& call) {
  if (call.fallback_runs == FallbackRuns{}) return;
  for (std::size_t type = 0; type < 3; ++type)
    for (std::size_t result = 0; result < 3; ++result)
      if (const auto n = std::exchange(call.fallback_runs.count[type][result], std::uint8_t{0}))
        cells.fallback[type][result].add(n);
}

}  // namespace fusewire::proxy

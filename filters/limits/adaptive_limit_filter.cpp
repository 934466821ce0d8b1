// SPDX-License-Identifier: Apache-2.0
#include "filters/limits/adaptive_limit_filter.hpp"

#include "filters/limits/limits_state.hpp"

namespace fusewire {
namespace {

// What is asked for in the background says nothing: it may be slow by a field of its client, who does not wait for it.
bool is_told(const Call& call) noexcept {
  const bool is_adaptive = call.upstream->limits.adaptive_concurrency ||
                           (call.route_limits != nullptr && call.route_limits->adaptive_concurrency);
  return is_adaptive && !call.context->background;
}

// An attempt whose hedge has answered first has been waited for in vain, too; a hedge that lost has not.
bool waited_in_vain(const Call& call, const Exchange& x) noexcept {
  const bool timed_out = x.outcome == Outcome::response_timeout || x.outcome == Outcome::total_timeout;
  const bool was_hedged = x.outcome == Outcome::superseded && x.begun < call.hedged_at;
  return (timed_out || was_hedged) && x.response_head == kNever && x.request_sent != kNever && !x.client_withheld;
}

}  // namespace

void AdaptiveLimitFilter::on_head(const Call& call, const Exchange& x, Time now) {
  if (!is_told(call)) return;
  if (const auto took = x.time_to_answer()) record(call, *took, false, now);
}

void AdaptiveLimitFilter::on_done(const Call& call, const Exchange& x, Time now) noexcept {
  if (is_told(call) && waited_in_vain(call, x)) record(call, now - x.request_sent - x.waits.since_sent(), true, now);
}

void AdaptiveLimitFilter::record(const Call& call, Time::duration took, bool in_vain, Time now) noexcept {
  const auto tell = [&](limits::LimitsState& state, const config::AdaptiveConcurrency& settings, std::uint32_t count) {
    // A client's short deadline says only that the answer takes longer than that.
    if (in_vain && took <= state.adaptive_limit.minimum_latency()) return;
    state.adaptive_limit.record(settings, took, count, now);
  };
  if (const auto& adaptive = call.upstream->limits.adaptive_concurrency)
    tell(*context_->limits, *adaptive, call.in_flight);
  if (call.route_limits != nullptr && call.route_limits->adaptive_concurrency)
    tell(*context_->route_limits, *call.route_limits->adaptive_concurrency, call.route_in_flight);
}

}  // namespace fusewire

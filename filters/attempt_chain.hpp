// SPDX-License-Identifier: Apache-2.0
// The one place that names the filters of an attempt and their order: one chain an attempt, asked when its endpoint has
// been chosen (attempt_filter.hpp).
#pragma once

#include <algorithm>
#include <tuple>

#include "filters/attempt_filter.hpp"
#include "filters/balance/endpoint_load_filter.hpp"
#include "filters/breaker/endpoint_breaker_filter.hpp"
#include "filters/chain_context.hpp"
#include "filters/fault/fault_filter.hpp"
#include "filters/limits/adaptive_limit_filter.hpp"
#include "filters/timeout/attempt_timeout_filter.hpp"

namespace fusewire {

// Its attempt owns it. The first Step that does not proceed ends the walk. Invariant: on_done reaches the filters once,
// and only where on_endpoint was called.
class AttemptChain {
 public:
  // The context outlives the chain.
  explicit AttemptChain(const ChainContext& context)
      : filters_(EndpointBreakerFilter{context}, EndpointLoadFilter{context}, AttemptTimeoutFilter{context},
                 AdaptiveLimitFilter{context}, FaultFilter{context}) {}

  Step on_endpoint(const Call& call, Exchange& x, Reply& reply, Time now) {
    Step step;
    asked_ = true;
    std::apply(
        [&](auto&... filter) { static_cast<void>((proceeds(step = filter.on_endpoint(call, x, reply, now)) && ...)); },
        filters_);
    return step;
  }
  void on_sent(Time now) {
    std::apply([&](auto&... filter) { (filter.on_sent(now), ...); }, filters_);
  }
  void on_head(const Call& call, const Exchange& x, Time now) {
    std::apply([&](auto&... filter) { (filter.on_head(call, x, now), ...); }, filters_);
  }
  void on_due(const Call& call, const Exchange& x, Time now) {
    std::apply([&](auto&... filter) { (filter.on_due(call, x, now), ...); }, filters_);
  }
  Time next_due(const Call& call, const Exchange& x) const {
    Time due = kNever;  // a filter that never has any costs nothing so
    std::apply([&](const auto&... filter) { ((due = std::min(due, filter.next_due(call, x))), ...); }, filters_);
    return due;
  }
  bool is_trial() const noexcept {
    return std::apply([](const auto&... filter) { return (filter.is_trial() || ...); }, filters_);
  }
  std::optional<Time> runs_on_until(const Call& call, const Exchange& x, Time now) noexcept {
    std::optional<Time> until;
    std::apply([&](auto&... filter) { static_cast<void>(((until = filter.runs_on_until(call, x, now)) || ...)); },
               filters_);
    return until;
  }
  void on_verdict(const Call& call, const Exchange& x, Time now) noexcept {
    std::apply([&](auto&... filter) { (filter.on_verdict(call, x, now), ...); }, filters_);
  }
  void on_done(const Call& call, const Exchange& x, Time now) noexcept {
    if (!asked_) return;
    asked_ = false;
    std::apply([&](auto&... filter) { (filter.on_done(call, x, now), ...); }, filters_);
  }

 private:
  std::tuple<EndpointBreakerFilter, EndpointLoadFilter, AttemptTimeoutFilter, AdaptiveLimitFilter, FaultFilter>
      filters_;
  bool asked_ = false;  // from on_endpoint until on_done
};

static_assert(AttemptFilter<AttemptChain>);

}  // namespace fusewire

// SPDX-License-Identifier: Apache-2.0
// Thin glue between one attempt and the breaker of the endpoint that it goes to, where that has one.
#pragma once

#include "filters/attempt_filter.hpp"
#include "filters/breaker/judged_permit.hpp"
#include "filters/chain_context.hpp"

namespace fusewire {

class EndpointBreakerFilter : public PassAttempt {
 public:
  explicit EndpointBreakerFilter(const ChainContext& context) noexcept : permit_(context) {}

  Step on_endpoint(const Call&, Exchange&, Reply&, Time now);
  void on_due(const Call&, const Exchange&, Time now);
  Time next_due(const Call& call, const Exchange& x) const {
    return permit_.active() ? permit_.next_due(call, x, endpoint_since(call, x)) : kNever;
  }
  bool is_trial() const noexcept { return permit_.holds_slot(); }
  std::optional<Time> runs_on_until(const Call& call, const Exchange& x, Time now) noexcept {
    return permit_.runs_on_until(call, x, endpoint_since(call, x), now);
  }
  void on_verdict(const Call&, const Exchange&, Time now) noexcept;
  void on_done(const Call&, const Exchange&, Time now) noexcept;

 private:
  static Time endpoint_since(const Call&, const Exchange&);

  JudgedPermit permit_;
};

}  // namespace fusewire

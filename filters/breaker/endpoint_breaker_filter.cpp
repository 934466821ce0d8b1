// SPDX-License-Identifier: Apache-2.0
#include "filters/breaker/endpoint_breaker_filter.hpp"

#include "filters/breaker/rejection.hpp"

namespace fusewire {

Step EndpointBreakerFilter::on_endpoint(const Call& call, Exchange& x, Reply& reply, Time now) {
  if (x.endpoint.breaker == nullptr) return Proceed{};
  const auto rejection = permit_.acquire(*x.endpoint.breaker, call, now);
  if (!rejection) return Proceed{};
  reply = endpoints_rejection_reply(*call.upstream, rejection->retry_after);
  return Answer{};
}

void EndpointBreakerFilter::on_due(const Call& call, const Exchange& x, Time now) {
  if (!permit_.active()) return;
  if (permit_.on_due(call, x, endpoint_since(call, x), now)) permit_.judge(call, x, Outcome::complete, now);
}

void EndpointBreakerFilter::on_done(const Call& call, const Exchange& x, Time now) noexcept {
  if (!permit_.active()) return permit_.after_the_call(call, x, now);
  permit_.tell_slowness(call, x, endpoint_since(call, x), now);
  permit_.judge(call, x, x.outcome, now);
}

// Without a body the endpoint's time begins with the attempt, be there a connection yet or not.
Time EndpointBreakerFilter::endpoint_since(const Call& call, const Exchange& x) {
  return x.request_sent == kNever && !call.context->request->has_body() ? x.begun : x.request_sent;
}

void EndpointBreakerFilter::on_verdict(const Call& call, const Exchange& x, Time now) noexcept {
  permit_.run_on_is_over();
  permit_.tell_slowness(call, x, endpoint_since(call, x), now);
  permit_.judge(call, x, x.outcome, now);
}

}  // namespace fusewire

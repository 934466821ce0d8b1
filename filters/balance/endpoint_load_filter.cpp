// SPDX-License-Identifier: Apache-2.0
#include "filters/balance/endpoint_load_filter.hpp"

#include "filters/breaker/classify.hpp"
#include "filters/timeout/deadline.hpp"

namespace fusewire {
namespace {

using balance::Result;

// Of an attempt that is over.
Result result_of(Outcome outcome) noexcept {
  if (outcome == Outcome::complete) return Result::success;
  if (outcome == Outcome::superseded) return Result::unanswered;
  switch (row(outcome).fault) {
    case FaultOf::upstream:
      return Result::failure;
    case FaultOf::client:
      return outcome == Outcome::client_gone ? Result::unanswered : Result::neutral;
    default:
      return Result::neutral;
  }
}

// The client has waited for the response's body until the deadline that it gave, and has taken all that came.
bool has_late_body(const Call& call, const Exchange& x, Time now) noexcept {
  return x.outcome == Outcome::client_gone && call.deadline_asked && now >= call.total_at &&
         x.waits.total(now) == ClientWaits::Duration::zero();
}

Result result_of(const Call& call, const Exchange& x, Time now) noexcept {
  if (x.response_head != kNever && x.outcome == Outcome::client_gone)
    return has_late_body(call, x, now) ? Result::unanswered : Result::neutral;
  if (x.client_withheld) return x.response_head == kNever ? Result::unanswered : Result::neutral;
  const bool by_client = call.short_deadline || has_little_time(call, x.begun);
  return x.outcome == Outcome::total_timeout && by_client ? Result::unanswered : result_of(x.outcome);
}

}  // namespace

Step EndpointLoadFilter::on_endpoint(const Call& call, Exchange& x, Reply&, Time now) {
  if (x.endpoint.health == nullptr) return Proceed{};
  flight_ = balance::Flight(*x.endpoint.health, now);
  if (!call.context->body_replayable) flight_.pause();
  return Proceed{};
}

void EndpointLoadFilter::on_head(const Call&, const Exchange& x, Time now) {
  const bool failed = classify_->rules().failure.has_status(x.upstream_status);
  flight_.answered(failed ? Result::failure : Result::success, now);
}

void EndpointLoadFilter::on_done(const Call& call, const Exchange& x, Time now) noexcept {
  flight_.end(result_of(call, x, now), now);
}

}  // namespace fusewire

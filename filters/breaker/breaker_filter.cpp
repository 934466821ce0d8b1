// SPDX-License-Identifier: Apache-2.0
#include "filters/breaker/breaker_filter.hpp"

#include "filters/breaker/rejection.hpp"

namespace fusewire {

Step BreakerFilter::on_request(Call& call, Reply& reply, Time now) {
  if (breaker::Breaker* const above = context_->above_breaker; above != nullptr && above->is_forced_open(now))
    if (const auto rejection = JudgedPermit(*context_).acquire(*above, call, now))
      return reject(call, reply, *rejection, *above, call.upstream->name, now);
  if (const auto rejection = permit_.acquire(*context_->breaker, call, now))
    return reject(call, reply, *rejection, *context_->breaker, context_->breaker_name, now);
  call.permitted = now;
  call.generation = permit_.generation();
  return Proceed{};
}

Step BreakerFilter::reject(Call& call, Reply& reply, const breaker::Rejection& rejection,
                           const breaker::Breaker& breaker, std::string_view name, Time now) const {
  call.set(Flag::circuit_open);
  call.exchange->outcome = Outcome::local;
  const auto trip = breaker.last_trip();
  const RejectionNote why{
      .trip = trip ? static_cast<std::uint8_t>(static_cast<int>(trip->reason) + 1) : std::uint8_t{0},
      .probe = call.circuit_breaker->recovery.probe.type,
      .above = &breaker == context_->above_breaker};
  call.note(Decision::breaker_rejected, now, rejection.by, why.packed(),
            rejection.retry_after ? rejection.retry_after->count() : -1);
  reply = rejection_reply(name, *call.circuit_breaker, rejection, trip ? &*trip : nullptr);
  return Answer{};
}

Step BreakerFilter::on_reply(Call& call, Reply&, Time now) {
  permit_.tell_slowness(call, *call.exchange, upstream_since(call), now);
  return Proceed{};
}

void BreakerFilter::on_due(Call& call, Time now) {
  if (permit_.on_due(call, *call.exchange, upstream_since(call), now)) judge(call, Outcome::complete, now);
}

Time BreakerFilter::next_due(const Call& call) const {
  return permit_.active() ? permit_.next_due(call, *call.exchange, upstream_since(call)) : kNever;
}

void BreakerFilter::on_done(Call& call, Time now) noexcept {
  if (!permit_.active()) {
    if (!call.endpoint_breakers) permit_.after_the_call(call, *call.exchange, now);
    return;
  }
  permit_.tell_slowness(call, *call.exchange, upstream_since(call), now);
  judge(call, call.exchange->outcome, now);
}

// A body takes its own time; without one the upstream's begins with the permit, be there a connection yet or not, and
// with a second attempt it goes on, but for the time before that. A trial that runs on without its client has
// `request_sent` moved.
Time BreakerFilter::upstream_since(const Call& call) {
  if (call.endpoint_breakers) return kNever;  // theirs to see
  const Exchange& x = *call.exchange;
  if ((x.request_sent != kNever && x.begun == call.permitted) || call.context->request->has_body())
    return x.request_sent;
  return call.permitted + call.paused + (x.request_sent == kNever ? Time::duration::zero() : x.request_sent - x.begun);
}

// What an endpoint does is for its own breaker to judge. Where there is no endpoint, it is the upstream's.
bool BreakerFilter::is_for_endpoints(const Call& call, Outcome outcome) noexcept {
  return call.endpoint_breakers && outcome != Outcome::dns_error && outcome != Outcome::dns_timeout;
}

void BreakerFilter::judge(Call& call, Outcome outcome, Time now) {
  const bool counts = is_for_endpoints(call, outcome);
  const auto verdict = permit_.judge(call, *call.exchange, outcome, now, counts);
  if (!verdict) return;
  call.verdict = *verdict;
  if (*verdict != Verdict::success && *verdict != Verdict::none) note_verdict(call, now);
}

void BreakerFilter::note_verdict(Call& call, Time now) { call.note(Decision::breaker_judged, now, call.verdict); }

void BreakerFilter::on_verdict(Call& call, Time now) noexcept {
  call.runs_on = false;
  permit_.run_on_is_over();
  permit_.tell_slowness(call, *call.exchange, upstream_since(call), now);
  judge(call, call.exchange->outcome, now);
}

}  // namespace fusewire

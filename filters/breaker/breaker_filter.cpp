// SPDX-License-Identifier: Apache-2.0
#include "filters/breaker/breaker_filter.hpp"

#include "filters/breaker/rejection.hpp"

namespace fusewire {

Step BreakerFilter::on_request(Call& call, Reply& reply, Time now) {
  const auto rejection = permit_.acquire(*breaker_, now);
  if (!rejection) {
    call.permitted = now;
    call.generation = permit_.generation();
    return Proceed{};
  }
  call.set(Flag::circuit_open);
  call.exchange->outcome = Outcome::local;
  const auto trip = breaker_->last_trip();
  call.note(Decision::breaker_rejected, now, rejection->by, trip ? static_cast<int>(trip->reason) + 1 : 0,
            rejection->retry_after ? rejection->retry_after->count() : -1);
  reply = rejection_reply(*call.upstream, *rejection, trip ? &*trip : nullptr);
  return Answer{};
}

Step BreakerFilter::on_reply(Call& call, Reply&, Time now) {
  permit_.tell_slowness(call, upstream_since(call), now);
  return Proceed{};
}

void BreakerFilter::on_due(Call& call, Time now) {
  if (permit_.on_due(call, upstream_since(call), now)) judge(call, Outcome::complete, now);
}

Time BreakerFilter::next_due(const Call& call) const {
  return permit_.active() ? permit_.next_due(call, upstream_since(call)) : kNever;
}

void BreakerFilter::on_done(Call& call, Time now) noexcept {
  if (!permit_.active()) {
    if (!call.endpoint_breakers) permit_.after_the_call(call, now);
    return;
  }
  permit_.tell_slowness(call, upstream_since(call), now);
  judge(call, call.exchange->outcome, now);
}

// A body takes its own time; without one the upstream's begins with the permit, be there a connection yet or not, and
// with a second attempt it goes on. A trial that runs on without its client has `request_sent` moved.
Time BreakerFilter::upstream_since(const Call& call) {
  if (call.endpoint_breakers) return kNever;  // theirs to see
  const Exchange& x = *call.exchange;
  if ((x.request_sent != kNever && x.begun == call.permitted) || call.context->request->has_body())
    return x.request_sent;
  return call.permitted + (x.request_sent == kNever ? Time::duration::zero() : x.request_sent - x.begun);
}

// What an endpoint does is for its own breaker to judge. Where there is no endpoint, it is the upstream's.
bool BreakerFilter::is_for_endpoints(const Call& call, Outcome outcome) noexcept {
  return call.endpoint_breakers && outcome != Outcome::dns_error && outcome != Outcome::dns_timeout;
}

void BreakerFilter::judge(Call& call, Outcome outcome, Time now) {
  if (!permit_.active()) return;
  if (call.runs_on) return static_cast<void>(permit_.give_back_slot(now));
  const bool counts = is_for_endpoints(call, outcome);
  call.verdict = counts ? permit_.count(call, outcome, now) : permit_.judge(call, outcome, now);
  if (call.verdict == Verdict::failure || call.verdict == Verdict::neutral)
    call.note(Decision::breaker_judged, now, call.verdict);
}

bool BreakerFilter::wants_verdict(const Call& call) noexcept {
  return permit_.holds_slot() && without_client_.enter(call.upstream->circuit_breaker.recovery.half_open_max_calls);
}

void BreakerFilter::on_verdict(Call& call, Time now) noexcept {
  call.runs_on = false;
  without_client_.leave();
  permit_.tell_slowness(call, upstream_since(call), now);
  judge(call, call.exchange->outcome, now);
}

}  // namespace fusewire

// SPDX-License-Identifier: Apache-2.0
#include "filters/breaker/breaker_filter.hpp"

#include <algorithm>
#include <utility>
#include <variant>

#include "filters/acquire_one.hpp"
#include "filters/breaker/classify.hpp"
#include "filters/breaker/rejection.hpp"

namespace fusewire {

Step BreakerFilter::on_request(Call& call, Reply& reply, Time now) {
  auto answer = breaker_->try_acquire(now);
  if (auto* permit = std::get_if<breaker::Permit>(&answer)) {
    permit_ = std::move(*permit);
    call.permitted = now;
    return Proceed{};
  }
  call.set(Flag::circuit_open);
  call.exchange->outcome = Outcome::local;
  const auto trip = breaker_->last_trip();
  reply = rejection_reply(*call.upstream, std::get<breaker::Rejection>(answer), trip ? &*trip : nullptr);
  return Answer{};
}

Step BreakerFilter::on_reply(Call& call, Reply&, Time now) {
  const Exchange& x = *call.exchange;
  tell_slowness(call, now);
  if (x.outcome != Outcome::pending) judge(call, x.outcome, now);
  return Proceed{};
}

void BreakerFilter::on_due(Call& call, Time now) {
  tell_slowness(call, now);
  if (now >= slot_until(call)) permit_.give_back_slot(now);
  if (now < settle_at(call)) return;
  judge(call, Outcome::complete, now);
}

Time BreakerFilter::next_due(const Call& call) const {
  return std::min({slow_at(call), settle_at(call), slot_until(call)});
}

void BreakerFilter::on_done(Call& call, Time now) noexcept {
  if (!permit_.active()) return after_the_call(call, now);
  tell_slowness(call, now);
  judge(call, call.exchange->outcome, now);
}

// When the call turns slow; kNever where it no longer can, and while it is its client that is waited for.
Time BreakerFilter::slow_at(const Call& call) const {
  const Exchange& x = *call.exchange;
  const auto& detector = call.upstream->circuit_breaker.detection.slow_call_rate;
  if (!permit_.active() || reported_slow_ || !detector || x.waits.waiting()) return kNever;
  // A body takes its own time; without one the upstream's begins with the permit, be there a connection yet or not, and
  // with a second attempt it goes on. A trial that runs on without its client has `request_sent` moved.
  Time from = x.request_sent;
  if ((from == kNever || x.begun != call.permitted) && !call.context->request->has_body())
    from = call.permitted + (from == kNever ? Time::duration::zero() : from - x.begun);
  if (from == kNever) return kNever;
  const Time due = from + detector->slower_than + x.waits.since_sent();
  const Time measured = detector->measure == config::Measure::head ? x.response_head : x.response_end;
  return measured < due ? kNever : due;
}

Time BreakerFilter::settle_at(const Call& call) const {
  const Exchange& x = *call.exchange;
  if (!permit_.active() || x.response_head == kNever || x.outcome != Outcome::pending) return kNever;
  return x.response_head + call.upstream->circuit_breaker.recovery.settle_after;
}

// No client holds the half-open: when a trial call has waited too long for its own, or takes long to be sent, its slot
// goes to another.
Time BreakerFilter::slot_until(const Call& call) const {
  const Exchange& x = *call.exchange;
  return permit_.holds_slot() ? std::min(x.waits.patience_ends(), x.waits.upload_is_long()) : kNever;
}

// Calls that turn slow in one turn of the loop are reported each with its own time.
void BreakerFilter::tell_slowness(const Call& call, Time now) {
  const Time at = slow_at(call);
  if (now < at) return;
  reported_slow_ = true;
  permit_.on_slow(at);
}

void BreakerFilter::judge(Call& call, Outcome outcome, Time now) {
  if (!permit_.active()) return;
  if (call.runs_on) return static_cast<void>(permit_.give_back_slot(now));
  const Judgement judgement = classify(*classify_, call, outcome);
  call.verdict = judgement.verdict;
  switch (judgement.verdict) {
    case Verdict::success:
      return permit_.success(now);
    case Verdict::failure:
      return permit_.failure(judgement.failure, now);
    case Verdict::none:
      return permit_.withdraw(now);
    case Verdict::neutral:
      if (judgement.by_client) permit_.give_back_slot(now);
      return permit_.neutral(now);
  }
}

bool BreakerFilter::wants_verdict(const Call& call) noexcept {
  return permit_.holds_slot() && without_client_.enter(call.upstream->circuit_breaker.recovery.half_open_max_calls);
}

void BreakerFilter::on_verdict(Call& call, Time now) noexcept {
  call.runs_on = false;
  without_client_.leave();
  tell_slowness(call, now);
  judge(call, call.exchange->outcome, now);
}

bool BreakerFilter::WithoutClient::enter(std::uint32_t limit) noexcept {
  if (!counted_) counted_ = count_ != nullptr && acquire_one(*count_, limit);
  return counted_;
}

void BreakerFilter::WithoutClient::leave() noexcept {
  if (std::exchange(counted_, false)) count_->fetch_sub(1, std::memory_order_relaxed);
}

// A stream that breaks off after it was settled is a new, failed call, unless it was we who ended a quiet one. What its
// head says has been judged: here only the break counts.
void BreakerFilter::after_the_call(const Call& call, Time now) {
  const Exchange& x = *call.exchange;
  if (x.outcome == Outcome::complete || x.outcome == Outcome::abandoned || x.outcome == Outcome::idle_timeout) return;
  const Judgement judgement = classify(*classify_, call, x.outcome);
  const bool by_head =
      judgement.failure == breaker::FailureKind::status || judgement.failure == breaker::FailureKind::other;
  if (judgement.verdict == Verdict::failure && !by_head) permit_.broke_off(judgement.failure, now);
}

}  // namespace fusewire

// SPDX-License-Identifier: Apache-2.0
#include "filters/breaker/breaker_filter.hpp"

#include <algorithm>
#include <utility>
#include <variant>

#include "filters/acquire_one.hpp"
#include "filters/breaker/classify.hpp"
#include "filters/breaker/rejection.hpp"

namespace fusewire {

std::optional<Reply> BreakerFilter::on_request(Exchange& x, Time now) {
  auto answer = breaker_->try_acquire(now);
  if (auto* permit = std::get_if<breaker::Permit>(&answer)) {
    permit_ = std::move(*permit);
    x.permitted = now;
    return std::nullopt;
  }
  x.set(Flag::circuit_open);
  x.outcome = Outcome::local;
  const auto trip = breaker_->last_trip();
  return rejection_reply(*x.upstream, std::get<breaker::Rejection>(answer), trip ? &*trip : nullptr);
}

void BreakerFilter::on_reply(Exchange& x, Reply&, Time now) {
  tell_slowness(x, now);
  if (x.outcome != Outcome::pending) judge(x, x.outcome, now);
}

void BreakerFilter::on_due(Exchange& x, Time now) {
  tell_slowness(x, now);
  if (now >= slot_until(x)) permit_.give_back_slot(now);
  if (now < settle_at(x)) return;
  judge(x, Outcome::complete, now);
}

Time BreakerFilter::next_due(const Exchange& x) const { return std::min({slow_at(x), settle_at(x), slot_until(x)}); }

void BreakerFilter::on_done(Exchange& x, Time now) noexcept {
  if (!permit_.active()) return after_the_call(x, now);
  tell_slowness(x, now);
  judge(x, x.outcome, now);
}

// When the call turns slow; kNever where it no longer can, and while it is its client that is waited for.
Time BreakerFilter::slow_at(const Exchange& x) const {
  const auto& detector = x.upstream->circuit_breaker.detection.slow_call_rate;
  if (!permit_.active() || reported_slow_ || !detector || x.waits.waiting()) return kNever;
  // A body takes its own time; without one the upstream's begins with the permit, be there a connection yet or not.
  const bool counts_anyway = x.request_sent == kNever && !x.request->has_body();
  const Time from = counts_anyway ? x.permitted : x.request_sent;
  if (from == kNever) return kNever;
  const Time due = from + detector->slower_than + x.waits.since_sent();
  const Time measured = detector->measure == config::Measure::head ? x.response_head : x.response_end;
  return measured < due ? kNever : due;
}

Time BreakerFilter::settle_at(const Exchange& x) const {
  if (!permit_.active() || x.response_head == kNever || x.outcome != Outcome::pending) return kNever;
  return x.response_head + x.upstream->circuit_breaker.recovery.settle_after;
}

// No client holds the half-open: when a trial call has waited too long for its own, or takes long to be sent, its slot
// goes to another.
Time BreakerFilter::slot_until(const Exchange& x) const {
  return permit_.holds_slot() ? std::min(x.waits.patience_ends(), x.waits.upload_is_long()) : kNever;
}

// Calls that turn slow in one turn of the loop are reported each with its own time.
void BreakerFilter::tell_slowness(const Exchange& x, Time now) {
  const Time at = slow_at(x);
  if (now < at) return;
  reported_slow_ = true;
  permit_.on_slow(at);
}

void BreakerFilter::judge(Exchange& x, Outcome outcome, Time now) {
  if (!permit_.active()) return;
  if (x.runs_on) return static_cast<void>(permit_.give_back_slot(now));
  const Judgement judgement = classify(*classify_, x, outcome);
  x.verdict = judgement.verdict;
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

bool BreakerFilter::wants_verdict(const Exchange& x) noexcept {
  return permit_.holds_slot() && without_client_.enter(x.upstream->circuit_breaker.recovery.half_open_max_calls);
}

void BreakerFilter::on_verdict(Exchange& x, Time now) noexcept {
  x.runs_on = false;
  without_client_.leave();
  tell_slowness(x, now);
  judge(x, x.outcome, now);
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
void BreakerFilter::after_the_call(const Exchange& x, Time now) {
  if (x.outcome == Outcome::complete || x.outcome == Outcome::abandoned || x.outcome == Outcome::idle_timeout) return;
  const Judgement judgement = classify(*classify_, x, x.outcome);
  const bool by_head =
      judgement.failure == breaker::FailureKind::status || judgement.failure == breaker::FailureKind::other;
  if (judgement.verdict == Verdict::failure && !by_head) permit_.broke_off(judgement.failure, now);
}

}  // namespace fusewire

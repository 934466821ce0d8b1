// SPDX-License-Identifier: Apache-2.0
#include "filters/breaker/judged_permit.hpp"

#include <algorithm>
#include <utility>
#include <variant>

namespace fusewire {
namespace {

constexpr std::uint32_t kMaxInSilence = 8;  // calls that go on without their clients: each keeps a connection

}  // namespace

std::optional<breaker::Rejection> JudgedPermit::acquire(breaker::Breaker& breaker, const Call& call, Time now) {
  auto answer = breaker.try_acquire(now);
  auto* permit = std::get_if<breaker::Permit>(&answer);
  if (permit == nullptr) return std::get<breaker::Rejection>(answer);
  permit_ = std::move(*permit);
  if (!call.context->background) return std::nullopt;
  // Nobody waits for what is asked for in the background, and it may be a field of its client, a cookie say, that makes
  // it slow or fail. Else a client could open the breaker, or keep it half-open, behind its stale answers, and leave.
  if (permit_.is_trial()) {
    permit_.withdraw(now);
    return breaker::Rejection{.by = breaker::RejectedBy::half_open, .retry_after = milliseconds::zero()};
  }
  permit_.only_count();
  return std::nullopt;
}

Time JudgedPermit::next_due(const Call& call, const Exchange& x, Time from) const {
  return std::min({slow_at(call, x, from), settle_at(call, x), slot_until(x)});
}

bool JudgedPermit::on_due(const Call& call, const Exchange& x, Time from, Time now) {
  tell_slowness(call, x, from, now);
  if (now >= slot_until(x)) permit_.give_back_slot(now);
  return now >= settle_at(call, x);
}

std::optional<Time> JudgedPermit::runs_on_until(const Call& call, const Exchange& x, Time from, Time now) noexcept {
  if (permit_.holds_slot()) {
    if (!without_client_.enter(call.circuit_breaker->recovery.half_open_max_calls)) return std::nullopt;
    return kNever;
  }
  const auto& row = call.circuit_breaker->detection.consecutive_slow_calls;
  const Time until = slow_at(call, x, from);
  if (!row || until == kNever || !permit_.meets_silence(now)) return std::nullopt;
  if (!without_client_.enter(std::min(row->threshold, kMaxInSilence))) return std::nullopt;
  answered_before_ = permit_.answered_calls();
  return until;
}

// When the call turns slow; kNever where it no longer can, and while it is its client that is waited for.
Time JudgedPermit::slow_at(const Call& call, const Exchange& x, Time from) const {
  const auto& detector = call.circuit_breaker->detection.slow_call_rate;
  if (!permit_.active() || reported_slow_ || !detector || x.waits.waiting() || from == kNever) return kNever;
  const Time due = from + detector->slower_than + x.waits.since_sent();
  const Time measured = detector->measure == config::Measure::head ? x.response_head : x.response_end;
  return measured < due ? kNever : due;
}

Time JudgedPermit::settle_at(const Call& call, const Exchange& x) const {
  if (!permit_.active() || x.response_head == kNever || x.outcome != Outcome::pending) return kNever;
  return x.response_head + call.circuit_breaker->recovery.settle_after;
}

// No client holds the half-open: when a trial call has waited too long for its own, or takes long to be sent, its slot
// goes to another.
Time JudgedPermit::slot_until(const Exchange& x) const {
  return permit_.holds_slot() ? std::min(x.waits.patience_ends(), x.waits.upload_is_long()) : kNever;
}

// Whether a response that its client has left says enough: its body came for a while, and not only the head.
bool JudgedPermit::has_proved_itself(const Call& call, const Exchange& x, Time now) const {
  constexpr milliseconds kLeast{1000};
  const auto& detector = call.circuit_breaker->detection.slow_call_rate;
  const auto least = std::min(kLeast, call.circuit_breaker->recovery.settle_after);
  if (x.response_head == kNever || now - x.response_head < least) return false;
  if (detector && detector->measure == config::Measure::body) return false;  // only its end says how long it takes
  return x.was_moving || x.client_withheld;
}

// Calls that turn slow in one turn of the loop are reported each with its own time.
void JudgedPermit::tell_slowness(const Call& call, const Exchange& x, Time from, Time now) {
  const Time at = slow_at(call, x, from);
  if (now < at) return;
  reported_slow_ = true;
  // What went on without its client because nobody was answered says nothing where others have been answered since: it
  // may be this client's doing that it is slow.
  if (answered_before_ && *answered_before_ != permit_.answered_calls()) return;
  permit_.on_slow(at);
}

std::optional<Verdict> JudgedPermit::judge(const Call& call, const Exchange& x, Outcome outcome, Time now,
                                           bool only_count) {
  if (!permit_.active()) return std::nullopt;
  if (call.runs_on && &x == call.exchange) {
    permit_.give_back_slot(now);
    return std::nullopt;
  }
  if (only_count) permit_.only_count();
  // A trial whose client leaves a body that was coming has been answered, as one that goes on without its client is
  // when the head comes: else clients that abandon long bodies could keep the breaker half-open. Whether it has given
  // its slot back while it waited for that client makes no difference.
  const bool answered = permit_.is_trial() && outcome == Outcome::client_gone && has_proved_itself(call, x, now);
  const Judgement judgement = classify(*classify_, call, x, answered ? Outcome::abandoned : outcome);
  switch (judgement.verdict) {
    case Verdict::success:
      permit_.success(now);
      break;
    case Verdict::failure:
      permit_.failure(judgement.failure, now);
      break;
    case Verdict::none:
      permit_.withdraw(now);
      break;
    case Verdict::neutral:
      if (judgement.by_client) permit_.give_back_slot(now);
      permit_.neutral(now);
      break;
  }
  return judgement.verdict;
}

// A stream that breaks off after it was settled is a new, failed call, unless it was we who ended a quiet one. What its
// head says has been judged: here only the break counts.
void JudgedPermit::after_the_call(const Call& call, const Exchange& x, Time now) {
  if (x.outcome == Outcome::complete || x.outcome == Outcome::abandoned || x.outcome == Outcome::idle_timeout) return;
  const Judgement judgement = classify(*classify_, call, x, x.outcome);
  const bool by_head =
      judgement.failure == breaker::FailureKind::status || judgement.failure == breaker::FailureKind::other;
  if (judgement.verdict == Verdict::failure && !by_head) permit_.broke_off(judgement.failure, now);
}

}  // namespace fusewire

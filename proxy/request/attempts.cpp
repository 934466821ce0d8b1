// SPDX-License-Identifier: Apache-2.0
#include "proxy/request/attempts.hpp"

#include "proxy/net/clock.hpp"

namespace fusewire::proxy {

namespace {

constexpr std::size_t kMaxElsewhere = 4;  // endpoints that a request goes on to, one after the other

}  // namespace

// ------------------------------------------------------------------------------------------------------ one attempt

Step Attempts::begin(Reply& reply, Time now) {
  hedge_.reset();
  current_ = &own_.emplace(of_, tried_);
  current_->lead(of_.inbound.event);
  return current_->begin(reply, now);
}

Task<void> Attempts::fetch_head() {
  // The answer to a trial is what the endpoint's breaker waits for.
  const bool may_be_hedged =
      of_.call.retries->hedge && of_.inbound.upgrades == nullptr && !current_->filters.is_trial();
  const Time at = may_be_hedged ? of_.chain.hedge_at(of_.call) : kNever;
  return at == kNever ? current_->forward.fetch_head() : fetch_hedged(at);
}

Task<void> Attempts::end(Time now) { return end(*current_, now); }

Task<void> Attempts::end(Attempt& attempt, Time now) {
  attempt.forward.abandon(Outcome::abandoned);
  attempt.filters.on_done(of_.call, attempt.x, now);
  of_.call.flags = static_cast<Flags>(of_.call.flags & ~row(attempt.x.outcome).flags);
  keep(attempt);
  return attempt.forward.finish();
}

void Attempts::keep(const Attempt& attempt) {
  before_ += attempt.forward.attempts();
  ended_.push_back(attempt.ended());
}

// ------------------------------------------------------------------------------------------------------ two at a time

Task<void> Attempts::fetch_hedged(Time at) {
  Hedge& hedge = hedge_.emplace(of_, *own_, tried_, at);
  co_await own_->forward.fetch_head();
  hedge.disarm();
  if (!hedge.has_begun()) co_return;
  if (hedge.has_won() || (hedge.is_running() && !decides(*own_))) {
    co_await take_over();
  } else {
    const bool answered = own_->x.outcome == Outcome::pending || own_->x.outcome == Outcome::complete;
    co_await hedge.drop(answered ? Outcome::superseded : own_->x.outcome,
                        answered ? HedgeResult::lost : HedgeResult::failed);
    keep(hedge.attempt());
    note_failure(hedge.attempt());
  }
  co_await current_->forward.fetch_rest();
}

// Whether the hedge need not be waited for: there is a good answer, or nobody who waits, or no time.
bool Attempts::decides(const Attempt& first) const {
  const Outcome outcome = first.x.outcome;
  if (first.forward.has_interim() || is_forsaken(outcome) || outcome == Outcome::total_timeout) return true;
  return first.forward.has_head() &&
         (of_.call.connection_bound || of_.chain.is_good(of_.call, first.x.upstream_status));
}

// The hedge's attempt is the call's from here on, and may still run.
Task<void> Attempts::take_over() {
  note_failure(*own_);
  current_ = &hedge_->attempt();
  current_->lead(of_.inbound.event);
  co_await end(*own_, own_->ended_at(steady_now()));
  co_await hedge_->wait_for_end();
}

// ------------------------------------------------------------------------------------------------------ where to

bool Attempts::may_go_elsewhere() {
  const Attempt& attempt = *current_;
  if (!attempt.streams.endpoint() || !attempt.x.nothing_sent || of_.call.connection_bound || of_.call.runs_on)
    return false;
  const Outcome outcome = attempt.x.outcome;
  if (outcome != Outcome::pending && row(outcome).fault != FaultOf::upstream) return false;
  if (outcome == Outcome::total_timeout || of_.inbound.client.gone() || tried_.size() >= kMaxElsewhere) return false;
  tried_.push_back(attempt.streams.id());
  const Time now = steady_now();
  const bool may = now < of_.call.total_at && can_choose(now, tried_);
  if (may)
    of_.call.note(Decision::endpoint_skipped, now);
  else
    tried_.pop_back();
  return may;
}

void Attempts::note_failure(const Attempt& attempt) {
  const Exchange& x = attempt.x;
  if (row(x.outcome).fault == FaultOf::upstream || x.upstream_status >= 500) tried_.push_back(attempt.streams.id());
}

void Attempts::forget_failures_of_all(Time now) {
  if (!can_choose(now, tried_)) tried_.clear();
}

void Attempts::note_endpoints(const Reply& reply, Time now) {
  if (current_ == nullptr || !current_->streams.endpoint()) return;
  if (reply.origin == Reply::Origin::upstream && reply.status < 400) return;
  of_.call.another_endpoint = can_choose(now, {current_->streams.id()});
  if (of_.call.endpoint_breakers) of_.call.endpoint_available = of_.call.another_endpoint || can_choose(now, {});
}

}  // namespace fusewire::proxy

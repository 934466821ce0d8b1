// SPDX-License-Identifier: Apache-2.0
#include "proxy/request/hedge.hpp"

#include <utility>

#include "proxy/net/clock.hpp"
#include "proxy/net/spawn.hpp"

namespace fusewire::proxy {

Hedge::Hedge(const CallParts& of, Attempt& first, const Balancer::Tried& tried, Time at)
    : of_(of), first_(first), tried_(tried), timer_(of.worker.deadlines(), [this] { begin(); }) {
  timer_.arm(at);
}

// At another endpoint, or at the same one where there is no other: behind one address there may be many servers.
void Hedge::begin() {
  const Time now = steady_now();
  Balancer& balancer = of_.worker.balancer();
  tried_.push_back(first_.streams.id());
  const bool asks_breakers = of_.asks_endpoint_breakers();
  if (!balancer.can_choose(of_.upstream, now, tried_, asks_breakers)) tried_.clear();
  if (!balancer.can_choose(of_.upstream, now, tried_, asks_breakers)) return;
  if (!std::holds_alternative<Ask>(of_.chain.on_silence(of_.call, now))) return;
  attempt_ = std::make_unique<Attempt>(of_, tried_);
  attempt_->forward.run_beside();
  first_.forward.run_beside();
  Reply unused;
  if (!proceeds(attempt_->begin(unused, now))) return conclude(HedgeResult::failed);
  running_ = true;
  spawn(run(), "hedge");
}

Task<void> Hedge::run() {
  co_await attempt_->forward.fetch_head();
  on_end();
}

// The last step of its coroutine: the driver may go on inside, and destroy this.
void Hedge::on_end() {
  running_ = false;
  if (awaited_) return done_.set();
  if (!has_good_answer()) return conclude(HedgeResult::failed);
  won_ = true;
  first_.forward.abandon(Outcome::superseded);
  first_.news.set();
}

bool Hedge::has_good_answer() const {
  const Forward& forward = attempt_->forward;
  return forward.has_interim() || (forward.has_head() && (of_.call.connection_bound ||
                                                          of_.chain.is_good(of_.call, attempt_->x.upstream_status)));
}

Task<void> Hedge::wait_for_end() {
  awaited_ = true;
  if (running_) attempt_->news.set();  // it looks at its client from now on
  while (running_) co_await done_.wait();
  note(has_good_answer() ? HedgeResult::won : HedgeResult::failed, steady_now());
}

Task<void> Hedge::drop(Outcome why, HedgeResult result) {
  awaited_ = true;
  if (running_) {
    attempt_->forward.abandon(why);
    attempt_->news.set();
  }
  while (running_) co_await done_.wait();
  conclude(result);
  co_await attempt_->forward.finish();
}

// Its endpoint's part is over.
void Hedge::conclude(HedgeResult result) {
  if (std::exchange(concluded_, true)) return;
  const Time at = attempt_->ended_at(steady_now());
  note(result, at);
  attempt_->forward.abandon(Outcome::abandoned);
  attempt_->filters.on_done(of_.call, attempt_->x, at);
}

void Hedge::note(HedgeResult result, Time now) {
  of_.call.hedge = result;
  of_.call.note(Decision::hedge_ended, now, result);
}

}  // namespace fusewire::proxy

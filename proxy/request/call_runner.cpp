// SPDX-License-Identifier: Apache-2.0
#include "proxy/request/call_runner.hpp"

#include <utility>

#include "filters/timeout/deadline.hpp"
#include "proxy/net/clock.hpp"
#include "proxy/request/call_counts.hpp"
#include "proxy/request/own_answer.hpp"

namespace fusewire::proxy {

namespace {

// As it was before any attempt; the memory of its fields will do for the next.
void clear(Reply& reply) {
  Fields fields = std::move(reply.fields);
  reply = {};
  reply.fields = std::move(fields);
}

void set_failure_flag(Call& call) { call.flags = static_cast<Flags>(call.flags | row(call.exchange->outcome).flags); }

}  // namespace

CallRunner::CallRunner(WorkerContext& worker, Inbound& inbound, const RequestContext& request, const Snapshot& snapshot,
                       const Upstream& to, const CallRules& rules)
    : context(rules.chain),
      chain(rules.chain),
      upstream(to),
      worker_(worker),
      inbound_(inbound),
      snapshot_(snapshot),
      attempts_({worker, inbound, to, rules.chain, snapshot.via, call, chain}),
      pause_(worker, inbound, cut_off_) {
  call.context = &request;
  call.exchange = &unsent_;
  call.upstream = to.config;
  call.timeouts = &rules.timeouts;
  call.fallback = &rules.fallback;
  call.retries = &rules.retries;
  call.circuit_breaker = &rules.circuit_breaker;
  call.route_limits = rules.limits;
  call.endpoint_breakers =
      context.above_breaker == nullptr && worker.balancer().has_endpoint_breakers(to, request.started);
  call.cache_scope = inbound.cache_scope.empty() ? inbound.route->cache_scope : inbound.cache_scope;
  call.connection_bound = inbound.connection_bound || (inbound.bound && inbound.bound->has(*to.state));
}

CallRunner::CallRunner(const CallRunner& first, const Upstream& to)
    : CallRunner(first.worker_, first.inbound_, *first.call.context, first.snapshot_, to, rules_of(to)) {
  call.total_at = ends_at(first.call);
  call.hedged_at = first.call.hedged_at;  // one hedge a request
}

CallRunner::~CallRunner() {
  done();
  chain.on_released();
}

void CallRunner::cut_off(Outcome why) {
  cut_off_ = why;
  if (attempt() != nullptr) forward().cut_off(why);
  if (fallback_) fallback_->cut_off(why);
}

void CallRunner::on_client_stalled() {
  chain.on_client_stalled();
  if (attempt() != nullptr) forward().client_waits();
  if (fallback_) fallback_->on_client_stalled();
}

void CallRunner::on_client_resumed() {
  if (attempt() != nullptr) forward().client_took();
  if (fallback_) fallback_->on_client_resumed();
}

const std::shared_ptr<EndpointState>& CallRunner::endpoint() const {
  static const std::shared_ptr<EndpointState> kNone;
  return attempt() != nullptr ? attempt()->forward.endpoint() : kNone;
}

// ------------------------------------------------------------------------------------------------------ the way in

// The upstream, unless a filter or a limit answers in its place.
Task<void> CallRunner::ask(Reply& reply, Time now) {
  if (call.endpoint_breakers) call.endpoint_available = worker_.balancer().has_choice(upstream, now);
  const Step step = chain.on_request(call, reply, now);
  if (proceeds(step)) return ask_upstream(reply);
  if (std::holds_alternative<Wait>(step)) return ask_after_wait(step, reply);
  accept(std::get<Answer>(step), reply);
  return Task<void>::ended();
}

Task<void> CallRunner::ask_after_wait(Step step, Reply& reply) {
  while (const Wait* const what = std::get_if<Wait>(&step)) {
    co_await pause_.until_come(*what);
    end_pause();
    if (exchange().outcome != Outcome::pending) co_return fail(reply);
    if (call.endpoint_breakers) call.endpoint_available = worker_.balancer().has_choice(upstream, steady_now());
    step = chain.on_request(call, reply, steady_now());
  }
  if (proceeds(step))
    co_await ask_upstream(reply);
  else
    accept(std::get<Answer>(step), reply);
}

void CallRunner::accept(const Answer& answer, const Reply& reply) {
  count_refusal(call.limited_by_route ? inbound_.route->own->limits->refused.of(worker_.index()) : cells().refused,
                reply.problem);
  wants_refresh_ = answer.refresh;
  if (reply.problem == Problem::circuit_breaker_open) call.set(Flag::circuit_open);
  if (exchange().outcome == Outcome::pending) exchange().outcome = Outcome::local;
}

void CallRunner::end_pause() {
  if (pause_.is_broken()) exchange().outcome = cut_off_.value_or(Outcome::client_gone);
}

// With one more attempt, and with others where an endpoint was not even reached.
Task<void> CallRunner::ask_upstream(Reply& reply) {
  for (;;) {
    const Time now = attempt() != nullptr || call.permitted == kNever ? steady_now() : call.permitted;
    const Step step = attempts_.begin(reply, now);
    if (proceeds(step)) co_await attempts_.fetch_head();
    if (forward().has_head()) break;
    if (cut_off_ || !attempts_.may_go_elsewhere()) {
      const auto* answer = std::get_if<Answer>(&step);
      if (answer == nullptr) co_return fail(reply);
      upstream.state->breaker.count_rejection(reply.retry_after.value_or(milliseconds::zero()), now);
      co_return accept(*answer, reply);
    }
    co_await attempts_.end(ended_at());
    clear(reply);  // the endpoint's breaker may have rejected it
  }
  const Response& response = forward().response();
  reply.status = response.status;
  if (!reply.fields.has_room()) reply.fields = worker_.take_fields();
  reply.fields = response.fields;
}

// The reply is lost; its connection will do for the next attempt. False: there was none, and the reply stands.
Task<bool> CallRunner::ask_again(Reply& reply, Time not_before) {
  Time ended = ended_at();
  if (not_before > steady_now()) {
    // What the first attempt is and how long this takes is not the upstream's any more, nor anybody's.
    const Time began = steady_now();
    if (attempt() != nullptr) forward().suspend();
    ended = ended_at();
    co_await pause_.until(not_before);
    if (attempt() != nullptr) forward().resume();
    const Time now = steady_now();
    call.paused += now - began;
    const bool may = !pause_.is_broken() && now < call.total_at &&  // a deadline fires a little late
                     context.breaker->still_closed(call.generation, now);
    if (!may) {
      call.retries_are_over = true;
      --call.retries_made;  // there was none
      if (pause_.is_broken()) conclude(ended);
      end_pause();
      call.note(Decision::retry_given_up, now);
      co_return false;
    }
  }
  attempts_.note_failure();
  co_await attempts_.end(ended);
  clear(reply);
  attempts_.forget_failures_of_all(steady_now());
  co_await ask_upstream(reply);
  co_return true;
}

void CallRunner::fail(Reply& reply) {
  set_failure_flag(call);
  reply = failure_reply(call);
}

// ------------------------------------------------------------------------------------------------------ the way out

Task<CallRunner*> CallRunner::resolve(Reply& reply, Time now) {
  if (Task<void> asking = ask(reply, now); !asking.is_ready()) {
    co_await asking;
    now = answered_at();
  }
  co_return co_await decide(reply, now);
}

Task<CallRunner*> CallRunner::decide(Reply& reply, Time now) {
  if (call.retries->attempts > 0) attempts_.note_endpoints(reply, now);
  if (!done_)
    if (const Step step = chain.on_reply(call, reply, now); !proceeds(step)) return decide_by_asking(step, reply);
  settle(reply, now);
  return Task<CallRunner*>::ended(this);
}

// While filters want something else to be asked in the reply's place.
Task<CallRunner*> CallRunner::decide_by_asking(Step step, Reply& reply) {
  while (const Ask* const ask = std::get_if<Ask>(&step)) {
    if (ask->upstream.empty()) {
      if (!call.context->body_replayable && !call.nothing_sent) break;
      const bool asked = co_await ask_again(reply, ask->not_before);
      if (!asked && is_forsaken(exchange().outcome)) break;
      if (call.retries->attempts > 0) attempts_.note_endpoints(reply, answered_at());
      step = chain.on_reply(call, reply, answered_at());
      continue;
    }
    Reply other;
    CallRunner* const source = co_await ask_other(*snapshot_.upstream(ask->upstream), other);  // it exists: validated
    const auto result = result_of_fallback(*source, other);
    const bool answered = !result || result == FallbackResult::hit;
    if (!answered) {
      co_await fallback_->release();
      call.nothing_sent = call.nothing_sent && fallback_->call.nothing_sent;  // the next step must know of it
    }
    if (result) step = chain.on_result(call, reply, *result, steady_now());
    if (!answered) continue;
    reply = std::move(other);
    co_await let_go();
    settle(reply, steady_now());
    co_return source;
  }
  co_await keep_own(reply);
  settle(reply, steady_now());
  co_return this;
}

// The call is judged before another upstream is asked; its reply stays good in case all else fails.
Task<CallRunner*> CallRunner::ask_other(const Upstream& other, Reply& reply) {
  if (fallback_) {
    fallback_->forgo_verdict();  // nobody is to wait for it
    co_await fallback_->finish();
  }
  if (attempt() != nullptr) forward().suspend();
  done();
  auto next = std::make_unique<CallRunner>(*this, other);
  next->earlier_fallback_ = std::move(fallback_);
  fallback_ = std::move(next);
  co_return co_await fallback_->resolve(reply, steady_now());
}

Task<void> CallRunner::keep_own(const Reply& reply) {
  if (reply.origin != Reply::Origin::upstream) co_return co_await let_go();
  forward().resume();
}

// It is known what goes to the client. What is not relayed is over, however slowly that is taken.
void CallRunner::settle(const Reply& reply, Time now) {
  if (reply.origin != Reply::Origin::upstream) conclude(now);
  count_fallbacks(cells(), call);  // before the reply goes out: who has read it finds it counted
}

void CallRunner::conclude(Time now) {
  if (attempt() != nullptr)
    forward().abandon(Outcome::abandoned);
  else if (exchange().outcome == Outcome::pending)
    exchange().outcome = Outcome::abandoned;
  done(now);
}

// What the step to another upstream has come to; nullopt: to nothing, for the client has ended it.
std::optional<FallbackResult> CallRunner::result_of_fallback(const CallRunner& source, const Reply& reply) const {
  const Outcome outcome = fallback_->exchange().outcome;
  if (is_forsaken(outcome) || is_forsaken(source.exchange().outcome) || outcome == Outcome::client_fault)
    return std::nullopt;
  if (reply.problem == Problem::circuit_breaker_open) return FallbackResult::miss;
  const bool failed = reply.origin == Reply::Origin::upstream
                          ? call.fallback->on.has_status(source.exchange().upstream_status)
                          : reply.origin == Reply::Origin::problem;
  return failed ? FallbackResult::error : FallbackResult::hit;
}

// What it still has of its upstream, be it a response that was put aside, others may have. It is judged before: its
// response is gone afterwards.
Task<void> CallRunner::let_go() {
  if (!done_) conclude(ended_at());
  if (call.runs_on) co_return;
  if (attempt() != nullptr) co_await forward().finish();
  chain.on_released();
}

std::string_view CallRunner::next_piece() {
  const std::string_view piece = forward().next_piece();
  if (done_) return piece;
  if (!piece.empty()) chain.on_body(call, piece);
  if (exchange().outcome == Outcome::complete) done(exchange().response_end);
  return piece;
}

// ------------------------------------------------------------------------------------------------------ the end

// When the reply came that is at hand.
Time CallRunner::answered_at() const {
  return exchange().response_head != kNever ? exchange().response_head : ended_at();
}

// When the upstream's part ended: what falls due together is reported with its own times.
Time CallRunner::ended_at() const { return exchange().response_end != kNever ? exchange().response_end : steady_now(); }

void CallRunner::done() {
  if (!done_) done(ended_at());
}

void CallRunner::done(Time now) {
  if (done_) return;
  done_ = true;
  const bool keeps_slot = call.runs_on || (attempt() != nullptr && forward().is_suspended());
  if (!keeps_slot) chain.on_released();  // who has the last byte may ask again at once
  set_failure_flag(call);
  if (attempt() != nullptr) attempt()->filters.on_done(call, exchange(), now);
  chain.on_done(call, now);
  observe_latency(cells(), call, inbound_.sampled_trace(), now);
  count_retries(cells(), call);
}

Task<void> CallRunner::finish() {
  if (!done_) conclude(ended_at());
  set_failure_flag(call);  // of a response that was put aside, and relayed after all
  if (call.runs_on) return finish_without_client();
  Task<void> end = attempt() != nullptr ? forward().finish() : Task<void>::ended();
  if (!end.is_ready() || fallback_) return finish_after(std::move(end));
  chain.on_released();
  return end;
}

// What the upstream does now is the breaker's alone: the client has had its answer, if any.
Task<void> CallRunner::finish_without_client() {
  const Outcome outcome = exchange().outcome;
  co_await forward().run_on();
  end_without_client();
  observe_latency(cells(), call, inbound_.sampled_trace(), ended_at());
  exchange().outcome = outcome;
  co_await finish_after(forward().finish());
}

void CallRunner::forgo_verdict() {
  if (fallback_) fallback_->forgo_verdict();
  if (call.runs_on) end_without_client();
}

void CallRunner::end_without_client() {
  call.runs_on = false;
  if (attempt() != nullptr) attempt()->filters.on_verdict(call, exchange(), ended_at());
  chain.on_verdict(call, ended_at());
}

void CallRunner::stop_running_on() {
  if (attempt() != nullptr) forward().stop_running_on();
  if (fallback_) fallback_->stop_running_on();
}

Task<void> CallRunner::finish_after(Task<void> end) {
  co_await end;
  chain.on_released();
  if (fallback_) co_await fallback_->finish();
}

}  // namespace fusewire::proxy

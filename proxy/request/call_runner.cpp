// SPDX-License-Identifier: Apache-2.0
#include "proxy/request/call_runner.hpp"

#include <utility>

#include "proxy/net/clock.hpp"
#include "proxy/request/loop_waker.hpp"
#include "proxy/request/own_answer.hpp"

namespace fusewire::proxy {

namespace {

constexpr std::size_t kMaxElsewhere = 4;  // endpoints that a request goes on to, one after the other

void set_failure_flag(Call& call) { call.flags = static_cast<Flags>(call.flags | row(call.exchange->outcome).flags); }

}  // namespace

CallRunner::CallRunner(WorkerContext& worker, Inbound& inbound, const RequestContext& context, const Snapshot& snapshot,
                       const Upstream& to, const CallRules& rules)
    : chain(to.chain), upstream(to), worker_(worker), inbound_(inbound), snapshot_(snapshot) {
  call.context = &context;
  call.exchange = &unsent_;
  call.upstream = to.config;
  call.timeouts = &rules.timeouts;
  call.fallback = &rules.fallback;
  call.retries = &rules.retries;
  call.endpoint_breakers = worker.balancer().has_endpoint_breakers(to, context.started);
  call.cache_scope = inbound.cache_scope.empty() ? inbound.route->cache_scope : inbound.cache_scope;
  call.connection_bound = inbound.connection_bound || (inbound.bound && inbound.bound->has(*to.state));
}

CallRunner::CallRunner(const CallRunner& first, const Upstream& to)
    : CallRunner(first.worker_, first.inbound_, *first.call.context, first.snapshot_, to,
                 {to.config->timeouts, to.config->fallback, to.config->retries}) {
  call.total_at = first.call.total_at;
}

CallRunner::~CallRunner() {
  done();
  give_slot_back();
}

void CallRunner::give_slot_back() { chain.on_released(); }

void CallRunner::cut_off(Outcome why) {
  cut_off_ = why;
  if (attempt_) attempt_->forward.cut_off(why);
  if (fallback_) fallback_->cut_off(why);
}

void CallRunner::on_client_stalled() {
  chain.on_client_stalled();
  if (attempt_) attempt_->forward.client_waits();
  if (fallback_) fallback_->on_client_stalled();
}

void CallRunner::on_client_resumed() {
  if (attempt_) attempt_->forward.client_took();
  if (fallback_) fallback_->on_client_resumed();
}

const std::shared_ptr<EndpointState>& CallRunner::endpoint() const {
  static const std::shared_ptr<EndpointState> kNone;
  return attempt_ ? attempt_->forward.endpoint() : kNone;
}

// ------------------------------------------------------------------------------------------------------ the way in

// The upstream, unless a filter or a limit answers in its place.
Task<void> CallRunner::ask(Reply& reply, Time now) {
  const Step step = chain.on_request(call, reply, now);
  if (proceeds(step)) return ask_upstream(reply);
  if (std::holds_alternative<Wait>(step)) return ask_after_wait(step, reply);
  accept(std::get<Answer>(step), reply);
  return Task<void>::ended();
}

Task<void> CallRunner::ask_after_wait(Step step, Reply& reply) {
  while (const Wait* const what = std::get_if<Wait>(&step)) {
    co_await wait(*what);
    if (exchange().outcome != Outcome::pending) co_return fail(reply);
    step = chain.on_request(call, reply, steady_now());
  }
  if (proceeds(step))
    co_await ask_upstream(reply);
  else
    accept(std::get<Answer>(step), reply);
}

void CallRunner::accept(const Answer& answer, const Reply& reply) {
  count_limits(reply.problem);
  wants_refresh_ = answer.refresh;
  if (exchange().outcome == Outcome::pending) exchange().outcome = Outcome::local;
}

// Until what a filter waits for has come, or it waits no longer.
Task<void> CallRunner::wait(const Wait& wait) {
  const auto waker = std::make_shared<LoopWaker>(worker_.loop(), inbound_.event);
  const LoopWaker::Listening listening(*waker);
  if (!wait.what->await(waker)) co_return;
  bool late = false;
  Deadline patience(worker_.deadlines(), [&] {
    late = true;
    inbound_.event.set();
  });
  patience.arm(wait.until);
  while (!waker->woken() && !late && !cut_off_ && !inbound_.client.gone()) {
    inbound_.client.listen();
    co_await inbound_.event.wait();
  }
  end_wait();
}

Task<void> CallRunner::sleep(Time until) {
  Deadline timer(worker_.deadlines(), [this] { inbound_.event.set(); });
  timer.arm(until);
  while (steady_now() < until && !cut_off_ && !inbound_.client.gone()) {
    inbound_.client.listen();
    co_await inbound_.event.wait();
  }
  end_wait();
}

void CallRunner::end_wait() {
  if (cut_off_ || inbound_.client.gone()) exchange().outcome = cut_off_.value_or(Outcome::client_gone);
}

// With one more attempt, and with others where an endpoint was not even reached.
Task<void> CallRunner::ask_upstream(Reply& reply) {
  for (;;) {
    const Time now = attempt_ || call.permitted == kNever ? steady_now() : call.permitted;
    Attempt& attempt = attempt_.emplace(worker_, inbound_, upstream, snapshot_.via, call, chain, tried_);
    const Step step = attempt.begin(reply, now);
    if (proceeds(step)) co_await attempt.forward.fetch_head();
    if (attempt.forward.has_head()) break;
    if (!may_go_elsewhere()) {
      if (const auto* answer = std::get_if<Answer>(&step)) co_return accept(*answer, reply);
      co_return fail(reply);
    }
    co_await end_attempt(ended_at());
  }
  const Response& response = attempt_->forward.response();
  reply.status = response.status;
  if (!reply.fields.has_room()) reply.fields = worker_.take_fields();
  reply.fields = response.fields;
}

// Whether another endpoint is to be asked at once: this one was sent nothing, which is no retry, whatever the method.
bool CallRunner::may_go_elsewhere() {
  const Attempt& attempt = *attempt_;
  if (!attempt.streams.endpoint() || !attempt.x.nothing_sent || call.connection_bound || call.runs_on) return false;
  const Outcome outcome = attempt.x.outcome;
  if (outcome != Outcome::pending && row(outcome).fault != FaultOf::upstream) return false;
  if (outcome == Outcome::total_timeout || cut_off_ || inbound_.client.gone()) return false;
  if (tried_.size() >= kMaxElsewhere) return false;
  tried_.push_back(attempt.streams.id());
  const Time now = steady_now();
  const bool may = now < call.total_at && worker_.balancer().can_choose(upstream, now, tried_);
  if (!may) tried_.pop_back();
  if (may) call.note(Decision::endpoint_skipped, now);
  return may;
}

// Its endpoint's part is over; the call goes on with another attempt.
Task<void> CallRunner::end_attempt(Time now) {
  Forward& forward = attempt_->forward;
  forward.abandon(Outcome::abandoned);
  attempt_->filters.on_done(call, now);
  call.flags = static_cast<Flags>(call.flags & ~row(exchange().outcome).flags);
  attempts_before_ += forward.attempts();
  ended_attempts_.push_back(attempt_->ended());
  return forward.finish();
}

// The reply is lost; its connection will do for the next attempt. False: there was none, and the reply stands.
Task<bool> CallRunner::ask_again(Reply& reply, Time not_before) {
  if (not_before > steady_now()) {
    co_await sleep(not_before);
    const Time now = steady_now();
    const bool may = !is_forsaken(exchange().outcome) && upstream.state->breaker.still_closed(call.generation, now);
    call.retries_are_over = !may;
    if (!may) call.note(Decision::retry_given_up, now);
    if (!may) co_return false;
  }
  if (row(exchange().outcome).fault == FaultOf::upstream || reply.status >= 500)
    tried_.push_back(attempt_->streams.id());
  co_await end_attempt(ended_at());
  Fields fields = std::move(reply.fields);  // their memory will do for the next
  reply = {};
  reply.fields = std::move(fields);
  if (!worker_.balancer().can_choose(upstream, steady_now(), tried_)) tried_.clear();
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
  if (call.endpoint_breakers) note_endpoints(reply, now);
  if (!done_)
    if (const Step step = chain.on_reply(call, reply, now); !proceeds(step)) return decide_by_asking(step, reply);
  settle(reply, now);
  return Task<CallRunner*>::ended(this);
}

// Where the reply may be followed by another attempt: whether that has somewhere to go.
void CallRunner::note_endpoints(const Reply& reply, Time now) {
  if (!attempt_ || !attempt_->streams.endpoint()) return;
  if (reply.origin == Reply::Origin::upstream && reply.status < 400) return;
  call.another_endpoint = worker_.balancer().can_choose(upstream, now, {attempt_->streams.id()});
  call.endpoint_available = call.another_endpoint || worker_.balancer().can_choose(upstream, now, {});
}

// While filters want something else to be asked in the reply's place.
Task<CallRunner*> CallRunner::decide_by_asking(Step step, Reply& reply) {
  while (const Ask* const ask = std::get_if<Ask>(&step)) {
    if (ask->upstream.empty()) {
      if (!call.context->body_replayable && !call.nothing_sent) break;
      const bool asked = co_await ask_again(reply, ask->not_before);
      if (!asked && is_forsaken(exchange().outcome)) break;
      if (call.endpoint_breakers) note_endpoints(reply, answered_at());
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
  if (attempt_) attempt_->forward.suspend();
  done();
  auto next = std::make_unique<CallRunner>(*this, other);
  next->earlier_fallback_ = std::move(fallback_);
  fallback_ = std::move(next);
  co_return co_await fallback_->resolve(reply, steady_now());
}

Task<void> CallRunner::keep_own(const Reply& reply) {
  if (reply.origin != Reply::Origin::upstream) co_return co_await let_go();
  attempt_->forward.resume();
}

// It is known what goes to the client. What is not relayed is over, however slowly that is taken.
void CallRunner::settle(const Reply& reply, Time now) {
  if (reply.origin != Reply::Origin::upstream) conclude(now);
  count_fallbacks();  // before the reply goes out: who has read it finds it counted
}

void CallRunner::conclude(Time now) {
  if (attempt_)
    attempt_->forward.abandon(Outcome::abandoned);
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
  if (attempt_) co_await attempt_->forward.finish();
  give_slot_back();
}

std::string_view CallRunner::next_piece() {
  const std::string_view piece = attempt_->forward.next_piece();
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
  const bool keeps_slot = call.runs_on || (attempt_ && attempt_->forward.is_suspended());
  if (!keeps_slot) give_slot_back();  // who has the last byte may ask again at once
  set_failure_flag(call);
  if (attempt_) attempt_->filters.on_done(call, now);
  chain.on_done(call, now);
  observe_latency(now);
  count_retries();
}

void CallRunner::count_limits(Problem problem) {
  auto& refused = upstream.state->cells.of(worker_.index()).refused;
  if (problem == Problem::rate_limited) refused[UpstreamCells::by_rate].add();
  if (problem == Problem::concurrency_limit) refused[UpstreamCells::by_concurrency].add();
  if (problem == Problem::queue_timeout) refused[UpstreamCells::by_queue_timeout].add();
}

void CallRunner::count_retries() {
  auto& cells = upstream.state->cells.of(worker_.index());
  if (call.over_retry_budget) cells.retries[UpstreamCells::over_budget].add();
  if (call.retries_made == 0) return;
  const bool good = exchange().outcome == Outcome::complete && call.verdict == Verdict::success;
  cells.retries[good ? UpstreamCells::retry_success : UpstreamCells::retry_failure].add();
  cells.retries[UpstreamCells::retry_failure].add(call.retries_made - 1U);
}

void CallRunner::observe_latency(Time now) {
  if (call.permitted == kNever || call.verdict == Verdict::none || call.verdict == Verdict::neutral) return;
  const Exchange& x = exchange();
  const auto kind = call.verdict == Verdict::success                          ? UpstreamCells::success
                    : row(x.outcome).failure == breaker::FailureKind::timeout ? UpstreamCells::timeout
                                                                              : UpstreamCells::failure;
  upstream.state->cells.of(worker_.index())
      .latency[kind]
      .observe((x.response_end == kNever ? now : x.response_end) - call.permitted);
}

void CallRunner::count_fallbacks() {
  if (call.fallback_runs == FallbackRuns{}) return;
  auto& cells = upstream.state->cells.of(worker_.index()).fallback;
  for (std::size_t type = 0; type < 3; ++type)
    for (std::size_t result = 0; result < 3; ++result)
      if (const auto n = std::exchange(call.fallback_runs.count[type][result], std::uint8_t{0}))
        cells[type][result].add(n);
}

Task<void> CallRunner::finish() {
  if (!done_) conclude(ended_at());
  set_failure_flag(call);  // of a response that was put aside, and relayed after all
  if (call.runs_on) return finish_without_client();
  Task<void> end = attempt_ ? attempt_->forward.finish() : Task<void>::ended();
  if (!end.is_ready() || fallback_) return finish_after(std::move(end));
  give_slot_back();
  return end;
}

// What the upstream does now is the breaker's alone: the client has had its answer, if any.
Task<void> CallRunner::finish_without_client() {
  const Outcome outcome = exchange().outcome;
  co_await attempt_->forward.run_on();
  end_without_client();
  observe_latency(ended_at());
  exchange().outcome = outcome;
  co_await finish_after(attempt_->forward.finish());
}

void CallRunner::forgo_verdict() {
  if (fallback_) fallback_->forgo_verdict();
  if (call.runs_on) end_without_client();
}

void CallRunner::end_without_client() {
  call.runs_on = false;
  if (attempt_) attempt_->filters.on_verdict(call, ended_at());
  chain.on_verdict(call, ended_at());
}

void CallRunner::stop_running_on() {
  if (attempt_) attempt_->forward.stop_running_on();
  if (fallback_) fallback_->stop_running_on();
}

Task<void> CallRunner::finish_after(Task<void> end) {
  co_await end;
  give_slot_back();
  if (fallback_) co_await fallback_->finish();
}

}  // namespace fusewire::proxy

// SPDX-License-Identifier: Apache-2.0
#include "proxy/request/attempt.hpp"

#include <algorithm>

#include "filters/timeout/timeout_filter.hpp"
#include "proxy/net/clock.hpp"
#include "proxy/request/follower.hpp"
#include "proxy/request/own_answer.hpp"

namespace fusewire::proxy {

namespace {

// For so many fetches a request waits. Where their leaders leave one after the other it asks alone then.
constexpr int kMaxWaits = 2;

void set_failure_flag(Exchange& x) { x.flags = static_cast<Flags>(x.flags | row(x.outcome).flags); }

}  // namespace

Attempt::Attempt(WorkerContext& worker, Inbound& inbound, const Snapshot& snapshot, const Upstream& to,
                 const config::Timeouts& timeouts, const config::Fallback& fallback, Time started, WallTime wall)
    : chain(to.chain),
      forward(worker, inbound, to, snapshot.via, x, chain),
      upstream(to),
      worker_(worker),
      inbound_(inbound),
      snapshot_(snapshot) {
  x.request = &inbound.request;
  x.upstream = to.config;
  x.timeouts = &timeouts;
  x.fallback = &fallback;
  x.cache_scope = inbound.cache_scope.empty() ? inbound.route->cache_scope : inbound.cache_scope;
  x.wall = wall;
  x.body_replayable = inbound.body.done();
  x.connection_bound = inbound.connection_bound || (inbound.bound && inbound.bound->has(*to.state));
  x.started = started;
}

Attempt::Attempt(const Attempt& first, const Upstream& to)
    : Attempt(first.worker_, first.inbound_, first.snapshot_, to,
              &to == &first.upstream ? *first.x.timeouts : to.config->timeouts,
              &to == &first.upstream ? *first.x.fallback : to.config->fallback, first.x.started,
              std::chrono::system_clock::now()) {
  x.background = first.x.background;
}

Attempt::~Attempt() {
  done();
  give_slot_back();
}

void Attempt::give_slot_back() {
  if (std::exchange(has_slot_, false)) upstream.state->concurrent_requests.fetch_sub(1, std::memory_order_relaxed);
}

void Attempt::cut_off(Outcome why) {
  cut_off_ = why;
  forward.cut_off(why);
  if (detour_) detour_->cut_off(why);
}

void Attempt::on_client_stalled() {
  chain.on_client_stalled();
  forward.client_waits();
  if (detour_) detour_->on_client_stalled();
}

void Attempt::on_client_resumed() {
  forward.client_took();
  if (detour_) detour_->on_client_resumed();
}

bool Attempt::acquire_slot() {
  return has_slot_ = acquire_one(upstream.state->concurrent_requests, upstream.config->limits.max_concurrent_requests);
}

// The upstream, unless a filter or a limit answers in its place.
Task<void> Attempt::ask(Reply& reply, Time now) {
  auto own = chain.on_request(x, now);
  if (x.hold == Hold::wait) return ask_after_another(reply);
  if (!own) return ask_upstream(reply);
  answer_with(std::move(*own), reply);
  return Task<void>::ended();
}

// While somebody else asks for the same thing, this one waits for what comes of it.
Task<void> Attempt::ask_after_another(Reply& reply) {
  std::optional<Reply> own;
  for (int waits = 1; x.hold == Hold::wait; ++waits) {
    co_await follow();
    if (x.outcome != Outcome::pending) co_return fail(reply);
    if (waits == kMaxWaits) x.hold = Hold::alone;
    own = chain.on_request(x, steady_now());
  }
  if (own) co_return answer_with(std::move(*own), reply);
  co_await ask_upstream(reply);
}

void Attempt::answer_with(Reply own, Reply& reply) {
  reply = std::move(own);
  if (x.outcome == Outcome::pending) x.outcome = Outcome::local;
}

Task<void> Attempt::ask_upstream(Reply& reply) {
  if (!acquire_slot()) {
    x.outcome = Outcome::overload;
    set_failure_flag(x);
    reply = too_many_requests_reply(upstream.config->name);
    co_return;
  }
  co_await forward.fetch_head();
  if (!forward.has_head()) co_return fail(reply);
  reply.status = forward.response().status;
  if (!reply.fields.has_room()) reply.fields = worker_.take_fields();
  reply.fields = forward.response().fields;
}

void Attempt::fail(Reply& reply) {
  set_failure_flag(x);
  reply = failure_reply(x);
}

// Until the fetch that may answer this request, too, has ended; or for as long as an upstream may take to answer.
Task<void> Attempt::follow() {
  const auto follower = std::make_shared<LoopFollower>(worker_.loop(), inbound_.event);
  x.hold = Hold::again;
  if (!chain.follow(follower)) co_return;
  bool late = false;
  Deadline patience(worker_.deadlines(), [&] {
    late = true;
    inbound_.event.set();
  });
  patience.arm(x.started + std::min(x.timeouts->response, total_of(x)));
  while (!follower->ended() && !late && !cut_off_ && !inbound_.client.gone()) {
    inbound_.client.listen();
    co_await inbound_.event.wait();
  }
  follower->forget();
  if (cut_off_ || inbound_.client.gone())
    x.outcome = cut_off_.value_or(Outcome::client_gone);
  else if (follower->ended() != cache::Ended::vacant)
    x.hold = Hold::alone;
}

Task<Attempt*> Attempt::resolve(Reply& reply, Time now) {
  if (Task<void> asking = ask(reply, now); !asking.is_ready()) {
    co_await asking;
    now = x.response_head != kNever ? x.response_head : ended_at();
  }
  co_return co_await decide(reply, now);
}

Task<Attempt*> Attempt::decide(Reply& reply, Time now) {
  if (!done_) chain.on_reply(x, reply, now);
  if (chain.detour()) return decide_by_detours(reply);
  settle(reply, now);
  return Task<Attempt*>::ended(this);
}

Task<Attempt*> Attempt::decide_by_detours(Reply& reply) {
  Attempt* const source = co_await take_detours(reply);
  settle(reply, steady_now());
  co_return source;
}

// It is known what goes to the client. What is not relayed is over, however slowly that is taken.
void Attempt::settle(const Reply& reply, Time now) {
  if (reply.origin != Reply::Origin::upstream) conclude(now);
  count_fallbacks();  // before the reply goes out: who has read it finds it counted
}

void Attempt::conclude(Time now) {
  forward.abandon(Outcome::abandoned);
  done(now);
}

// The first attempt is judged before another upstream is asked; its reply stays good in case all else fails.
Task<Attempt*> Attempt::take_detours(Reply& reply) {
  while (const auto name = chain.detour()) {
    if (detour_) {
      detour_->forgo_verdict();  // nobody is to wait for it
      co_await detour_->finish();
    }
    forward.suspend();
    done();
    const Upstream* to = snapshot_.upstream(*name);  // validated at load: never null
    const bool again = to == &upstream;
    if (again) co_await forward.finish();  // its connection will do for the second time
    detour_ = std::make_unique<Attempt>(*this, *to);
    detour_->x.total_at = x.total_at;
    Reply other;
    Attempt* source = co_await detour_->resolve(other, steady_now());
    const auto result = again ? std::nullopt : result_of_detour(*source, other);
    if (!result || result == FallbackResult::hit) {
      if (result) chain.answered(x);
      reply = std::move(other);
      co_await let_go();
      co_return source;
    }
    co_await detour_->release();
    x.nothing_sent = x.nothing_sent && detour_->x.nothing_sent;  // the next step must know what this one has sent
    chain.resume(x, reply, *result, steady_now());
  }
  if (reply.origin == Reply::Origin::upstream)
    forward.resume();
  else
    co_await let_go();
  co_return this;
}

// What the step to another upstream has come to; nullopt: to nothing, for the client has ended it.
std::optional<FallbackResult> Attempt::result_of_detour(const Attempt& source, const Reply& reply) const {
  if (is_forsaken(detour_->x.outcome) || is_forsaken(source.x.outcome) || detour_->x.outcome == Outcome::client_fault)
    return std::nullopt;
  if (reply.problem == Problem::circuit_breaker_open) return FallbackResult::miss;
  const bool failed = reply.origin == Reply::Origin::upstream ? x.fallback->on.has_status(source.x.upstream_status)
                                                              : reply.origin == Reply::Origin::problem;
  return failed ? FallbackResult::error : FallbackResult::hit;
}

// What it still has of its upstream, be it a response that was put aside, others may have.
Task<void> Attempt::let_go() {
  if (x.runs_on) co_return;
  co_await forward.finish();
  give_slot_back();
}

std::string_view Attempt::next_piece() {
  const std::string_view piece = forward.next_piece();
  if (done_) return piece;
  if (!piece.empty()) chain.on_body(x, piece);
  if (x.outcome == Outcome::complete) done(x.response_end);
  return piece;
}

// When the upstream's part ended: what falls due together is reported with its own times.
Time Attempt::ended_at() const { return x.response_end != kNever ? x.response_end : steady_now(); }

void Attempt::done() {
  if (!done_) done(ended_at());
}

void Attempt::done(Time now) {
  if (done_) return;
  done_ = true;
  if (!forward.is_suspended() && !x.runs_on) give_slot_back();  // who has the last byte may ask again at once
  set_failure_flag(x);
  chain.on_done(x, now);
  observe_latency(now);
}

void Attempt::observe_latency(Time now) {
  if (x.permitted == kNever || x.verdict == Verdict::none || x.verdict == Verdict::neutral) return;
  const auto kind = x.verdict == Verdict::success                             ? UpstreamCells::success
                    : row(x.outcome).failure == breaker::FailureKind::timeout ? UpstreamCells::timeout
                                                                              : UpstreamCells::failure;
  upstream.state->cells.of(worker_.index())
      .latency[kind]
      .observe((x.response_end == kNever ? now : x.response_end) - x.permitted);
}

void Attempt::count_fallbacks() {
  if (x.fallback_runs == FallbackRuns{}) return;
  auto& cells = upstream.state->cells.of(worker_.index()).fallback;
  for (std::size_t type = 0; type < 3; ++type)
    for (std::size_t result = 0; result < 3; ++result)
      if (const auto n = std::exchange(x.fallback_runs.count[type][result], std::uint8_t{0}))
        cells[type][result].add(n);
}

Task<void> Attempt::finish() {
  if (!done_) conclude(ended_at());
  if (x.runs_on) return finish_without_client();
  Task<void> end = forward.finish();
  if (!end.is_ready() || detour_) return finish_after(std::move(end));
  give_slot_back();
  return end;
}

// What the upstream does now is the breaker's alone: the client has had its answer, if any.
Task<void> Attempt::finish_without_client() {
  const Outcome outcome = x.outcome;
  co_await forward.run_on();
  chain.on_verdict(x, ended_at());
  observe_latency(ended_at());
  x.outcome = outcome;
  co_await finish_after(forward.finish());
}

void Attempt::forgo_verdict() {
  if (detour_) detour_->forgo_verdict();
  if (x.runs_on) chain.on_verdict(x, ended_at());
}

void Attempt::stop_running_on() {
  forward.stop_running_on();
  if (detour_) detour_->stop_running_on();
}

Task<void> Attempt::finish_after(Task<void> end) {
  co_await end;
  give_slot_back();
  if (detour_) co_await detour_->finish();
}

}  // namespace fusewire::proxy

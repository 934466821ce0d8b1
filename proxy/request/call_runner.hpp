// SPDX-License-Identifier: Apache-2.0
// Drives a request's dealing with one upstream: asks the call's filters, makes its attempts, waits where a filter wants
// to wait. A fallback to another upstream is a call of its own, owned by the first.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "filters/call_chain.hpp"
#include "proxy/request/attempts.hpp"
#include "proxy/request/pause.hpp"
#include "proxy/snapshot/snapshot.hpp"

namespace fusewire::proxy {

// What a route may say in its upstream's place, or have of its own.
struct CallRules {
  const ChainContext& chain;
  const config::CircuitBreaker& circuit_breaker;
  const config::Timeouts& timeouts;
  const config::Fallback& fallback;
  const config::Retries& retries;
  const config::RouteLimits* limits = nullptr;  // absent: those of the upstream alone
};
inline CallRules rules_of(const Upstream& upstream) {
  const config::Upstream& own = *upstream.config;
  return {upstream.chain, own.circuit_breaker, own.timeouts, own.fallback, own.retries};
}
inline CallRules rules_of(const Route& route) {
  const bool limited = route.own && route.own->limits;
  return {route.chain(),   *route.circuit_breaker, *route.timeouts,
          *route.fallback, *route.retries,         limited ? &route.config->limits : nullptr};
}

// Owned by RequestRunner::forward, by a Refresh, or (a fallback's) by the first call; on its worker's
// thread. It must outlive its upload, so finish() comes last. Use: resolve(); then relay the body with next_piece(), or
// answer what is in the Reply; done(), finish(). Invariants: filters hear on_done once; the slot of
// max_concurrent_requests is held from the moment in which the upstream is asked until done() or finish(); a fallback's
// call begins after the first one has had on_done.
class CallRunner {
 public:
  // The request is the one of `inbound`; both outlive the call.
  CallRunner(WorkerContext&, Inbound&, const RequestContext&, const Snapshot&, const Upstream&, const CallRules&);
  CallRunner(const CallRunner& first, const Upstream&);  // the fallback of `first`
  ~CallRunner();

  // Until the reply's head is known: the upstream's, a filter's, or the proxy's own. Gives the call that the body of an
  // upstream's reply comes from. Afterwards its outcome may be client_gone or cut_off: then there is nobody to reply
  // to.
  Task<CallRunner*> resolve(Reply&, Time now);
  // The filters' way out for a reply that is at hand since `now`; resolve() ends with it.
  Task<CallRunner*> decide(Reply&, Time now);
  // All waits on the upstream's side end now.
  void cut_off(Outcome why);
  // The client takes its answer slowly: nobody else is to wait for what it fetches, and the upstream is not blamed for
  // the time until on_client_resumed().
  void on_client_stalled();
  void on_client_resumed();

  const ChainContext& context;  // its upstream's, or its route's
  Call call;
  CallChain chain;
  const Upstream& upstream;

  Exchange& exchange() { return *call.exchange; }
  const Exchange& exchange() const { return *call.exchange; }
  // The last attempt's; only where the upstream was asked.
  Forward& forward() { return attempt()->forward; }
  unsigned attempts() const { return attempts_.count(); }
  const std::shared_ptr<EndpointState>& endpoint() const;  // empty: none was chosen
  // For the record: all attempts but the one whose exchange is the call's, that one (nullptr: there was none), and the
  // call that a fallback made last, which has those that were made before it.
  const std::vector<EndedAttempt>& ended_attempts() const { return attempts_.ended(); }
  Attempt* attempt() const { return attempts_.current(); }
  const CallRunner* fallback() const { return fallback_.get(); }
  const CallRunner* earlier_fallback() const { return earlier_fallback_.get(); }
  // Whether the reply is stale and is to be asked for anew, behind the client's back.
  bool wants_refresh() const { return wants_refresh_; }

  // The next piece of the upstream's body, which filters have seen; empty when there is nothing now: forward().wait().
  // Good until that is called. When the body is complete the call is done.
  std::string_view next_piece();

  // The upstream's part is over: filters hear of it once, as does this upstream's latency.
  void done(Time now);
  void done();  // if it was not, with the time of its end
  // Ends what still runs of this call and its fallback, and first of all the call: it is judged by what its response
  // says, which is gone afterwards. Where it runs on, this waits for the upstream: the client has its answer by then.
  Task<void> finish();
  // The same, but for one that runs on: its connection and its slot are for others from here on.
  Task<void> release() { return runs_on() ? Task<void>::ended() : finish(); }
  // Whether the upstream is still asked although the client has given it up (Call::runs_on).
  bool runs_on() const { return call.runs_on || (fallback_ && fallback_->runs_on()); }
  void stop_running_on();

 private:
  Task<void> ask(Reply&, Time now);
  Task<void> ask_after_wait(Step, Reply&);
  Task<void> ask_upstream(Reply&);
  Task<bool> ask_again(Reply&, Time not_before);
  void accept(const Answer&, const Reply&);
  void end_pause();
  void fail(Reply&);
  Time answered_at() const;
  Time ended_at() const;
  Task<CallRunner*> decide_by_asking(Step, Reply&);
  Task<CallRunner*> ask_other(const Upstream&, Reply&);
  Task<void> keep_own(const Reply&);
  void settle(const Reply&, Time now);
  void conclude(Time now);
  std::optional<FallbackResult> result_of_fallback(const CallRunner& source, const Reply&) const;
  Task<void> let_go();
  Task<void> finish_after(Task<void>);
  Task<void> finish_without_client();
  void forgo_verdict();
  void end_without_client();
  UpstreamCells& cells() { return upstream.state->cells.of(worker_.index()); }

  WorkerContext& worker_;
  Inbound& inbound_;
  const Snapshot& snapshot_;
  Exchange unsent_;  // what stands for the exchange before the first attempt
  Attempts attempts_;
  std::unique_ptr<CallRunner> fallback_;
  std::unique_ptr<CallRunner> earlier_fallback_;  // that has failed; it is over
  std::optional<Outcome> cut_off_;
  Pause pause_;
  bool done_ = false;
  bool wants_refresh_ = false;
};

}  // namespace fusewire::proxy

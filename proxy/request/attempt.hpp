// SPDX-License-Identifier: Apache-2.0
// A request's way through one upstream: the exchange, its filters, and the forwarding. A fallback to another upstream
// is a second attempt, owned by the first.
#pragma once

#include <memory>
#include <optional>

#include "filters/chain.hpp"
#include "proxy/snapshot/snapshot.hpp"
#include "proxy/upstream/forward.hpp"

namespace fusewire::proxy {

// Owned by the coroutine of Session::serve, by a Refresh, or (a detour) by the first attempt; on its worker's thread.
// It must outlive its upload, so finish() comes last. Use: resolve(); then relay the body with next_piece(), or answer
// what is in the Reply; done(), finish(). Invariants: filters hear on_done once; the slot of max_concurrent_requests is
// held from the moment in which the upstream is asked until done() or finish(); a detour is asked after its first
// attempt has had on_done.
class Attempt {
 public:
  Attempt(WorkerContext&, Inbound&, const Snapshot&, const Upstream&, const config::Timeouts&, const config::Fallback&,
          Time started, WallTime);
  Attempt(const Attempt& first, const Upstream&);  // the detour of `first`
  ~Attempt();

  // Until the reply's head is known: the upstream's, a filter's, or the proxy's own. Gives the attempt that the body of
  // an upstream's reply comes from. Afterwards x.outcome may be client_gone or cut_off: then there is nobody to reply
  // to.
  Task<Attempt*> resolve(Reply&, Time now);
  // The filters' way out for a reply that is at hand since `now`; resolve() ends with it.
  Task<Attempt*> decide(Reply&, Time now);
  // Whatever is waited for on the upstream's side ends now.
  void cut_off(Outcome why);
  // The client takes its answer slowly: nobody else is to wait for what it fetches, and the upstream is not blamed for
  // the time until on_client_resumed().
  void on_client_stalled();
  void on_client_resumed();

  Exchange x;
  Chain chain;
  Forward forward;
  const Upstream& upstream;

  // The next piece of the upstream's body, which filters have seen; empty when there is nothing now: forward.wait().
  // Good until that is called. When the body is complete the attempt is done.
  std::string_view next_piece();

  // The upstream's part is over: filters hear of it once, as does this upstream's latency.
  void done(Time now);
  void done();  // if it was not, with the time of its end
  // Ends what still runs of this attempt and its detour, and first of all the call: it is judged by what its response
  // says, which is gone afterwards. Where it runs on, this waits for the upstream: the client has its answer by then.
  Task<void> finish();
  // The same, but for one that runs on: its connection and its slot are for others from here on.
  Task<void> release() { return runs_on() ? Task<void>::ended() : finish(); }
  // Whether the upstream is still asked although the client has given it up (Exchange::runs_on).
  bool runs_on() const { return x.runs_on || (detour_ && detour_->runs_on()); }
  void stop_running_on();
  const Attempt* detour() const { return detour_.get(); }
  // The one whose fallback counts: a second question to the same upstream has its own.
  const Attempt& asked_last() const {
    return detour_ && &detour_->upstream == &upstream ? detour_->asked_last() : *this;
  }

 private:
  Task<void> ask(Reply&, Time now);
  Task<void> ask_after_another(Reply&);
  Task<void> ask_upstream(Reply&);
  void answer_with(Reply own, Reply&);
  Task<void> follow();
  void fail(Reply&);
  Time ended_at() const;
  Task<Attempt*> decide_by_detours(Reply&);
  Task<Attempt*> take_detours(Reply&);
  void settle(const Reply&, Time now);
  void conclude(Time now);
  std::optional<FallbackResult> result_of_detour(const Attempt& source, const Reply&) const;
  Task<void> let_go();
  Task<void> finish_after(Task<void>);
  Task<void> finish_without_client();
  void forgo_verdict();
  void observe_latency(Time now);
  bool acquire_slot();
  void give_slot_back();
  void count_fallbacks();

  WorkerContext& worker_;
  Inbound& inbound_;
  const Snapshot& snapshot_;
  std::unique_ptr<Attempt> detour_;
  std::optional<Outcome> cut_off_;
  bool has_slot_ = false;
  bool done_ = false;
};

}  // namespace fusewire::proxy

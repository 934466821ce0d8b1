// SPDX-License-Identifier: Apache-2.0
// The one place that names the filters and their order (why this order: docs/architecture.md). One chain an exchange,
// on the exchange's thread, made without allocation. Itself a filter to its attempt: see filter.hpp for the contract.
#pragma once

#include <optional>
#include <string_view>
#include <tuple>

#include "filters/breaker/breaker_filter.hpp"
#include "filters/cache/cache_filter.hpp"
#include "filters/chain_context.hpp"
#include "filters/fallback/fallback_filter.hpp"
#include "filters/filter.hpp"
#include "filters/timeout/timeout_filter.hpp"

namespace fusewire {

// Its attempt owns it, beside the exchange that it decides on. The calls come in the order of filter.hpp; the
// destructor makes up for an on_done that was not called. Invariants: after on_request, on_done runs once; a permit
// that the breaker gave has ended after it, or after on_verdict where x.runs_on was set. The chain never waits and
// knows no clock: its attempt does the waiting (`hold`, `detour`) and comes back.
class Chain {
 public:
  // The context outlives the chain.
  explicit Chain(const ChainContext&);
  // Calls on_done if nobody did, with the outcome as it is and the latest time that the chain has heard of.
  ~Chain();
  Chain(const Chain&) = delete;
  Chain& operator=(const Chain&) = delete;

  // The exchange outlives the chain. A Reply: nothing is sent upstream; hand it to on_reply like any other. When x.hold
  // says `wait`: follow() the fetch that it waits for, and call this again when that has ended, or never.
  std::optional<Reply> on_request(Exchange&, Time now);
  void on_reply(Exchange&, Reply&, Time now);
  void on_body(Exchange&, std::string_view piece);
  void on_due(Exchange&, Time now);
  Time next_due(const Exchange&) const;
  void on_done(Exchange&, Time now) noexcept;

  // Subscribes the follower to the end of the fetch that x waits for. False if that fetch has already ended.
  bool follow(std::shared_ptr<cache::Follower>);
  // Whether the upstream's response is on its way into the cache.
  bool remembers() const noexcept;
  // The client holds the response up: nobody is to wait for this exchange any longer.
  void on_client_stalled() noexcept;

  // Whether the call of a client that has given it up is to go on without one: x.runs_on is set then, on_done leaves
  // its permit open, and on_verdict ends it, with x.outcome.
  bool wants_verdict(const Exchange&) noexcept;
  void on_verdict(Exchange&, Time now) noexcept;

  // After on_reply or resume: the upstream that is to be asked instead of sending this reply, if there is one. The
  // attempt runs that exchange, with a chain of its own. At its end it calls `answered`, or, when another upstream has
  // failed too, resume with the reply at hand; neither where the client has ended it. What comes of asking the same
  // upstream again is the answer in any case.
  std::optional<std::string_view> detour() const noexcept;
  void answered(Exchange&) noexcept;
  void resume(Exchange&, Reply&, FallbackResult, Time now);

 private:
  std::tuple<CacheFilter, BreakerFilter, TimeoutFilter, FallbackFilter> filters_;
  Exchange* pending_ = nullptr;  // from on_request until on_done
  Time latest_{};
};

}  // namespace fusewire

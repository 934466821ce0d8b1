// SPDX-License-Identifier: Apache-2.0
// The one place that names the filters of a call and their order (why this order: docs/architecture.md). One chain a
// call, on the call's thread, made without allocation. Itself a filter to its driver: see call_filter.hpp for the
// contract.
#pragma once

#include <cstddef>
#include <string_view>
#include <tuple>

#include "filters/breaker/breaker_filter.hpp"
#include "filters/cache/cache_filter.hpp"
#include "filters/call_filter.hpp"
#include "filters/chain_context.hpp"
#include "filters/fallback/fallback_filter.hpp"
#include "filters/limits/concurrency_filter.hpp"
#include "filters/limits/rate_filter.hpp"
#include "filters/retry/retry_filter.hpp"
#include "filters/timeout/deadline_filter.hpp"

namespace fusewire {

// Its CallRunner owns it, beside the call that it decides on. The calls come in the order of call_filter.hpp; the
// destructor makes up for an on_done that was not called. Invariants: after on_request, on_done runs once; a permit
// that the breaker gave has ended after it, or after on_verdict where the call runs on. The chain never waits and knows
// no clock. No filter is picked by its type: what one of them may want is in the contract of all.
class CallChain {
 public:
  // The context outlives the chain.
  explicit CallChain(const ChainContext&);
  // Calls on_done if nobody did, with the outcome as it is and the latest time that the chain has heard of.
  ~CallChain();
  CallChain(const CallChain&) = delete;
  CallChain& operator=(const CallChain&) = delete;

  // The call outlives the chain. After a Wait: call it again when that is over, or never; the walk goes on where it
  // stood. After an Answer: hand the reply to on_reply like any other.
  Step on_request(Call&, Reply&, Time now);
  // Proceed, or the first Ask: the filters behind it have not seen the reply.
  Step on_reply(Call&, Reply&, Time now);
  // To the filter whose Ask for another upstream this has come of.
  Step on_result(Call&, Reply&, FallbackResult, Time now);
  void on_body(Call&, std::string_view piece);
  void on_due(Call&, Time now);
  Time next_due(const Call&) const;
  Time hedge_at(const Call&) const;
  Step on_silence(Call&, Time now);
  bool is_good(const Call&, int status) const;
  void on_client_stalled() noexcept;
  bool needs_body() const noexcept;
  std::optional<Time> runs_on_until(const Call&, Time now) noexcept;
  void on_verdict(Call&, Time now) noexcept;
  void on_done(Call&, Time now) noexcept;
  void on_released() noexcept;

 private:
  using Filters = std::tuple<RetryFilter, CacheFilter, RateFilter, ConcurrencyFilter, BreakerFilter, DeadlineFilter,
                             FallbackFilter>;

  template <std::size_t I>
  Step ask(Call&, Reply&, Time now);
  template <std::size_t I>
  Step show(Call&, Reply&, Time now);
  template <std::size_t I>
  Step report_silence(Call&, Time now);
  template <std::size_t I>
  Step report(Call&, Reply&, FallbackResult, Time now);

  Filters filters_;
  std::size_t asked_ = 0;    // so many filters need not be asked (again) about the request
  std::size_t asking_ = 0;   // the filter whose Ask was the last
  Call* pending_ = nullptr;  // from on_request until on_done
  Time latest_{};
};

}  // namespace fusewire

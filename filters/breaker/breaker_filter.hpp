// SPDX-License-Identifier: Apache-2.0
// Thin glue between one call and the breaker of its upstream, or of its route (scope: route): asks for the permit,
// tells slowness, gives one verdict.
#pragma once

#include "filters/breaker/judged_permit.hpp"
#include "filters/call_filter.hpp"
#include "filters/chain_context.hpp"

namespace fusewire {

// Where endpoints have breakers of their own (call.endpoint_breakers), these see slowness and failures. The upstream's
// breaker then has calls in its totals alone, but for one that found no endpoint, because its name did not resolve.
// A route's own breaker judges its calls alone, whatever endpoints there are; the upstream's is only asked whether an
// operator has forced it open.
class BreakerFilter : public PassThrough {
 public:
  explicit BreakerFilter(const ChainContext& context) noexcept : context_(&context), permit_(context) {}

  Step on_request(Call&, Reply&, Time now);
  // Another attempt may follow: the call is judged when it is done.
  Step on_reply(Call&, Reply&, Time now);
  // Slowness at slower_than, the end of the call for a body that still flows at settle_after, and a half-open slot
  // whose call waits for its client.
  void on_due(Call&, Time now);
  Time next_due(const Call&) const;
  void on_done(Call&, Time now) noexcept;

  std::optional<Time> runs_on_until(const Call& call, Time now) noexcept {
    return permit_.runs_on_until(call, *call.exchange, upstream_since(call), now);
  }
  void on_verdict(Call&, Time now) noexcept;

 private:
  static Time upstream_since(const Call&);
  static bool is_for_endpoints(const Call&, Outcome) noexcept;
  void judge(Call&, Outcome, Time now);
  static void note_verdict(Call&, Time now);

  Step reject(Call&, Reply&, const breaker::Rejection&, const breaker::Breaker&, std::string_view name, Time now) const;

  const ChainContext* context_;
  JudgedPermit permit_;
};

}  // namespace fusewire

// SPDX-License-Identifier: Apache-2.0
// Decides whether a failed attempt is followed by another one, or a slow one is joined by one, and when: `retries` in
// docs/configuration.md.
#pragma once

#include <optional>

#include "filters/call_filter.hpp"
#include "filters/chain_context.hpp"
#include "filters/counted_place.hpp"

namespace fusewire {

// It comes first: no other filter sees a reply that another attempt follows, so that the cache neither stores it nor
// tells others that wait, and a retried request is one call, whose last attempt decides. It asks for no attempt where
// the breaker has left the state in which it let the call pass, where no endpoint can be asked, where the back-off
// would outlast the deadline, or where too many would hold their slots until the time that the upstream asks for. What
// was never sent goes to another endpoint without it (CallRunner).
class RetryFilter : public PassThrough {
 public:
  explicit RetryFilter(const ChainContext& context) noexcept : context_(&context), long_wait_(context.long_waits) {}

  // Another attempt in the place of a reply that `retries.on` lists. A call that was sent pays in to the budget first.
  Step on_reply(Call&, Reply&, Time now);

  // One more attempt beside the first that has not answered for so long (retries.hedge), out of the same budget: once a
  // request, for what may be sent twice at all. It is none of the `attempts`.
  Time hedge_at(const Call&) const;
  Step on_silence(Call&, Time now);
  // What would be tried again does not win against an attempt that still runs.
  bool is_good(const Call&, int status) const;

 private:
  static bool is_failed_attempt(const Call&, const Reply&);
  std::optional<RetryRefusal> why_not(Call&, const Reply&, Time at, Time now);
  static std::optional<RetryRefusal> why_not_twice(const Call&);
  static bool may_be_sent_twice(const Call&);
  bool take_token(const Call&, Time now) const;
  void pay_in(const Call&, Time now);
  bool has_room_to_wait(const Call&);
  static Time not_before(const Call&, const Reply&, Time now);

  const ChainContext* context_;
  CountedPlace long_wait_;
  bool paid_ = false;
};

}  // namespace fusewire

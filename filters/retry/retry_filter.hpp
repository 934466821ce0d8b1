// SPDX-License-Identifier: Apache-2.0
// Decides whether a failed attempt is followed by another one, and when: `retries` in docs/configuration.md.
#pragma once

#include <optional>

#include "filters/call_filter.hpp"
#include "filters/chain_context.hpp"

namespace fusewire {

// It comes first: no other filter sees a reply that another attempt follows, so that the cache neither stores it nor
// tells others that wait, and a retried request is one call, whose last attempt decides. It asks for no attempt where
// the breaker has left the state in which it let the call pass, where no endpoint can be asked, or where the back-off
// would outlast the deadline. What was never sent goes to another endpoint without it (CallRunner).
class RetryFilter : public PassThrough {
 public:
  explicit RetryFilter(const ChainContext& context) noexcept : context_(&context) {}

  // Another attempt in the place of a reply that `retries.on` lists. A call that was sent pays in to the budget first.
  Step on_reply(Call&, Reply&, Time now);

 private:
  static bool is_failed_attempt(const Call&, const Reply&);
  std::optional<RetryRefusal> why_not(Call&, const Reply&, Time at, Time now) const;
  static std::optional<RetryRefusal> why_not_repeatable(const Call&);
  void pay_in(const Call&, Time now);
  static Time not_before(const Call&, const Reply&, Time now);

  const ChainContext* context_;
  bool paid_ = false;
};

}  // namespace fusewire

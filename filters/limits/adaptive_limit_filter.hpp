// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "filters/attempt_filter.hpp"
#include "filters/chain_context.hpp"

namespace fusewire {

// limits.adaptive_concurrency hears how long answers take (limits::AdaptiveLimit). The limit itself holds in
// ConcurrencyFilter.
class AdaptiveLimitFilter : public PassAttempt {
 public:
  explicit AdaptiveLimitFilter(const ChainContext& context) noexcept : context_(&context) {}

  void on_head(const Call&, const Exchange&, Time now);
  // A wait in vain is a slow answer, be it the upstream's timeout or the request's own deadline that has ended it.
  void on_done(const Call&, const Exchange&, Time now) noexcept;

 private:
  void record(const Call&, Time::duration took, bool in_vain, Time now) noexcept;

  const ChainContext* context_;
};

}  // namespace fusewire

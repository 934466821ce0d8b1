// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "filters/call_filter.hpp"
#include "filters/chain_context.hpp"

namespace fusewire {

// limits.rate, of the route and of its upstream: a request that finds no token of either is answered 429 RateLimited.
// One that does not reach the upstream costs none: the breaker would reject it, the other limit refuses it, it waits in
// vain for a slot.
class RateFilter : public PassThrough {
 public:
  explicit RateFilter(const ChainContext& context) noexcept : context_(&context) {}

  Step on_request(Call&, Reply&, Time now);
  void on_done(Call&, Time now) noexcept;

 private:
  bool take(Call&, Reply&, limits::LimitsState&, const config::Rate&, Time now) const;
  void give_back(const Call&) noexcept;

  const ChainContext* context_;
  bool taken_ = false;  // of its upstream
  bool taken_of_route_ = false;
};

}  // namespace fusewire

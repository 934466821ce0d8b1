// SPDX-License-Identifier: Apache-2.0
// Has a fault injected into an attempt, where its upstream has one.
#pragma once

#include "filters/attempt_filter.hpp"
#include "filters/chain_context.hpp"
#include "filters/fault/injector.hpp"

namespace fusewire {

// It only draws what is to happen (x.injected); Forward does it, so that all others see it as the endpoint's doing.
class FaultFilter : public PassAttempt {
 public:
  explicit FaultFilter(const ChainContext& context) noexcept : injector_(context.faults) {}

  Step on_endpoint(const Call& call, Exchange& x, Reply&, Time now) {
    if (injector_ != nullptr && injector_->is_on()) draw(call, x, now);
    return Proceed{};
  }

 private:
  void draw(const Call&, Exchange&, Time now) const;

  fault::Injector* injector_;
};

}  // namespace fusewire

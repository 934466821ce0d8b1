// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "filters/breaker/core/breaker.hpp"
#include "filters/call.hpp"
#include "filters/chain_context.hpp"

namespace fusewire {

// Whether the breaker would let a call through, and an endpoint can be asked: what is rejected is to cost no token,
// take no slot and not wait.
inline bool may_pass(const Call& call, const ChainContext& context, Time now) noexcept {
  if (!call.endpoint_available) return false;
  if (context.above_breaker != nullptr && context.above_breaker->is_forced_open(now)) return false;
  return context.breaker->available(now);
}

}  // namespace fusewire

// SPDX-License-Identifier: Apache-2.0
#include "filters/fault/fault_filter.hpp"

#include "filters/balance/random.hpp"

namespace fusewire {

// The request's own number is of the worker's generator; its attempts differ by when they begin.
void FaultFilter::draw(const Call& call, Exchange& x, Time now) const {
  const auto begun = static_cast<std::uint64_t>(now.time_since_epoch().count());
  x.injected = injector_->draw(balance::mix64(call.context->random ^ balance::mix64(begun)), now);
}

}  // namespace fusewire

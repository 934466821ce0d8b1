// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "filters/call_filter.hpp"
#include "filters/chain_context.hpp"

namespace fusewire {

// limits.rate: a request that finds no token is answered 429 RateLimited. One that the breaker would reject takes none.
class RateFilter : public PassThrough {
 public:
  explicit RateFilter(const ChainContext& context) noexcept : context_(&context) {}

  Step on_request(Call&, Reply&, Time now);

 private:
  const ChainContext* context_;
};

}  // namespace fusewire

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>

#include "filters/attempt_filter.hpp"
#include "filters/chain_context.hpp"

namespace fusewire {

// Decides how long each part of an attempt may take (timeouts.connect, response, idle, retries.per_try_timeout);
// Forward enforces it.
struct AttemptTimeoutFilter : PassAttempt {
  explicit AttemptTimeoutFilter(const ChainContext&) noexcept {}

  Step on_endpoint(const Call& call, Exchange& x, Reply&, Time) {
    const milliseconds per_try = call.retries->per_try_timeout.value_or(milliseconds::max());
    x.connect_within = std::min(call.timeouts->connect, per_try);
    x.response_within = std::min(call.timeouts->response, per_try);
    x.idle_within = call.timeouts->idle;
    return Proceed{};
  }
};

}  // namespace fusewire

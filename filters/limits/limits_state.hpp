// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>

#include "filters/limits/adaptive_limit.hpp"
#include "filters/limits/concurrency_limiter.hpp"
#include "filters/limits/token_bucket.hpp"

namespace fusewire::limits {

// What is behind the limits of one upstream, or of one route. Thread-safe, as its parts are; settings come with each
// call.
struct LimitsState {
  explicit LimitsState(std::string of = {}) : name(std::move(of)) {}

  const std::string name;  // UPSTREAM, or UPSTREAM/ROUTE
  ConcurrencyLimiter limiter;
  TokenBucket token_bucket;
  AdaptiveLimit adaptive_limit;
};

}  // namespace fusewire::limits

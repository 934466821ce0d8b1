// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "filters/attempt_filter.hpp"
#include "filters/chain_context.hpp"

namespace fusewire {

// Decides how long each part of an attempt may take (timeouts.connect, response, idle, adaptive,
// retries.per_try_timeout); Forward enforces it. Where an adaptive timeout, or a hedge after a percentile, goes by how
// long answers take, that is recorded.
class AttemptTimeoutFilter : public PassAttempt {
 public:
  explicit AttemptTimeoutFilter(const ChainContext& context) noexcept : adaptive_(context.adaptive_timeout) {}

  Step on_endpoint(const Call&, Exchange&, Reply&, Time now);
  void on_head(const Call&, const Exchange&, Time now);
  void on_done(const Call&, const Exchange&, Time now) noexcept;

 private:
  bool is_adaptive(const Call& call) const { return adaptive_ != nullptr && call.timeouts->adaptive; }
  bool records(const Call&) const;

  AdaptiveTimeout* adaptive_;
};

}  // namespace fusewire

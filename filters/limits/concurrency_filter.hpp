// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "filters/call_filter.hpp"
#include "filters/chain_context.hpp"
#include "filters/limits/concurrency_limiter.hpp"

namespace fusewire {

// limits.max_concurrent_requests and limits.queue. It stands before the breaker, so that a permit is not held in the
// queue and the breaker is asked when the wait is over; what the breaker would reject takes no slot and does not wait.
class ConcurrencyFilter : public PassThrough {
 public:
  explicit ConcurrencyFilter(const ChainContext& context) noexcept : context_(&context) {}
  ConcurrencyFilter(ConcurrencyFilter&&) = default;

  // Waits for a slot where there is a queue, up to its timeout and no longer than the deadline.
  Step on_request(Call&, Reply&, Time now);
  void on_released() noexcept { slot_.reset(); }

 private:
  Step enqueue(Call&, Reply&, Time now);
  Step end_wait(Call&, Reply&, Time now);

  const ChainContext* context_;
  std::unique_ptr<limits::ConcurrencyLimiter::Waiter> waiter_;  // while it waits
  std::optional<limits::ConcurrencyLimiter::Slot> slot_;
};

}  // namespace fusewire

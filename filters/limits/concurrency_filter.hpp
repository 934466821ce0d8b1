// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>

#include "filters/call_filter.hpp"
#include "filters/chain_context.hpp"
#include "filters/limits/concurrency_limiter.hpp"

namespace fusewire {

// limits.max_concurrent_requests, adaptive_concurrency and queue, of the route and then of its upstream: a request
// needs a slot of each. Who waits for the upstream's has the route's already, and gives it back where the wait is in
// vain; none waits the other way round, so nobody waits for each other. It stands before the breaker, so that a permit
// is not held in the queue and the breaker is asked when the wait is over; what the breaker would reject takes no slot
// and does not wait.
class ConcurrencyFilter : public PassThrough {
 public:
  explicit ConcurrencyFilter(const ChainContext& context) noexcept : context_(&context) {}
  ConcurrencyFilter(ConcurrencyFilter&&) = default;

  // Waits for a slot where there is a queue, up to its timeout and no longer than the deadline.
  Step on_request(Call&, Reply&, Time now);
  void on_released() noexcept { slots_ = {}; }

 private:
  using Slot = limits::ConcurrencyLimiter::Slot;
  // A limit of one of the two, as it is now.
  struct Limit {
    limits::LimitsState* state;
    std::uint32_t requests;
    const std::optional<config::Queue>* queue;
  };

  std::optional<Limit> limit_of_route(const Call&, Time now) const;
  Limit limit_of_upstream(const Call&, Time now) const;
  Step take(Call&, Reply&, const Limit&, Time now);
  Step enqueue(Call&, Reply&, const Limit&, Time now);
  Step end_wait(Call&, Reply&, Time now);
  void hold(Call&, std::optional<Slot>);
  void note(Call&, Decision, const Limit&, Time now, SlotRefusal = {}) const;
  Step refuse(Call&, Reply&, Problem, const limits::LimitsState&, std::string why);

  static constexpr std::size_t kRoute = 0;
  static constexpr std::size_t kUpstream = 1;

  const ChainContext* context_;
  std::unique_ptr<limits::ConcurrencyLimiter::Waiter> waiter_;  // while it waits
  std::size_t next_ = kRoute;                                   // whose slot is to be taken
  std::array<std::optional<Slot>, 2> slots_;
};

}  // namespace fusewire

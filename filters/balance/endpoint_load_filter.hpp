// SPDX-License-Identifier: Apache-2.0
// Has the address of an attempt counted with what it does: requests in flight, latency, failures.
#pragma once

#include "filters/attempt_filter.hpp"
#include "filters/balance/flight.hpp"
#include "filters/chain_context.hpp"

namespace fusewire {

class EndpointLoadFilter : public PassAttempt {
 public:
  explicit EndpointLoadFilter(const ChainContext& context) noexcept : classify_(context.classify) {}

  // From here on the request is in flight. While its body comes from the client, the address is not what it waits for.
  Step on_endpoint(const Call&, Exchange&, Reply&, Time now);
  void on_sent(Time now) { flight_.resume(now); }
  void on_head(const Call&, const Exchange&, Time now);
  void on_done(const Call&, const Exchange&, Time now) noexcept;

 private:
  const CompiledClassify* classify_;
  balance::Flight flight_;
};

}  // namespace fusewire

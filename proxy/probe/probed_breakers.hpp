// SPDX-License-Identifier: Apache-2.0
// Which breakers the proxy itself probes (recovery.probe).
#pragma once

#include <map>
#include <vector>

#include "proxy/snapshot/own_routes.hpp"

namespace fusewire::proxy {

inline bool is_probed(const config::CircuitBreaker& breaker) {
  return breaker.mode != config::Mode::disabled && breaker.recovery.probe.type != config::ProbeType::traffic;
}

// What health checks have said that are turned off now may be long over.
inline bool takes_requests(const AddressState& address, const config::Upstream& of) {
  const bool unhealthy = of.health_check && address.checked.is_unhealthy();
  return !unhealthy && address.breaker.state() == breaker::State::closed;
}

using RoutesByUpstream = std::map<const Upstream*, std::vector<const Route*>>;

// The routes with a breaker of their own that is probed, in one pass over all.
inline RoutesByUpstream probed_routes(const Snapshot& snapshot) {
  RoutesByUpstream found;
  for (const Route* route : routes_with_breaker(snapshot))
    if (is_probed(*route->circuit_breaker)) found[route->upstream].push_back(route);
  return found;
}

}  // namespace fusewire::proxy

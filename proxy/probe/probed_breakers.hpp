// SPDX-License-Identifier: Apache-2.0
// Which breakers the proxy itself probes (recovery.probe).
#pragma once

#include <algorithm>
#include <vector>

#include "proxy/snapshot/snapshot.hpp"

namespace fusewire::proxy {

inline bool is_probed(const config::CircuitBreaker& breaker) {
  return breaker.mode != config::Mode::disabled && breaker.recovery.probe.type != config::ProbeType::traffic;
}

// The routes to the upstream that have a breaker of their own (scope: route). One name on two listeners is one breaker.
inline std::vector<const Route*> routes_with_breakers(const Snapshot& snapshot, const Upstream& upstream) {
  std::vector<const Route*> found;
  for (const auto& listener : snapshot.listeners)
    for (const Route& route : listener->routes)
      if (route.upstream == &upstream && route.own && route.own->breaker) found.push_back(&route);
  return found;
}

inline bool has_probed_breakers(const Snapshot& snapshot, const Upstream& upstream) {
  const auto routes = routes_with_breakers(snapshot, upstream);
  return is_probed(upstream.config->circuit_breaker) ||
         std::any_of(routes.begin(), routes.end(), [](const Route* one) { return is_probed(*one->circuit_breaker); });
}

}  // namespace fusewire::proxy

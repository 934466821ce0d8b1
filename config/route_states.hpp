// SPDX-License-Identifier: Apache-2.0
// The rules for routes that have state of their own, a breaker or limits, which is kept by the name UPSTREAM/ROUTE.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"
#include "config/node.hpp"
#include "config/report.hpp"

namespace fusewire::config {

// Whether the route has a breaker of its own; its settings are in circuit_breaker_of.
inline const CircuitBreaker& circuit_breaker_of(const Route& route, const Upstream& upstream) {
  return route.circuit_breaker ? *route.circuit_breaker : upstream.circuit_breaker;
}
inline bool has_own_breaker(const Route& route, const Upstream& upstream) {
  return circuit_breaker_of(route, upstream).scope == Scope::route;
}
inline bool has_own_limits(const Route& route) { return route.limits != RouteLimits{}; }

// Hears of all routes of a file, one by one. References to both; the upstreams outlive it.
class RouteStates {
 public:
  RouteStates(const std::vector<Upstream>& upstreams, Report& report) : report_(report) {
    for (const Upstream& upstream : upstreams) upstreams_.emplace(upstream.name, &upstream);
  }

  // A name that can be one's, a scope that means something, and the same settings as other routes of that name have.
  void check(const Node&, const Route&);

 private:
  // Of all routes with one name.
  struct Shared {
    std::string path;
    CircuitBreaker circuit_breaker;
    RouteLimits limits;
  };
  void check_name(const Node&, const Route&, std::string_view why);
  void check_others(const Node&, const Route&, const Upstream&);

  std::map<std::string_view, const Upstream*> upstreams_;
  std::map<std::string, Shared> named_;  // by UPSTREAM/ROUTE
  Report& report_;
};

}  // namespace fusewire::config

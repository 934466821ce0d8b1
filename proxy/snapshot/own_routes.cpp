// SPDX-License-Identifier: Apache-2.0
#include "proxy/snapshot/own_routes.hpp"

#include <memory>
#include <set>

namespace fusewire::proxy {

namespace {

template <class State>
std::vector<const Route*> routes_with(const Snapshot& snapshot, std::shared_ptr<State> RouteOwn::*state) {
  std::vector<const Route*> routes;
  std::set<const State*> seen;
  for (const auto& listener : snapshot.listeners)
    for (const Route& route : listener->routes)
      if (route.own && (*route.own).*state && seen.insert(((*route.own).*state).get()).second) routes.push_back(&route);
  return routes;
}

}  // namespace

std::vector<const Route*> routes_with_breaker(const Snapshot& snapshot) {
  return routes_with(snapshot, &RouteOwn::breaker);
}

std::vector<const Route*> routes_with_limits(const Snapshot& snapshot) {
  return routes_with(snapshot, &RouteOwn::limits);
}

}  // namespace fusewire::proxy

// SPDX-License-Identifier: Apache-2.0
// State that survives reloads: breakers (those of addresses, too), caches and counters by upstream name; breakers and
// limits of routes; endpoints, with their connections, by URL and TLS settings. Control thread.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "proxy/snapshot/snapshot.hpp"

namespace fusewire::cache {
class Store;
}  // namespace fusewire::cache

namespace fusewire::proxy {

class StateRegistry {
 public:
  // Every (listener, upstream) that has been configured, for the scrape.
  struct Traffic {
    std::string listener, upstream;
    std::shared_ptr<PerWorker<TrafficCells>> cells;
  };
  // What a new upstream begins with.
  using Make = std::function<std::shared_ptr<UpstreamState>(const config::Upstream&)>;

  // And a breaker of a route, by its name.
  using MakeBreaker = std::function<std::shared_ptr<RouteBreaker>(const std::string&, const config::CircuitBreaker&)>;

  // The store outlives this.
  StateRegistry(std::size_t workers, cache::Store&, Make, MakeBreaker);

  // The state of that name, or a new one.
  std::shared_ptr<UpstreamState> upstream(const config::Upstream&);
  std::shared_ptr<EndpointState> endpoint(const config::Upstream&, const std::shared_ptr<UpstreamState>&,
                                          const config::Endpoint&);
  // By UPSTREAM/ROUTE.
  std::shared_ptr<RouteBreaker> route_breaker(const std::string& name, const config::CircuitBreaker&);
  std::shared_ptr<RouteLimitsState> route_limits(const std::string& name);
  std::shared_ptr<PerWorker<TrafficCells>> cells(const std::string& listener, const std::string& upstream);

  // Ends the override of the breaker of that name, an upstream's, a route's or an address'.
  void release(const std::string& breaker, Time now) const;
  const std::vector<Traffic>& traffic() const { return traffic_; }

  // Whether stored responses of one are valid for the other: at least one endpoint stays, and none with the same URL is
  // reached in another way (authorities, name, our certificate), where another server may answer.
  static bool same_site(const config::Upstream&, const config::Upstream&);

  // What is in no configuration any longer (nullptr: there is none): one that is added again starts fresh.
  void forget_unused(const Snapshot* current);

 private:
  void forget_unused_routes(const Snapshot* current);

  const std::size_t workers_;
  cache::Store& cache_;
  const Make make_;
  const MakeBreaker make_breaker_;
  std::map<std::string, std::shared_ptr<UpstreamState>> upstreams_;
  std::map<std::string, std::shared_ptr<RouteBreaker>> route_breakers_;
  std::map<std::string, std::shared_ptr<RouteLimitsState>> route_limits_;
  std::map<std::pair<std::string, std::string>, std::shared_ptr<EndpointState>> endpoints_;
  std::vector<Traffic> traffic_;
  std::size_t next_endpoint_ = 0;
};

}  // namespace fusewire::proxy

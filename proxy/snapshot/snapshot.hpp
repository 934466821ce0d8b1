// SPDX-License-Identifier: Apache-2.0
// One configuration made ready for traffic: immutable, shared by all workers, pinned by every exchange that it
// admitted.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"
#include "filters/chain_context.hpp"
#include "proxy/observe/cells.hpp"
#include "proxy/snapshot/route_state.hpp"
#include "proxy/snapshot/router.hpp"
#include "proxy/snapshot/upstream.hpp"

namespace fusewire::proxy {

class TlsClient;
class TlsServer;

struct Upstream {
  const config::Upstream* config = nullptr;
  std::shared_ptr<UpstreamState> state;
  std::vector<std::shared_ptr<EndpointState>> endpoints;
  std::unique_ptr<CompiledClassify> classify;
  std::shared_ptr<TlsClient> tls;  // where an endpoint is https://
  ChainContext chain;              // what the filters need; points into this snapshot and into `state`
};

// Whether each address has a breaker of its own, where so many are known (circuit_breaker.scope).
inline bool has_endpoint_breakers(const config::CircuitBreaker& breaker, std::size_t addresses) {
  return breaker.scope == config::Scope::automatic ? addresses > 1 : breaker.scope == config::Scope::endpoint;
}

// What a route has in the place of its upstream's, or beside it.
struct RouteOwn {
  std::shared_ptr<RouteBreaker> breaker;       // scope: route
  std::unique_ptr<CompiledClassify> classify;  // likewise
  std::shared_ptr<RouteLimitsState> limits;    // where it has limits of its own
  ChainContext chain;                          // points to these and to what is its upstream's
};

struct Route {
  const config::Route* config = nullptr;
  const Upstream* upstream = nullptr;
  const config::Timeouts* timeouts = nullptr;
  const config::Fallback* fallback = nullptr;
  const config::Retries* retries = nullptr;
  const config::CircuitBreaker* circuit_breaker = nullptr;
  std::shared_ptr<PerWorker<TrafficCells>> cells;
  std::string cache_scope;              // host_rewrite.hpp
  std::unique_ptr<const RouteOwn> own;  // absent: nothing, as most

  const ChainContext& chain() const { return own ? own->chain : upstream->chain; }
};

struct Listener {
  const config::Listener* config = nullptr;
  std::vector<Route> routes;
  Router router;
  std::shared_ptr<PerWorker<TrafficCells>> unrouted_cells;
  std::shared_ptr<const TlsServer> tls;  // nullptr: plain
};

struct Snapshot {
  config::Config config;
  std::uint64_t version = 0;  // 1 is the first configuration of the process
  std::string via;            // our pseudonym
  std::vector<std::unique_ptr<Upstream>> upstreams;
  std::vector<std::unique_ptr<Listener>> listeners;

  const Upstream* upstream(std::string_view name) const;  // control and fallback paths only: linear
  const Listener* listener(std::string_view name) const;
};

}  // namespace fusewire::proxy

// SPDX-License-Identifier: Apache-2.0
#include "proxy/webhooks/breaker_modes.hpp"

#include "config/route_states.hpp"
#include "proxy/webhooks/notice.hpp"

namespace fusewire::proxy {

BreakerModes::BreakerModes(const config::Config& config) {
  std::map<std::string_view, const config::Upstream*> upstreams;
  for (const config::Upstream& upstream : config.upstreams) {
    upstreams.emplace(upstream.name, &upstream);
    modes_.emplace(upstream.name, upstream.circuit_breaker.mode);
  }
  for (const config::Listener& listener : config.listeners)
    for (const config::Route& route : listener.routes) {
      const config::Upstream& upstream = *upstreams.at(route.upstream);
      if (config::has_own_breaker(route, upstream))
        modes_.emplace(upstream.name + "/" + route.name, config::circuit_breaker_of(route, upstream).mode);
    }
}

config::Mode BreakerModes::of(std::string_view breaker) const {
  auto found = modes_.find(breaker);
  if (found == modes_.end()) found = modes_.find(upstream_of(breaker));
  return found != modes_.end() ? found->second : config::Mode::enforce;
}

}  // namespace fusewire::proxy

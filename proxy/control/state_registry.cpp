// SPDX-License-Identifier: Apache-2.0
#include "proxy/control/state_registry.hpp"

#include <set>

#include "config/file_text.hpp"
#include "filters/cache/store.hpp"
#include "proxy/tls/pem.hpp"

namespace fusewire::proxy {

namespace {

std::string digest_of(const std::string& file) {
  const Digest digest = sha256(config::read_regular_file(file, kLargestPem).text.value_or(""));
  return {digest.begin(), digest.end()};
}

// A connection that was made under other authorities, or for another name, is not one to this endpoint.
std::string identity_of(const config::UpstreamTls& tls, const config::Endpoint& endpoint) {
  std::string identity = endpoint.url;
  if (endpoint.tls)
    for (const auto& part :
         {tls.ca, tls.certificate, tls.private_key, tls.server_name, std::string(tls.verify ? "1" : "")})
      identity += '\n' + part;
  if (endpoint.tls && !tls.ca.empty()) identity += '\n' + digest_of(tls.ca);  // the file may hold others now
  return identity;
}

}  // namespace

StateRegistry::StateRegistry(std::size_t workers, cache::Store& cache, Make make, MakeBreaker make_breaker)
    : workers_(workers), cache_(cache), make_(std::move(make)), make_breaker_(std::move(make_breaker)) {}

std::shared_ptr<UpstreamState> StateRegistry::upstream(const config::Upstream& wanted) {
  auto& state = upstreams_[wanted.name];
  if (!state) state = make_(wanted);
  return state;
}

std::shared_ptr<EndpointState> StateRegistry::endpoint(const config::Upstream& upstream,
                                                       const std::shared_ptr<UpstreamState>& state,
                                                       const config::Endpoint& wanted) {
  auto& endpoint = endpoints_[{upstream.name, identity_of(upstream.tls, wanted)}];
  if (endpoint) return endpoint;
  endpoint = std::make_shared<EndpointState>(wanted, upstream.tls.server_name, state, next_endpoint_++);
  for (const auto& [key, before] : endpoints_)
    if (before && before != endpoint && key.first == upstream.name && before->url == wanted.url)
      endpoint->addresses.begin_with(before->addresses);
  return endpoint;
}

std::shared_ptr<RouteBreaker> StateRegistry::route_breaker(const std::string& name,
                                                           const config::CircuitBreaker& settings) {
  auto& state = route_breakers_[name];
  if (!state) state = make_breaker_(name, settings);
  return state;
}

std::shared_ptr<RouteLimitsState> StateRegistry::route_limits(const std::string& name) {
  auto& state = route_limits_[name];
  if (!state) state = std::make_shared<RouteLimitsState>(name, workers_);
  return state;
}

std::shared_ptr<PerWorker<TrafficCells>> StateRegistry::cells(const std::string& listener,
                                                              const std::string& upstream) {
  for (const Traffic& traffic : traffic_)
    if (traffic.listener == listener && traffic.upstream == upstream) return traffic.cells;
  traffic_.push_back({listener, upstream, std::make_shared<PerWorker<TrafficCells>>(workers_)});
  return traffic_.back().cells;
}

void StateRegistry::release(const std::string& breaker, Time now) const {
  if (const auto found = upstreams_.find(breaker); found != upstreams_.end()) found->second->breaker.release(now);
  if (const auto found = route_breakers_.find(breaker); found != route_breakers_.end())
    found->second->breaker.release(now);
  for (const auto& entry : upstreams_)
    for (const auto& address : entry.second->addresses.all())
      if (address->name == breaker) address->breaker.release(now);
}

bool StateRegistry::same_site(const config::Upstream& one, const config::Upstream& other) {
  bool stays = false;
  for (const auto& endpoint : one.endpoints)
    for (const auto& kept : other.endpoints) {
      if (endpoint.url != kept.url) continue;
      if (identity_of(one.tls, endpoint) != identity_of(other.tls, kept)) return false;
      stays = true;
    }
  return stays;
}

void StateRegistry::forget_unused(const Snapshot* current) {
  std::set<std::string> names;
  std::set<const EndpointState*> endpoints;
  if (current != nullptr)
    for (const auto& upstream : current->upstreams) {
      names.insert(upstream->config->name);
      std::set<std::string_view> urls;
      for (const auto& endpoint : upstream->endpoints) {
        endpoints.insert(endpoint.get());
        urls.insert(endpoint->url);
      }
      upstream->state->addresses.keep_only(urls);
    }
  std::erase_if(upstreams_, [&](const auto& entry) {
    const bool unused = !names.contains(entry.first);
    if (unused) cache_.purge(*entry.second->cache);
    return unused;
  });
  forget_unused_routes(current);
  std::erase_if(endpoints_, [&](const auto& entry) { return !endpoints.contains(entry.second.get()); });
  std::erase_if(traffic_, [&](const Traffic& traffic) {
    return (!traffic.upstream.empty() && !names.contains(traffic.upstream)) ||
           (current != nullptr && current->listener(traffic.listener) == nullptr);
  });
}

void StateRegistry::forget_unused_routes(const Snapshot* current) {
  std::set<const RouteBreaker*> breakers;
  std::set<const RouteLimitsState*> limits;
  if (current != nullptr)
    for (const auto& listener : current->listeners)
      for (const Route& route : listener->routes) {
        if (!route.own) continue;
        breakers.insert(route.own->breaker.get());
        limits.insert(route.own->limits.get());
      }
  std::erase_if(route_breakers_, [&](const auto& entry) { return !breakers.contains(entry.second.get()); });
  std::erase_if(route_limits_, [&](const auto& entry) { return !limits.contains(entry.second.get()); });
}

}  // namespace fusewire::proxy

// SPDX-License-Identifier: Apache-2.0
#include "proxy/snapshot/named_breaker.hpp"

#include "proxy/snapshot/own_routes.hpp"

namespace fusewire::proxy {

bool has_endpoint_breakers(const Upstream& upstream) {
  const std::size_t endpoints = upstream.endpoints.size();
  return has_endpoint_breakers(upstream.config->circuit_breaker,
                               endpoints > 1 ? endpoints : upstream.endpoints.front()->addresses.in_use().size());
}

std::vector<std::shared_ptr<AddressState>> addresses_of(const Upstream& upstream) {
  std::vector<std::shared_ptr<AddressState>> list;
  std::set<const AddressState*> seen;
  for (const auto& endpoint : upstream.endpoints)
    for (auto& address : endpoint->addresses.in_use())
      if (seen.insert(address.get()).second) list.push_back(std::move(address));
  return list;
}

breaker::Snapshot snapshot_of(const Upstream& upstream, Time now) {
  breaker::Snapshot seen = upstream.state->breaker.snapshot(now);
  const bool passes = seen.state == breaker::State::closed && seen.override_state == breaker::Override::none;
  if (!passes || !has_endpoint_breakers(upstream)) return seen;
  std::optional<milliseconds> soonest;
  const auto addresses = addresses_of(upstream);
  for (const auto& address : addresses) {
    if (address->breaker.available(now)) return seen;
    const auto after = address->breaker.retry_after(now);
    if (after && (!soonest || *after < *soonest)) soonest = after;
  }
  if (addresses.empty()) return seen;
  seen.state = breaker::State::open;
  seen.open_remaining = soonest.value_or(milliseconds(0));
  seen.retry_after = soonest;
  return seen;
}

breaker::Snapshot snapshot_of(const NamedBreaker& one, const Snapshot& snapshot, Time now) {
  const Upstream* const upstream = one.address ? nullptr : snapshot.upstream(one.name);
  return upstream != nullptr ? snapshot_of(*upstream, now) : one.breaker->snapshot(now);
}

std::vector<NamedBreaker> breakers_of(const Snapshot& snapshot) {
  std::vector<NamedBreaker> list;
  for (const auto& upstream : snapshot.upstreams) {
    const config::CircuitBreaker* const config = &upstream->config->circuit_breaker;
    list.push_back({upstream->state->name, &upstream->state->breaker, config});
    if (!has_endpoint_breakers(*upstream)) continue;
    for (const auto& address : addresses_of(*upstream))
      list.push_back({address->name, &address->breaker, config, address});
  }
  for (const Route* route : routes_with_breaker(snapshot))
    list.push_back({route->own->breaker->name, &route->own->breaker->breaker, route->circuit_breaker});
  return list;
}

std::optional<NamedBreaker> find_breaker(const Snapshot& snapshot, std::string_view name) {
  const std::string_view upstream = name.substr(0, name.find('/'));
  const Upstream* const of = snapshot.upstream(upstream);
  if (of == nullptr) return std::nullopt;
  const config::CircuitBreaker* const config = &of->config->circuit_breaker;
  if (upstream.size() == name.size()) return NamedBreaker{of->state->name, &of->state->breaker, config};
  for (const Route* route : routes_with_breaker(snapshot))
    if (route->own->breaker->name == name)
      return NamedBreaker{route->own->breaker->name, &route->own->breaker->breaker, route->circuit_breaker};
  if (!has_endpoint_breakers(*of)) return std::nullopt;
  for (const auto& address : addresses_of(*of))
    if (address->name == name) return NamedBreaker{address->name, &address->breaker, config, address};
  return std::nullopt;
}

}  // namespace fusewire::proxy

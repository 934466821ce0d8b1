// SPDX-License-Identifier: Apache-2.0
// The breakers of a snapshot by name: each upstream's, and behind it those of its endpoints' addresses,
// UPSTREAM/ADDRESS; then those of routes, UPSTREAM/ROUTE.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/snapshot/snapshot.hpp"

namespace fusewire::proxy {

// The snapshot outlives it.
struct NamedBreaker {
  std::string name;
  breaker::Breaker* breaker = nullptr;
  const config::CircuitBreaker* config = nullptr;
  std::shared_ptr<AddressState> address = nullptr;  // nullptr: it is no address'
};

// What is seen of an upstream's breaker: where each address has its own and none of them lets a call through, the
// upstream is open until the first of them does.
breaker::Snapshot snapshot_of(const Upstream&, Time now);
breaker::Snapshot snapshot_of(const NamedBreaker&, const Snapshot&, Time now);

std::vector<NamedBreaker> breakers_of(const Snapshot&);
std::optional<NamedBreaker> find_breaker(const Snapshot&, std::string_view name);

// Whether each address has a breaker of its own (circuit_breaker.scope).
bool has_endpoint_breakers(const Upstream&);
// The addresses in use of all its endpoints, each once.
std::vector<std::shared_ptr<AddressState>> addresses_of(const Upstream&);

}  // namespace fusewire::proxy

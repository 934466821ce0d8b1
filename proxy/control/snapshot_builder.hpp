// SPDX-License-Identifier: Apache-2.0
// Makes a snapshot of a configuration: its upstreams and routes with the state that lives on by name, and its TLS
// contexts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <string>

#include "filters/cache/request_collapser.hpp"
#include "filters/cache/store.hpp"
#include "proxy/control/state_registry.hpp"
#include "proxy/snapshot/snapshot.hpp"

namespace fusewire::proxy {

// Control owns it. Control thread. What a snapshot points to outlives it: the state that the registry has made, the
// store and the fetches. A snapshot that is not published has changed nothing but the registry
// (StateRegistry::forget_unused).
class SnapshotBuilder {
 public:
  SnapshotBuilder(StateRegistry& states, cache::Store& store, cache::RequestCollapser& fetches, std::size_t workers);

  // `before` is the snapshot that serves; nullptr: there is none. Throws BadCertificate.
  std::shared_ptr<const Snapshot> build(config::Config, std::uint64_t version, const Snapshot* before);

 private:
  std::unique_ptr<Upstream> upstream(const config::Upstream&, const Snapshot* before);
  void find_latency_users(const config::Config&);
  AdaptiveTimeout* adaptive_timeout(const config::Upstream&, UpstreamState&);
  std::unique_ptr<Listener> listener(const Snapshot&, std::size_t index);
  std::unique_ptr<const RouteOwn> own_of(const config::Route&, const Upstream&);
  std::uint64_t cache_generation(const config::Upstream&, const Snapshot* before);

  StateRegistry& states_;
  cache::Store& store_;
  cache::RequestCollapser& fetches_;
  const std::size_t workers_;
  const std::string default_via_;                 // of a configuration without `via`
  std::set<std::string> wants_adaptive_timeout_;  // upstreams of the configuration that is being built
  std::uint64_t cache_generations_ = 0;           // so many have been given out
};

}  // namespace fusewire::proxy

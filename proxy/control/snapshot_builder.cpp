// SPDX-License-Identifier: Apache-2.0
#include "proxy/control/snapshot_builder.hpp"

#include <cstdio>
#include <random>
#include <utility>

#include "config/from_variables.hpp"
#include "config/route_states.hpp"
#include "filters/breaker/classify.hpp"
#include "proxy/control/tls_contexts.hpp"
#include "proxy/net/clock.hpp"
#include "proxy/upstream/host_rewrite.hpp"

namespace fusewire::proxy {

namespace {

std::string random_pseudonym() {
  char text[32];
  std::snprintf(text, sizeof text, "fusewire-%08x", std::random_device{}());
  return text;
}

}  // namespace

SnapshotBuilder::SnapshotBuilder(StateRegistry& states, cache::Store& store, cache::RequestCollapser& fetches,
                                 std::size_t workers)
    : states_(states), store_(store), fetches_(fetches), workers_(workers), default_via_(random_pseudonym()) {}

std::shared_ptr<const Snapshot> SnapshotBuilder::build(config::Config config, std::uint64_t version,
                                                       const Snapshot* before) {
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->config = std::move(config);
  snapshot->version = version;
  snapshot->via = snapshot->config.via.empty() ? default_via_ : snapshot->config.via;
  find_latency_users(snapshot->config);
  for (const auto& wanted : snapshot->config.upstreams) snapshot->upstreams.push_back(upstream(wanted, before));
  for (std::size_t i = 0; i < snapshot->config.listeners.size(); ++i)
    snapshot->listeners.push_back(listener(*snapshot, i));
  make_tls_contexts(*snapshot, before, workers_, steady_now());
  return snapshot;
}

std::unique_ptr<Upstream> SnapshotBuilder::upstream(const config::Upstream& wanted, const Snapshot* before) {
  auto upstream = std::make_unique<Upstream>();
  upstream->config = &wanted;
  upstream->state = states_.upstream(wanted);
  for (const auto& endpoint : wanted.endpoints)
    upstream->endpoints.push_back(states_.endpoint(wanted, upstream->state, endpoint));
  upstream->classify = std::make_unique<CompiledClassify>(wanted.circuit_breaker.classify);
  upstream->chain = {.breaker = &upstream->state->breaker,
                     .classify = upstream->classify.get(),
                     .store = &store_,
                     .cache_partition = upstream->state->cache,
                     .fetches = &fetches_,
                     .cache_generation = cache_generation(wanted, before),
                     .calls_without_client = &upstream->state->calls_without_client,
                     .long_waits = &upstream->state->long_waits,
                     .retry_budget = &upstream->state->retry_budget,
                     .limits = &upstream->state->limits,
                     .adaptive_timeout = adaptive_timeout(wanted, *upstream->state),
                     .breaker_name = upstream->state->name,
                     .faults = &upstream->state->faults};
  return upstream;
}

void SnapshotBuilder::find_latency_users(const config::Config& config) {
  const auto by_latency = [](const config::Retries& retries) {
    return retries.hedge && retries.hedge->after.is_percentile();
  };
  wants_adaptive_timeout_.clear();
  for (const auto& wanted : config.upstreams)
    if (wanted.timeouts.adaptive || by_latency(wanted.retries)) wants_adaptive_timeout_.insert(wanted.name);
  for (const auto& listener : config.listeners)
    for (const auto& route : listener.routes)
      if ((route.timeouts && route.timeouts->adaptive) || (route.retries && by_latency(*route.retries)))
        wants_adaptive_timeout_.insert(route.upstream);
}

// A route may want it where its upstream does not. The window's length is the upstream's.
AdaptiveTimeout* SnapshotBuilder::adaptive_timeout(const config::Upstream& wanted, UpstreamState& state) {
  const milliseconds window = wanted.timeouts.adaptive.value_or(config::AdaptiveTimeout{}).window;
  if (!state.adaptive_timeout && !wants_adaptive_timeout_.contains(wanted.name)) return nullptr;
  if (!state.adaptive_timeout) state.adaptive_timeout = std::make_unique<AdaptiveTimeout>(window, steady_now());
  state.adaptive_timeout->set_window(window);
  return state.adaptive_timeout.get();
}

std::unique_ptr<Listener> SnapshotBuilder::listener(const Snapshot& snapshot, std::size_t index) {
  const config::Listener& wanted = snapshot.config.listeners[index];
  auto listener = std::make_unique<Listener>();
  listener->config = &wanted;
  listener->router = Router(wanted.routes, config::hosts_from_variables(snapshot.config, index));
  listener->unrouted_cells = states_.cells(wanted.name, "");
  for (const auto& route : wanted.routes) {
    const Upstream* to = snapshot.upstream(route.upstream);
    listener->routes.push_back({.config = &route,
                                .upstream = to,
                                .timeouts = route.timeouts ? &*route.timeouts : &to->config->timeouts,
                                .fallback = route.fallback ? &*route.fallback : &to->config->fallback,
                                .retries = route.retries ? &*route.retries : &to->config->retries,
                                .circuit_breaker = &config::circuit_breaker_of(route, *to->config),
                                .cells = states_.cells(wanted.name, route.upstream),
                                .cache_scope = cache_scope(wanted, route),
                                .own = own_of(route, *to)});
  }
  return listener;
}

std::unique_ptr<const RouteOwn> SnapshotBuilder::own_of(const config::Route& route, const Upstream& to) {
  const bool own_breaker = config::has_own_breaker(route, *to.config);
  if (!own_breaker && !config::has_own_limits(route)) return nullptr;
  auto own = std::make_unique<RouteOwn>();
  own->chain = to.chain;
  const std::string name = to.config->name + "/" + route.name;
  if (own_breaker) {
    const config::CircuitBreaker& settings = config::circuit_breaker_of(route, *to.config);
    own->breaker = states_.route_breaker(name, settings);
    own->classify = std::make_unique<CompiledClassify>(settings.classify);
    own->chain.breaker = &own->breaker->breaker;
    own->chain.classify = own->classify.get();
    own->chain.calls_without_client = &own->breaker->calls_without_client;
    own->chain.breaker_name = own->breaker->name;
    own->chain.above_breaker = to.chain.breaker;
  }
  if (config::has_own_limits(route)) {
    own->limits = states_.route_limits(name);
    own->chain.route_limits = &own->limits->state;
  }
  return own;
}

// What was stored for an upstream is no answer of another one that has taken over its name. What is still on its way
// under the old configuration may be stored later on: its generation is the old one, so no look-up finds it.
std::uint64_t SnapshotBuilder::cache_generation(const config::Upstream& wanted, const Snapshot* before) {
  const Upstream* old = before != nullptr ? before->upstream(wanted.name) : nullptr;
  if (old != nullptr && StateRegistry::same_site(*old->config, wanted)) return old->chain.cache_generation;
  return ++cache_generations_;
}

}  // namespace fusewire::proxy

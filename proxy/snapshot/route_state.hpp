// SPDX-License-Identifier: Apache-2.0
// What a route has of its own at run time. It lives as long as the name UPSTREAM/ROUTE is configured with it, over any
// number of reloads, and may be shared by several routes of that name; everything in it may be used by all threads.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "filters/breaker/core/breaker.hpp"
#include "filters/limits/limits_state.hpp"
#include "proxy/observe/cells.hpp"

namespace fusewire::proxy {

// circuit_breaker.scope: route.
struct RouteBreaker {
  RouteBreaker(std::string breaker_name, const config::CircuitBreaker& settings, breaker::Time now, std::uint64_t seed,
               std::size_t workers)
      : name(std::move(breaker_name)), breaker(settings, now, seed), probes(workers) {}

  const std::string name;
  breaker::Breaker breaker;
  PerWorker<ProbeCells> probes;
  std::atomic<std::uint32_t> calls_without_client{0};
};

// `limits` under a route.
struct RouteLimitsState {
  RouteLimitsState(std::string name, std::size_t workers) : state(std::move(name)), refused(workers) {}

  limits::LimitsState state;
  PerWorker<RefusedCells> refused;
};

}  // namespace fusewire::proxy

// SPDX-License-Identifier: Apache-2.0
// An upstream at run time. UpstreamState lives as long as the upstream's name is configured, over any number of
// reloads; everything in it may be used by all threads.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "config/config.hpp"
#include "filters/breaker/core/breaker.hpp"
#include "proxy/observe/cells.hpp"

namespace fusewire::cache {
class Partition;
}

namespace fusewire::proxy {

struct UpstreamState {
  UpstreamState(const config::Upstream& config, Time now, std::uint64_t seed, std::size_t workers)
      : name(config.name), breaker(config.circuit_breaker, now, seed), cells(workers) {}
  using Time = std::chrono::steady_clock::time_point;

  const std::string name;
  breaker::Breaker breaker;
  PerWorker<UpstreamCells> cells;
  std::shared_ptr<cache::Partition> cache;    // set once, before traffic
  std::function<void()> evict_elsewhere;      // set once, before traffic: every worker closes an idle connection
  std::atomic<std::uint32_t> connections{0};  // open to its endpoints, over all workers
  std::atomic<std::uint32_t> concurrent_requests{0};
};

// One endpoint; kept over reloads while (upstream, URL) stays.
struct EndpointState {
  std::string url;
  config::Address address;
  std::string authority;
  std::size_t id = 0;  // dense, never reused while the process lives: the index of the workers' pools
};

}  // namespace fusewire::proxy

// SPDX-License-Identifier: Apache-2.0
// What the filters of one upstream, or of one route to it, work with. Immutable, owned by the snapshot; what it points
// to is thread-safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>

namespace fusewire {

class CompiledClassify;
class AdaptiveTimeout;
class RetryBudget;
namespace breaker {
class Breaker;
}
namespace fault {
class Injector;
}  // namespace fault
namespace limits {
struct LimitsState;
}  // namespace limits
namespace cache {
class RequestCollapser;
class Store;
class Partition;
}  // namespace cache

struct ChainContext {
  breaker::Breaker* breaker = nullptr;                // never null in a chain
  const CompiledClassify* classify = nullptr;         // likewise
  cache::Store* store = nullptr;                      // likewise
  std::shared_ptr<cache::Partition> cache_partition;  // likewise: store->partition(upstream's name)
  cache::RequestCollapser* fetches = nullptr;         // likewise, where the cache serves normally
  std::uint64_t cache_generation = 0;  // another one, once somebody else answers under the upstream's name
  std::atomic<std::uint32_t>* calls_without_client = nullptr;  // absent: a call ends with its client
  std::atomic<std::uint32_t>* long_waits = nullptr;            // of retries; absent: without a bound
  RetryBudget* retry_budget = nullptr;                         // absent: there is none
  limits::LimitsState* limits = nullptr;                       // never null in a chain
  AdaptiveTimeout* adaptive_timeout = nullptr;                 // absent: timeouts.response holds
  limits::LimitsState* route_limits = nullptr;                 // absent: the route has none of its own
  std::string_view breaker_name = {};                          // never empty in a chain: UPSTREAM, or UPSTREAM/ROUTE
  // Where `breaker` is the route's own: its upstream's, which an operator may force open for all routes. Else absent.
  breaker::Breaker* above_breaker = nullptr;
  fault::Injector* faults = nullptr;  // absent: none is ever injected
};

}  // namespace fusewire

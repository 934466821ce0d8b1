// SPDX-License-Identifier: Apache-2.0
// What the filters of one upstream work with. Immutable, owned by the snapshot; what it points to is thread-safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

namespace fusewire {

class CompiledClassify;
class AdaptiveTimeout;
class RetryBudget;
namespace breaker {
class Breaker;
}
namespace limits {
class ConcurrencyLimiter;
class TokenBucket;
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
  std::atomic<std::uint32_t>* trials_without_client = nullptr;  // absent: a trial ends with its client
  RetryBudget* retry_budget = nullptr;                          // absent: there is none
  limits::ConcurrencyLimiter* limiter = nullptr;                // never null in a chain
  limits::TokenBucket* token_bucket = nullptr;                  // likewise
  AdaptiveTimeout* adaptive_timeout = nullptr;                  // absent: timeouts.response holds
};

}  // namespace fusewire

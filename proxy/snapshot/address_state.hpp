// SPDX-License-Identifier: Apache-2.0
// One address of an upstream at run time, as all workers know it together: its breaker, its health, what active checks
// say. Kept while an endpoint that had it is configured, whatever DNS says meanwhile.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <utility>

#include "filters/balance/endpoint_health.hpp"
#include "filters/breaker/core/breaker.hpp"
#include "filters/endpoint_context.hpp"
#include "filters/health/checked_health.hpp"
#include "filters/time.hpp"
#include "proxy/snapshot/address_dials.hpp"

namespace fusewire::proxy {

// Thread-safe.
class AddressState {
 public:
  // `breaker_name`: UPSTREAM/ADDRESS.
  AddressState(std::string breaker_name, const config::CircuitBreaker& settings, Time now, std::uint64_t seed)
      : name(std::move(breaker_name)), breaker(settings, now, seed), health(now) {}

  // For the filters of an attempt. `with_breaker`: where it is to ask the address' own; `with_health`: where somebody
  // asks how it is.
  EndpointContext context(bool with_breaker, bool with_health) {
    return {.breaker = with_breaker ? &breaker : nullptr, .health = with_health ? &health : nullptr};
  }

  // Could not be reached, so others go first for a while; one request then tries again.
  void mark_unreachable(Time now) { avoid_until_.store(ticks(now + kAvoid), std::memory_order_relaxed); }
  void mark_reachable() {
    if (avoid_until_.load(std::memory_order_relaxed) != 0) avoid_until_.store(0, std::memory_order_relaxed);
  }
  bool is_avoided(Time now) const { return ticks(now) < avoid_until_.load(std::memory_order_relaxed); }
  // Of an address that was avoided: true for the one request that finds out whether it can be reached again.
  bool may_be_tried(Time now) {
    auto until = avoid_until_.load(std::memory_order_relaxed);
    if (until == 0) return true;
    return ticks(now) >= until &&
           avoid_until_.compare_exchange_strong(until, ticks(now + kAvoid), std::memory_order_relaxed);
  }

  const std::string name;
  breaker::Breaker breaker;
  balance::EndpointHealth health;
  health::CheckedHealth checked;  // by the upstream's health_check
  AddressDials dials;

 private:
  static constexpr milliseconds kAvoid{1000};
  static std::int64_t ticks(Time time) { return time.time_since_epoch().count(); }

  std::atomic<std::int64_t> avoid_until_{0};  // 0 = not at all
};

}  // namespace fusewire::proxy

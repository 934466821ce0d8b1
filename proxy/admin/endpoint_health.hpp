// SPDX-License-Identifier: Apache-2.0
// The health of addresses as a person reads it.
#pragma once

#include <cmath>

#include "proxy/snapshot/snapshot.hpp"

namespace fusewire::proxy {

// The lowest latency of the upstream's addresses, which the others are compared with; 0: none is known.
inline balance::LogLatency typical_latency(const Upstream& upstream, Time now) {
  balance::LogLatency typical = 0;
  for (const auto& endpoint : upstream.endpoints)
    for (const auto& address : endpoint->addresses.in_use()) {
      const balance::LogLatency latency = address->health.view(now).latency;
      if (latency > 0 && (typical == 0 || latency < typical)) typical = latency;
    }
  return typical;
}

// 1: as good as its peers; a half: as one that is twice as slow; towards 0 where it fails or hangs.
inline double health_score(const balance::HealthView& health, balance::LogLatency typical) {
  return std::exp2(-static_cast<double>(health.badness(typical)));
}

}  // namespace fusewire::proxy

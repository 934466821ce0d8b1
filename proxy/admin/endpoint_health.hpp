// SPDX-License-Identifier: Apache-2.0
// The health of addresses as a person reads it.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "proxy/snapshot/snapshot.hpp"

namespace fusewire::proxy {

// The best of the upstream's addresses in each respect, which the others are compared with.
inline balance::Typical typical_health(const Upstream& upstream, Time now) {
  constexpr float kNone = std::numeric_limits<float>::max();
  balance::Typical typical{.latency = kNone, .unfinished = kNone, .unfinished_for = kNone};
  for (const auto& endpoint : upstream.endpoints)
    for (const auto& address : endpoint->addresses.in_use()) {
      const balance::HealthView health = address->health.view(now);
      if (health.latency > 0) typical.latency = std::min(typical.latency, health.latency);
      typical.unfinished = std::min(typical.unfinished, static_cast<float>(health.unfinished));
      typical.unfinished_for = std::min(typical.unfinished_for, health.unfinished_for);
    }
  return {.latency = typical.latency == kNone ? 0 : typical.latency,
          .unfinished = typical.unfinished == kNone ? 0 : typical.unfinished,
          .unfinished_for = typical.unfinished_for == kNone ? 0 : typical.unfinished_for};
}

// 1: as good as its peers; a half: as one that is twice as slow; towards 0 where it fails or hangs.
inline double health_score(const balance::HealthView& health, const balance::Typical& typical) {
  return std::exp2(-static_cast<double>(health.badness(typical)));
}

}  // namespace fusewire::proxy

// SPDX-License-Identifier: Apache-2.0
// The circuit_breaker_* families (docs/reference.md, "Metrics").
#pragma once

#include <string>
#include <vector>

#include "config/config.hpp"
#include "filters/breaker/core/types.hpp"
#include "proxy/admin/metrics/metric_family.hpp"

namespace fusewire::proxy {

struct BreakerSample {
  std::string name;
  breaker::Snapshot snapshot;
  const config::CircuitBreaker* config = nullptr;
  const PerWorker<UpstreamCells>* cells = nullptr;  // of the upstream; absent: a route's breaker, counted there
};

void append_breaker_families(Families&, const std::vector<BreakerSample>&);

}  // namespace fusewire::proxy

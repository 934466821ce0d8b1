// SPDX-License-Identifier: Apache-2.0
// The families of limits, of upstreams and of routes, and of adaptive timeouts. Labels come from the configuration.
#pragma once

#include "proxy/admin/metrics/metric_family.hpp"

namespace fusewire::proxy {

struct ControlView;

void append_limit_families(Families&, const ControlView&, std::chrono::steady_clock::time_point now);

}  // namespace fusewire::proxy

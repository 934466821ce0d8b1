// SPDX-License-Identifier: Apache-2.0
// The families of endpoints, checks and probes, and retries. Labels come from the configuration: an endpoint is its
// URL, and its addresses are counted.
#pragma once

#include "proxy/admin/metrics/metric_family.hpp"

namespace fusewire::proxy {

struct ControlView;

void append_endpoint_families(Families&, const ControlView&, std::chrono::steady_clock::time_point now);
void append_probe_families(Families&, const ControlView&);
void append_retry_families(Families&, const ControlView&);

}  // namespace fusewire::proxy

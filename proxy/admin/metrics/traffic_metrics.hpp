// SPDX-License-Identifier: Apache-2.0
// The fusewire_* families that count requests, connections and the cache.
#pragma once

#include "proxy/admin/metrics/metric_family.hpp"

namespace fusewire::proxy {

struct ControlView;

void append_request_families(Families&, const ControlView&);
void append_connection_families(Families&, const ControlView&, const PerWorker<WorkerCells>&);
void append_cache_families(Families&, const ControlView&);

}  // namespace fusewire::proxy

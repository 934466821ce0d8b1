// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "filters/time.hpp"
#include "proxy/admin/metrics/metric_family.hpp"

namespace fusewire::proxy {

struct ControlView;

// fusewire_faults_injected_total and fusewire_fault_active.
void append_fault_families(Families&, const ControlView&, Time now);

}  // namespace fusewire::proxy

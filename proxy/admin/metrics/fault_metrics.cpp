// SPDX-License-Identifier: Apache-2.0
#include "proxy/admin/metrics/fault_metrics.hpp"

#include "proxy/control/control_view.hpp"
#include "proxy/snapshot/fault_counts.hpp"

namespace fusewire::proxy {

void append_fault_families(Families& out, const ControlView& view, Time now) {
  Family injected = Family::counter("fusewire_faults_injected_total", "Attempts that a fault was injected into.");
  Family active = Family::gauge("fusewire_fault_active", "1 while faults are injected into the upstream.");
  for (const auto& upstream : view.snapshot->upstreams) {
    const UpstreamState& state = *upstream->state;
    const fault::Counts counts = injected_counts(state);
    injected.add({{"upstream", state.name}, {"type", "delay"}}, counts.delayed);
    injected.add({{"upstream", state.name}, {"type", "abort"}}, counts.aborted);
    active.add({{"upstream", state.name}}, state.faults.view(now) ? 1.0 : 0.0);
  }
  injected.into(out);
  active.into(out);
}

}  // namespace fusewire::proxy

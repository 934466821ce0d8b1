// SPDX-License-Identifier: Apache-2.0
// How many attempts at an upstream were injected with a fault. Any thread.
#pragma once

#include "proxy/snapshot/upstream.hpp"

namespace fusewire::proxy {

// Since the process began.
inline fault::Counts injected_counts(const UpstreamState& state) {
  return {.delayed = state.cells.sum([](const UpstreamCells& cells) { return cells.delays_injected.value(); }),
          .aborted = state.cells.sum([](const UpstreamCells& cells) { return cells.aborts_injected.value(); })};
}

// Since this fault was set; it is the upstream's last one.
inline fault::Counts counts_of(const UpstreamState& state, const fault::Fault& fault) {
  const fault::Counts all = injected_counts(state);
  return {.delayed = all.delayed - fault.before.delayed, .aborted = all.aborted - fault.before.aborted};
}

}  // namespace fusewire::proxy

// SPDX-License-Identifier: Apache-2.0
// Injected faults as the admin API shows them.
#pragma once

#include <boost/json.hpp>

#include "proxy/snapshot/upstream.hpp"

namespace fusewire::proxy::admin {

// Since the process began.
inline fault::Counts fault_counts(const UpstreamState& state) {
  return {.delayed = state.cells.sum([](const UpstreamCells& cells) { return cells.delays_injected.value(); }),
          .aborted = state.cells.sum([](const UpstreamCells& cells) { return cells.aborts_injected.value(); })};
}

// A status, "reset", or null.
inline boost::json::value abort_view(std::uint16_t abort) {
  if (abort == 0) return nullptr;
  return abort == fault::kReset ? boost::json::value("reset") : boost::json::value(abort);
}

// What it does, how long it will last, and how often it has done it.
boost::json::object fault_view(const UpstreamState&, const fault::Fault&, Time now);

}  // namespace fusewire::proxy::admin

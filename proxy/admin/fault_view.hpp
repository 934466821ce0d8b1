// SPDX-License-Identifier: Apache-2.0
// Injected faults as the admin API shows them.
#pragma once

#include <boost/json.hpp>

#include "proxy/snapshot/upstream.hpp"

namespace fusewire::proxy::admin {

// A status, "reset", or null.
inline boost::json::value abort_view(std::uint16_t abort) {
  if (abort == 0) return nullptr;
  return abort == fault::kReset ? boost::json::value("reset") : boost::json::value(abort);
}

// What it does, how long it will last, and how often it has done it.
boost::json::object fault_view(const UpstreamState&, const fault::Fault&, Time now);

}  // namespace fusewire::proxy::admin

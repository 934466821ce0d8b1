// SPDX-License-Identifier: Apache-2.0
// The routes of a snapshot that have state of their own: each name once, also where it is on several listeners.
#pragma once

#include <vector>

#include "proxy/snapshot/snapshot.hpp"

namespace fusewire::proxy {

std::vector<const Route*> routes_with_breaker(const Snapshot&);  // circuit_breaker.scope: route
std::vector<const Route*> routes_with_limits(const Snapshot&);

}  // namespace fusewire::proxy

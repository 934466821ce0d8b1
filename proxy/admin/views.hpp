// SPDX-License-Identifier: Apache-2.0
// The parts of the admin's answers that the dashboard shows, too.
#pragma once

#include <vector>

#include "proxy/admin/json_views.hpp"

namespace fusewire::proxy::admin {

// Every breaker, without its last transitions. breaker_handlers.cpp
std::vector<BreakerFacts> breaker_facts(const Control&, const ControlView&, Moment now);
// An element of GET /admin/upstreams, with those of these routes that lead to it. upstream_handlers.cpp
boost::json::object upstream_view(const Upstream&, const std::vector<const Route*>& limited, Time now);
// An element of GET /admin/cache. upstream_handlers.cpp
boost::json::object partition_view(const cache::Partition&);

}  // namespace fusewire::proxy::admin

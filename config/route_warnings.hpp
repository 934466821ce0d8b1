// SPDX-License-Identifier: Apache-2.0
// Routes that no request reaches, and upstreams that no route leads to.
#pragma once

#include "config/config.hpp"
#include "config/trap_places.hpp"

namespace fusewire::config {

void warn_of_routes(const Config&, const TrapPlaces&);

}  // namespace fusewire::config

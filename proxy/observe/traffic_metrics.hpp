// SPDX-License-Identifier: Apache-2.0
// The fusewire_* families that count requests, connections and the cache.
#pragma once

#include "proxy/observe/metric_family.hpp"

namespace fusewire::proxy {

class Control;

void append_request_families(Families&, const Control&);
void append_connection_families(Families&, Control&);
void append_cache_families(Families&, Control&);

}  // namespace fusewire::proxy

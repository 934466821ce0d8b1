// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "proxy/admin/metrics/metric_family.hpp"
#include "proxy/webhooks/webhooks.hpp"

namespace fusewire::proxy {

void append_webhook_families(Families&, const std::vector<Webhooks::Figures>&);

}  // namespace fusewire::proxy

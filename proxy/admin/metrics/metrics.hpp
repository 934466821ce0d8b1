// SPDX-License-Identifier: Apache-2.0
// The metrics of a scrape: everything is read at the time of the scrape, from the breakers and from the workers' cells,
// so that nothing is registered, locked or looked up while requests run. Label values come from the configuration only.
#pragma once

#include <chrono>
#include <string>

#include "proxy/admin/metrics/exposition.hpp"

namespace fusewire::proxy {

class Control;

// All of it in one of the forms that a scraper may take. Any thread.
std::string metrics_text(Control&, std::chrono::steady_clock::time_point now,
                         MetricsForm form = MetricsForm::prometheus);

}  // namespace fusewire::proxy

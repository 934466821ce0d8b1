// SPDX-License-Identifier: Apache-2.0
// The metrics of a scrape: everything is read at the time of the scrape, from the breakers and from the workers' cells,
// so that nothing is registered, locked or looked up while requests run. Label values come from the configuration only.
#pragma once

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <chrono>
#include <string>
#include <vector>

namespace fusewire::proxy {

class Control;

// Any thread.
class Metrics final : public prometheus::Collectable {
 public:
  Metrics(Control& control, std::chrono::steady_clock::time_point now) : control_(control), now_(now) {}
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  Control& control_;
  const std::chrono::steady_clock::time_point now_;
};

// The Prometheus text exposition of all of it (text/plain; version=0.0.4).
std::string metrics_text(Control&, std::chrono::steady_clock::time_point now);

}  // namespace fusewire::proxy

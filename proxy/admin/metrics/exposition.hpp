// SPDX-License-Identifier: Apache-2.0
// The forms in which a scraper can have the metrics, and which of them it prefers. Pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace fusewire::proxy {

enum class MetricsForm { prometheus, open_metrics };

struct Exposition {
  MetricsForm form;
  std::string_view content_type;
};

// By the values of the request's Accept fields (RFC 9110 §12.5.1). OpenMetrics, 1.0.0 or 0.0.1, where it has more
// weight than Prometheus' text, or as much and is named while the text is only covered by a wildcard. Else the text: it
// is also for those who accept neither, as it always was. Of a range's parameters the version alone is compared: what
// others Prometheus sends (charset, escaping) make no difference to names and values like ours.
Exposition preferred_exposition(const std::vector<std::string>& accept);

}  // namespace fusewire::proxy

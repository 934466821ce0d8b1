// SPDX-License-Identifier: Apache-2.0
// The OpenMetrics text format (1.0.0), with exemplars. Our own writer, because the library that writes Prometheus' text
// knows neither this format nor exemplars; it writes what the same collection has found, so that both forms show the
// same series.
#pragma once

#include <string>
#include <string_view>

#include "proxy/admin/metrics/metric_family.hpp"

namespace fusewire::proxy {

// Counters, gauges and histograms: there are no others. The samples of a counter end in _total, its family does not.
// An `le` is written as other exporters of the format write it ("1.0", which Prometheus' text calls "1").
std::string open_metrics_text(const Families&);

// As a label's value or a help text: backslash, quote and line feed are escaped.
void append_escaped(std::string& out, std::string_view text);
// The shortest form that reads back as the same number; NaN, +Inf, -Inf.
void append_number(std::string& out, double value);
// The same, with a point or an exponent in it.
void append_bound(std::string& out, double bound);

}  // namespace fusewire::proxy

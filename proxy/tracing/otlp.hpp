// SPDX-License-Identifier: Apache-2.0
// Finished requests as OTLP's JSON (opentelemetry-proto, ExportTraceServiceRequest), by the names of OpenTelemetry's
// semantic conventions for HTTP.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "proxy/observe/span_queue.hpp"

namespace fusewire::proxy::tracing {

// A span for each request (kind SERVER), with the filters' decisions as events, and one for each of its attempts (kind
// CLIENT). No query, and no value of a header.
std::string otlp_json(const std::vector<SpanQueue::Item>&, std::string_view service_name);

}  // namespace fusewire::proxy::tracing

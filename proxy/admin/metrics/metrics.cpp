// SPDX-License-Identifier: Apache-2.0
#include "proxy/admin/metrics/metrics.hpp"

#include <prometheus/text_serializer.h>

#include "proxy/admin/metrics/breaker_metrics.hpp"
#include "proxy/admin/metrics/endpoint_metrics.hpp"
#include "proxy/admin/metrics/fault_metrics.hpp"
#include "proxy/admin/metrics/limit_metrics.hpp"
#include "proxy/admin/metrics/open_metrics.hpp"
#include "proxy/admin/metrics/process_metrics.hpp"
#include "proxy/admin/metrics/traffic_metrics.hpp"
#include "proxy/admin/metrics/webhook_metrics.hpp"
#include "proxy/control/control.hpp"
#include "proxy/observe/log.hpp"
#include "proxy/snapshot/named_breaker.hpp"
#include "proxy/snapshot/own_routes.hpp"

namespace fusewire::proxy {
namespace {

std::vector<BreakerSample> sample_breakers(const Snapshot& snapshot, std::chrono::steady_clock::time_point now) {
  std::vector<BreakerSample> samples;
  samples.reserve(snapshot.upstreams.size());
  for (const auto& upstream : snapshot.upstreams)
    samples.push_back({upstream->state->name, snapshot_of(*upstream, now), &upstream->config->circuit_breaker,
                       &upstream->state->cells});
  for (const Route* route : routes_with_breaker(snapshot))
    samples.push_back({route->own->breaker->name, route->own->breaker->breaker.snapshot(now), route->circuit_breaker});
  return samples;
}

void append_own_families(Families& out, const ControlView& view) {
  Family::gauge("fusewire_config_last_reload_successful", "Whether the last attempt to load the configuration worked.")
      .add({}, view.last_reload.successful ? 1.0 : 0.0)
      .into(out);
  const auto success = std::chrono::duration<double>(view.last_success.time_since_epoch());
  Family::gauge("fusewire_config_last_reload_success_timestamp_seconds",
                "When a configuration was last loaded, since unix epoch in seconds.")
      .add({}, success.count())
      .into(out);
  Family::gauge("fusewire_build_info", "Always 1; the labels say what is running.")
      .add({{"version", FUSEWIRE_VERSION}}, 1.0)
      .into(out);
  Family::counter("fusewire_log_lines_dropped_total", "Log lines lost because standard output did not take them.")
      .add({}, log::dropped())
      .into(out);
}

void append_trace_families(Families& out, const SpanQueue& spans) {
  Family::counter(
      "fusewire_trace_spans_total",
      "Spans of sampled traces, by whether the collector took them; dropped: it was down, slow, or refused.")
      .add({{"result", "exported"}}, spans.exported())
      .add({{"result", "dropped"}}, spans.dropped())
      .into(out);
}

Families collect(Control& control, std::chrono::steady_clock::time_point now) {
  const auto view = control.view();
  Families families;
  append_breaker_families(families, sample_breakers(*view->snapshot, now));
  append_request_families(families, *view);
  append_endpoint_families(families, *view, now);
  append_probe_families(families, *view);
  append_retry_families(families, *view);
  append_limit_families(families, *view, now);
  append_fault_families(families, *view, now);
  append_connection_families(families, *view, control.worker_cells());
  append_cache_families(families, *view);
  append_own_families(families, *view);
  append_webhook_families(families, control.webhooks().figures());
  append_trace_families(families, control.spans());
  append_process_families(families);
  return families;
}

}  // namespace

std::string metrics_text(Control& control, std::chrono::steady_clock::time_point now, MetricsForm form) {
  const Families families = collect(control, now);
  return form == MetricsForm::prometheus ? prometheus::TextSerializer{}.Serialize(families.all)
                                         : open_metrics_text(families);
}

}  // namespace fusewire::proxy

// SPDX-License-Identifier: Apache-2.0
#include "proxy/admin/metrics/traffic_metrics.hpp"

#include <array>

#include "filters/cache/partition.hpp"
#include "proxy/control/control_view.hpp"
#include "proxy/tls/server_context.hpp"

namespace fusewire::proxy {
namespace {

constexpr std::array<const char*, 6> kClasses = {"1xx", "2xx", "3xx", "4xx", "5xx", "none"};  // TrafficCells::by_class

constexpr std::pair<const char*, Cell TlsCells::*> kHandshakes[] = {
    {"full", &TlsCells::full}, {"resumed", &TlsCells::resumed}, {"failed", &TlsCells::failed}};

std::uint64_t sum(const PerWorker<UpstreamCells>& cells, Cell UpstreamCells::*member) {
  return cells.sum([member](const UpstreamCells& cell) { return (cell.*member).value(); });
}
std::uint64_t sum(const PerWorker<WorkerCells>& cells, Cell WorkerCells::*member) {
  return cells.sum([member](const WorkerCells& cell) { return (cell.*member).value(); });
}

}  // namespace

void append_request_families(Families& out, const ControlView& view) {
  Family requests = Family::counter(
      "fusewire_requests_total", "Requests by the class of the final status; none: the client left before its answer.");
  Family duration =
      Family::histogram("fusewire_request_duration_seconds", "From a request's head to the last byte of its answer.");
  for (const auto& [listener, upstream, cells] : view.traffic) {
    for (std::size_t i = 0; i < kClasses.size(); ++i)
      requests.add({{"listener", listener}, {"upstream", upstream}, {"code_class", kClasses[i]}},
                   cells->sum([i](const TrafficCells& cell) { return cell.by_class[i].value(); }));
    duration.add_durations({{"listener", listener}, {"upstream", upstream}}, *cells,
                           [](const TrafficCells& cell) -> const DurationCells& { return cell.duration; });
  }
  requests.into(out);
  duration.into(out);
}

void append_connection_families(Families& out, const ControlView& view, const PerWorker<WorkerCells>& workers) {
  Family now = Family::gauge("fusewire_upstream_connections", "Open connections to the upstream's endpoints.");
  Family opened = Family::counter("fusewire_upstream_connections_opened_total", "Connections opened to the upstream.");
  Family held = Family::counter("fusewire_upstream_dials_held_total",
                                "Dials that waited for a trial, as their address answered nobody.");
  Family stale = Family::counter("fusewire_upstream_stale_connections_total",
                                 "Kept connections that turned out closed; the request went out on a fresh one.");
  Family handshakes =
      Family::counter("fusewire_upstream_tls_handshakes_total", "TLS handshakes with the upstream's endpoints.");
  for (const auto& upstream : view.snapshot->upstreams) {
    const auto& [name, cells] = std::tie(upstream->state->name, upstream->state->cells);
    now.add({{"upstream", name}, {"state", "active"}}, sum(cells, &UpstreamCells::connections_active))
        .add({{"upstream", name}, {"state", "idle"}}, sum(cells, &UpstreamCells::connections_idle));
    opened.add({{"upstream", name}}, sum(cells, &UpstreamCells::connections_opened));
    held.add({{"upstream", name}}, sum(cells, &UpstreamCells::dials_held));
    stale.add({{"upstream", name}}, sum(cells, &UpstreamCells::stale_retries));
    for (const auto& [result, cell] : kHandshakes)
      handshakes.add({{"upstream", name}, {"result", result}},
                     cells.sum([cell = cell](const UpstreamCells& one) { return (one.tls.*cell).value(); }));
  }
  now.into(out);
  opened.into(out);
  held.into(out);
  stale.into(out);
  handshakes.into(out);

  Family::gauge("fusewire_connections", "Open connections of clients.")
      .add({}, sum(workers, &WorkerCells::connections_open))
      .into(out);
  Family::counter("fusewire_connections_accepted_total", "Connections of clients that were accepted.")
      .add({}, sum(workers, &WorkerCells::connections_accepted))
      .into(out);
  Family from_clients = Family::counter("fusewire_tls_handshakes_total", "TLS handshakes with clients.");
  for (const auto& [result, cell] : kHandshakes)
    from_clients.add({{"result", result}},
                     workers.sum([cell = cell](const WorkerCells& one) { return (one.tls.*cell).value(); }));
  from_clients.into(out);
  Family ends =
      Family::gauge("fusewire_certificate_not_after_timestamp_seconds", "When the certificate of a TLS listener ends.");
  for (const auto& listener : view.snapshot->listeners)
    if (listener->tls)
      ends.add({{"listener", listener->config->name}},
               std::chrono::duration<double>(listener->tls->ends().time_since_epoch()).count());
  ends.into(out);
  Family::counter("fusewire_bad_requests_total",
                  "Requests rejected before they are forwarded: malformed, late, unsupported or over a limit.")
      .add({}, sum(workers, &WorkerCells::bad_requests))
      .into(out);
}

void append_cache_families(Families& out, const ControlView& view) {
  Family entries = Family::gauge("fusewire_cache_entries", "Stored responses.");
  Family bytes = Family::gauge("fusewire_cache_bytes", "Memory that stored responses take, in bytes.");
  Family events = Family::counter("fusewire_cache_events_total", "What the cache did.");
  for (const auto& upstream : view.snapshot->upstreams) {
    const std::string& name = upstream->state->name;
    const cache::Partition& partition = *upstream->state->cache;
    entries.add({{"upstream", name}}, partition.entries());
    bytes.add({{"upstream", name}}, partition.bytes());
    for (std::size_t i = 0; i < cache::kEvents; ++i)
      events.add({{"upstream", name}, {"event", std::string(cache::kEventNames[i])}},
                 partition.events(static_cast<cache::Event>(i)));
  }
  entries.into(out);
  bytes.into(out);
  events.into(out);
}

}  // namespace fusewire::proxy

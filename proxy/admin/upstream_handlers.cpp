// SPDX-License-Identifier: Apache-2.0
#include "config/addresses.hpp"
#include "filters/cache/store.hpp"
#include "proxy/admin/handlers.hpp"
#include "proxy/admin/quantile.hpp"
#include "proxy/observe/log.hpp"
#include "proxy/text/time_text.hpp"

namespace fusewire::proxy::admin {
namespace {

namespace json = boost::json;

std::uint64_t sum(const PerWorker<UpstreamCells>& cells, Cell UpstreamCells::*member) {
  return cells.sum([member](const UpstreamCells& cell) { return (cell.*member).value(); });
}

json::object latency_view(const PerWorker<UpstreamCells>& cells) {
  const DurationCounts counts = count_durations(cells);
  const auto in_milliseconds = [&counts](double q) -> json::value {
    const auto seconds = quantile(counts, q);
    return seconds ? json::value(rounded(*seconds * 1000)) : json::value(nullptr);
  };
  return {{"calls", total(counts)},
          {"p50", in_milliseconds(0.5)},
          {"p90", in_milliseconds(0.9)},
          {"p99", in_milliseconds(0.99)}};
}

// Of a name: its addresses in use, and how the last look-up went.
json::object endpoint_view(const EndpointState& endpoint) {
  const std::string address = config::format_address(endpoint.address);
  json::object view = {{"url", endpoint.url}, {"address", address}};
  if (endpoint.known) {
    view["addresses"] = json::array{address};
    return view;
  }
  const LookUpRecord::View known = endpoint.last_look_up.read();
  view["addresses"] = json::array(known.addresses.begin(), known.addresses.end());
  view["last_look_up"] = known.at ? json::value(time_text(*known.at)) : json::value(nullptr);
  view["look_up_error"] = known.error.empty() ? json::value(nullptr) : json::value(known.error);
  return view;
}

json::object upstream_view(const Upstream& upstream) {
  const UpstreamState& state = *upstream.state;
  json::array endpoints;
  for (const auto& endpoint : upstream.endpoints) endpoints.push_back(endpoint_view(*endpoint));
  const config::UpstreamLimits& limits = upstream.config->limits;
  return {{"upstream", state.name},
          {"breaker_state", breaker::to_string(state.breaker.state())},
          {"endpoints", std::move(endpoints)},
          {"connections",
           {{"active", sum(state.cells, &UpstreamCells::connections_active)},
            {"idle", sum(state.cells, &UpstreamCells::connections_idle)},
            {"opened", sum(state.cells, &UpstreamCells::connections_opened)},
            {"max", limits.max_connections}}},
          {"concurrent_requests", state.concurrent_requests.load()},
          {"max_concurrent_requests", limits.max_concurrent_requests},
          {"latency_ms", latency_view(state.cells)}};
}

json::object partition_view(const cache::Partition& partition) {
  json::object view = {{"upstream", partition.name()}, {"entries", partition.entries()}, {"bytes", partition.bytes()}};
  json::object events;
  for (std::size_t i = 0; i < cache::kEvents; ++i)
    events[cache::kEventNames[i]] = partition.events(static_cast<cache::Event>(i));
  view["hits"] = partition.events(cache::Event::hit);
  view["stale_answers"] = partition.events(cache::Event::stale);
  view["events"] = std::move(events);
  return view;
}

Reply purged(const Call& call, std::string_view upstream, std::size_t entries) {
  log::info("admin change", {{"change", "purge cache"},
                             {"upstream", upstream},
                             {"entries", static_cast<std::int64_t>(entries)},
                             {"peer", call.request.peer}});
  return json_reply({{"purged", entries}});
}

}  // namespace

Reply get_upstreams(const Call& call) {
  json::array list;
  for (const auto& upstream : call.view.snapshot->upstreams) list.push_back(upstream_view(*upstream));
  return json_reply({{"upstreams", std::move(list)}});
}

Reply get_cache(const Call& call) {
  const cache::Store& store = call.control.cache();
  json::array list;
  for (const auto& upstream : call.view.snapshot->upstreams) list.push_back(partition_view(*upstream->state->cache));
  return json_reply({{"bytes", store.bytes()}, {"limit_bytes", store.limit()}, {"upstreams", std::move(list)}});
}

Reply delete_cache(const Call& call) { return purged(call, "all", call.control.cache().purge()); }

Reply delete_cache_of(const Call& call) {
  const Upstream* upstream = call.view.snapshot->upstream(call.name);
  if (!upstream) return unknown_upstream(call, "UnknownUpstream", call.name);
  return purged(call, call.name, call.control.cache().purge(*upstream->state->cache));
}

}  // namespace fusewire::proxy::admin

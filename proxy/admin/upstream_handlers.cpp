// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "config/addresses.hpp"
#include "filters/cache/store.hpp"
#include "filters/retry/hedge_delay.hpp"
#include "proxy/admin/effective_timeout.hpp"
#include "proxy/admin/endpoint_health.hpp"
#include "proxy/admin/fault_view.hpp"
#include "proxy/admin/handlers.hpp"
#include "proxy/admin/quantile.hpp"
#include "proxy/admin/views.hpp"
#include "proxy/observe/log.hpp"
#include "proxy/snapshot/named_breaker.hpp"
#include "proxy/snapshot/own_routes.hpp"
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

json::value text_or_null(const std::optional<WallTime>& at) { return at ? json::value(time_text(*at)) : nullptr; }

// What the active checks of an address say.
json::object check_view(const health::CheckedHealth& checked) {
  const health::CheckedHealth::View seen = checked.view();
  json::object view = {{"state", !seen.checked    ? "unchecked"
                                 : seen.unhealthy ? "unhealthy"
                                                  : "healthy"},
                       {"since", text_or_null(seen.since)},
                       {"last_check", text_or_null(seen.checked)},
                       {"last_result", nullptr},
                       {"last_status", nullptr}};
  if (seen.checked) view["last_result"] = health::to_string(seen.last);
  if (seen.status != 0) view["last_status"] = seen.status;
  return view;
}

// What is known of one address.
json::object address_view(const Upstream& upstream, const AddressState& address, Time now) {
  const balance::Typical typical = typical_health(upstream, now);
  const balance::HealthView health = address.health.view(now);
  json::object view = {{"name", address.name},
                       {"in_flight", health.in_flight},
                       {"health_score", rounded(health_score(health, typical))},
                       {"latency_ms", nullptr},
                       {"avoided", address.is_avoided(now)}};
  if (health.latency > 0) view["latency_ms"] = rounded(std::exp2(static_cast<double>(health.latency)) / 1e6);
  if (upstream.config->health_check) view["health_check"] = check_view(address.checked);
  if (has_endpoint_breakers(upstream)) view["breaker_state"] = breaker::to_string(address.breaker.state());
  return view;
}

// Of a name: its addresses in use, and how the last look-up went.
json::object endpoint_view(const Upstream& upstream, const EndpointState& endpoint, Time now) {
  const std::string address = config::format_address(endpoint.address);
  json::object view = {{"url", endpoint.url}, {"address", address}};
  json::array states;
  for (const auto& one : endpoint.addresses.in_use()) states.push_back(address_view(upstream, *one, now));
  view["address_states"] = std::move(states);
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

// How many requests the rate limit would let through now; null: it is off.
json::value rate_tokens(const limits::LimitsState& state, const std::optional<config::Rate>& rate, Time now) {
  return rate ? json::value(state.token_bucket.available(*rate, now)) : json::value(nullptr);
}

// Null: it is off. The minimum is null until it is known.
json::value adaptive_view(const limits::LimitsState& state,
                          const std::optional<config::AdaptiveConcurrency>& adaptive) {
  if (!adaptive) return nullptr;
  const std::chrono::duration<double, std::milli> minimum = state.adaptive_limit.minimum_latency();
  return {{"limit", state.adaptive_limit.steady_limit(*adaptive)},
          {"minimum_latency_ms", minimum.count() > 0 ? json::value(rounded(minimum.count())) : json::value(nullptr)}};
}

// The limits that a route has beside those of its upstream.
json::object route_view(const Route& route, Time now) {
  const limits::LimitsState& state = route.own->limits->state;
  const config::RouteLimits& limits = route.config->limits;
  json::object view = {{"route", route.config->name},
                       {"concurrent_requests", state.limiter.in_use()},
                       {"queued_requests", state.limiter.waiting()},
                       {"max_concurrent_requests", nullptr},
                       {"adaptive_concurrency", adaptive_view(state, limits.adaptive_concurrency)},
                       {"rate_tokens", rate_tokens(state, limits.rate, now)}};
  if (limits.max_concurrent_requests) view["max_concurrent_requests"] = *limits.max_concurrent_requests;
  return view;
}

// How many retries there may be now; null: as many as are wanted.
json::value retry_budget_left(const Upstream& upstream, Time now) {
  const auto& budget = upstream.config->retries.budget;
  if (!budget) return nullptr;
  return upstream.state->retry_budget.available(*budget, now);
}

// After how long a hedge is sent now; null: it is off, or too few answers are known.
json::value hedge_after(const Upstream& upstream, Time now) {
  const auto& hedge = upstream.config->retries.hedge;
  if (!hedge) return nullptr;
  const auto delay = hedge_delay(*hedge, upstream.chain.adaptive_timeout, now);
  return delay ? json::value(rounded(std::chrono::duration<double, std::milli>(*delay).count())) : json::value(nullptr);
}

// Null: none is injected.
json::value fault_or_null(const UpstreamState& state, Time now) {
  const auto fault = state.faults.view(now);
  return fault ? json::value(fault_view(state, *fault, now)) : json::value(nullptr);
}

}  // namespace

json::object upstream_view(const Upstream& upstream, const std::vector<const Route*>& routes, Time now) {
  const UpstreamState& state = *upstream.state;
  json::array limited;
  for (const Route* route : routes)
    if (route->upstream == &upstream) limited.push_back(route_view(*route, now));
  json::array endpoints;
  for (const auto& endpoint : upstream.endpoints) endpoints.push_back(endpoint_view(upstream, *endpoint, now));
  const config::UpstreamLimits& limits = upstream.config->limits;
  return {{"upstream", state.name},
          {"breaker_state", breaker::to_string(snapshot_of(upstream, now).state)},
          {"endpoints", std::move(endpoints)},
          {"connections",
           {{"active", sum(state.cells, &UpstreamCells::connections_active)},
            {"idle", sum(state.cells, &UpstreamCells::connections_idle)},
            {"opened", sum(state.cells, &UpstreamCells::connections_opened)},
            {"max", limits.max_connections}}},
          {"concurrent_requests", state.limits.limiter.in_use()},
          {"queued_requests", state.limits.limiter.waiting()},
          {"max_concurrent_requests", limits.max_concurrent_requests},
          {"adaptive_concurrency", adaptive_view(state.limits, limits.adaptive_concurrency)},
          {"rate_tokens", rate_tokens(state.limits, limits.rate, now)},
          {"routes", std::move(limited)},
          {"response_timeout_ms", response_timeout(upstream, now).count()},
          {"retry_budget_left", retry_budget_left(upstream, now)},
          {"hedge_after_ms", hedge_after(upstream, now)},
          {"latency_ms", latency_view(state.cells)},
          {"fault", fault_or_null(state, now)}};
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

namespace {

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
  const std::vector<const Route*> routes = routes_with_limits(*call.view.snapshot);
  for (const auto& upstream : call.view.snapshot->upstreams)
    list.push_back(upstream_view(*upstream, routes, call.now.steady));
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

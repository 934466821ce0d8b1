// SPDX-License-Identifier: Apache-2.0
#include "proxy/admin/metrics/endpoint_metrics.hpp"

#include <algorithm>
#include <array>

#include "proxy/admin/effective_timeout.hpp"
#include "proxy/admin/endpoint_health.hpp"
#include "proxy/control/control_view.hpp"
#include "proxy/snapshot/named_breaker.hpp"
#include "proxy/snapshot/own_routes.hpp"

namespace fusewire::proxy {
namespace {

using Addresses = std::vector<AddressTable::AddressPtr>;

constexpr std::array kAddressStates = {breaker::State::closed, breaker::State::open, breaker::State::half_open};
constexpr std::array<const char*, 3> kProbes = {"success", "failure", "neutral"};       // ProbeResult
constexpr std::array<const char*, 3> kRetries = {"success", "failure", "over_budget"};  // UpstreamCells::retries

constexpr std::array<const char*, 4> kHedges = {"won", "lost", "failed", "over_budget"};  // UpstreamCells::hedges

double in_state(const Addresses& addresses, breaker::State state) {
  return static_cast<double>(std::count_if(addresses.begin(), addresses.end(),
                                           [state](const auto& one) { return one->breaker.state() == state; }));
}

// Of the best of its addresses.
double best_score(const Addresses& addresses, const balance::Typical& typical, Time now) {
  double best = addresses.empty() ? 1 : 0;
  for (const auto& one : addresses) best = std::max(best, health_score(one->health.view(now), typical));
  return best;
}

void append_checks(Family& addresses, Family& checks, const std::string& upstream, const EndpointState& endpoint) {
  const Addresses known = endpoint.addresses.in_use();
  const auto unhealthy =
      std::count_if(known.begin(), known.end(), [](const auto& one) { return one->checked.is_unhealthy(); });
  const auto add = [&](const char* state, double value) {
    addresses.add({{"upstream", upstream}, {"endpoint", endpoint.url}, {"state", state}}, value);
  };
  add("healthy", static_cast<double>(known.size()) - static_cast<double>(unhealthy));
  add("unhealthy", static_cast<double>(unhealthy));
  for (std::size_t result = 0; result < health::kCheckResults; ++result)
    checks.add({{"upstream", upstream},
                {"endpoint", endpoint.url},
                {"result", std::string(health::to_string(static_cast<health::CheckResult>(result)))}},
               endpoint.checks[result].value());
}

bool makes_probes(const config::CircuitBreaker& breaker) {
  return breaker.recovery.probe.type != config::ProbeType::traffic;
}

template <class Cells, class ProbesOf>
void append_probes(Family& probes, const std::string& name, const Cells& cells, ProbesOf probes_of) {
  for (std::size_t result = 0; result < kProbes.size(); ++result)
    probes.add({{"name", name}, {"result", kProbes[result]}},
               cells.sum([&](const auto& one) { return (*probes_of(one))[result].value(); }));
}

}  // namespace

void append_endpoint_families(Families& out, const ControlView& view, Time now) {
  Family states = Family::gauge("circuit_breaker_addresses",
                                "Addresses of an endpoint by the state of their breakers, where each has its own.");
  Family scores = Family::gauge("fusewire_endpoint_health_score",
                                "1 for an endpoint that is as good as its peers, towards 0 where it is slow or fails.");
  for (const auto& upstream : view.snapshot->upstreams) {
    const balance::Typical typical = typical_health(*upstream, now);
    const bool breakers = has_endpoint_breakers(*upstream);
    for (const auto& endpoint : upstream->endpoints) {
      const Addresses addresses = endpoint->addresses.in_use();
      scores.add({{"upstream", upstream->state->name}, {"endpoint", endpoint->url}},
                 best_score(addresses, typical, now));
      for (const breaker::State state : kAddressStates)
        if (breakers)
          states.add({{"name", upstream->state->name + "/" + endpoint->url}, {"state", std::string(to_string(state))}},
                     in_state(addresses, state));
    }
  }
  states.into(out);
  scores.into(out);
}

void append_probe_families(Families& out, const ControlView& view) {
  Family addresses = Family::gauge("fusewire_health_check_addresses",
                                   "Addresses of an endpoint by what their active checks say, where these are on.");
  Family checks = Family::counter("fusewire_health_checks_total", "Active checks of an endpoint's addresses.");
  Family probes =
      Family::counter("circuit_breaker_probes_total",
                      "Requests of the proxy's own about breakers that are not closed, where it makes any.");
  for (const auto& upstream : view.snapshot->upstreams) {
    const std::string& name = upstream->state->name;
    if (upstream->config->health_check)
      for (const auto& endpoint : upstream->endpoints) append_checks(addresses, checks, name, *endpoint);
    if (makes_probes(upstream->config->circuit_breaker))
      append_probes(probes, name, upstream->state->cells, [](const UpstreamCells& cells) { return &cells.probes; });
  }
  for (const Route* route : routes_with_breaker(*view.snapshot))
    if (makes_probes(*route->circuit_breaker))
      append_probes(probes, route->own->breaker->name, route->own->breaker->probes,
                    [](const ProbeCells& cells) { return &cells; });
  addresses.into(out);
  checks.into(out);
  probes.into(out);
}

void append_retry_families(Families& out, const ControlView& view) {
  Family retries =
      Family::counter("fusewire_retries_total", "Further attempts of requests; over_budget: those that were not made.");
  for (const auto& upstream : view.snapshot->upstreams)
    for (std::size_t result = 0; result < kRetries.size(); ++result)
      retries.add(
          {{"upstream", upstream->state->name}, {"result", kRetries[result]}},
          upstream->state->cells.sum([=](const UpstreamCells& cells) { return cells.retries[result].value(); }));
  retries.into(out);
  Family hedges = Family::counter("fusewire_hedges_total",
                                  "Attempts beside one that had not answered in time; over_budget: not made.");
  for (const auto& upstream : view.snapshot->upstreams)
    for (std::size_t result = 0; result < kHedges.size(); ++result)
      hedges.add({{"upstream", upstream->state->name}, {"result", kHedges[result]}},
                 upstream->state->cells.sum([=](const UpstreamCells& cells) { return cells.hedges[result].value(); }));
  hedges.into(out);
}

}  // namespace fusewire::proxy

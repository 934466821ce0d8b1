// SPDX-License-Identifier: Apache-2.0
#include "proxy/admin/metrics/limit_metrics.hpp"

#include <array>

#include "proxy/admin/effective_timeout.hpp"
#include "proxy/control/control_view.hpp"
#include "proxy/snapshot/named_breaker.hpp"
#include "proxy/snapshot/own_routes.hpp"

namespace fusewire::proxy {
namespace {

constexpr std::array<const char*, 3> kLimits = {"rate", "concurrency", "queue_timeout"};  // LimitKind

Labels with(Labels labels, const char* name, const char* value) {
  labels.push_back({name, value});
  return labels;
}

// Of upstreams, and of routes that have limits of their own: these have a label more, so that the sum over an
// upstream's series is its total.
class LimitFamilies {
 public:
  void add(const Labels& labels, const limits::LimitsState& state,
           const std::optional<config::AdaptiveConcurrency>& adaptive) {
    depth_.add(labels, static_cast<double>(state.limiter.waiting()));
    if (!adaptive) return;
    limit_.add(labels, static_cast<double>(state.adaptive_limit.steady_limit(*adaptive)));
    minimum_.add(labels, std::chrono::duration<double>(state.adaptive_limit.minimum_latency()).count());
  }
  template <class T, class Read>
  void add_refused(const Labels& labels, const PerWorker<T>& cells, Read refused) {
    for (std::size_t kind = 0; kind < kLimits.size(); ++kind)
      refused_.add(with(labels, "limit", kLimits[kind]),
                   cells.sum([&](const T& one) { return refused(one)[kind].value(); }));
  }
  void into(Families& out) {
    depth_.into(out);
    refused_.into(out);
    limit_.into(out);
    minimum_.into(out);
  }

 private:
  Family depth_ = Family::gauge("fusewire_queue_depth", "Requests that wait for others to end.");
  Family refused_ = Family::counter("fusewire_limited_total", "Requests that a limit has refused.");
  Family limit_ = Family::gauge("fusewire_adaptive_concurrency_limit",
                                "The limit of requests in flight that follows the latency, where it is on.");
  Family minimum_ = Family::gauge("fusewire_adaptive_concurrency_minimum_latency_seconds",
                                  "Mean latency with few requests in flight, which that limit goes by; 0: not known.");
};

}  // namespace

void append_limit_families(Families& out, const ControlView& view, Time now) {
  LimitFamilies limits;
  Family timeout = Family::gauge("fusewire_adaptive_timeout_seconds",
                                 "The response timeout that follows the upstream's latency, where it is on.");
  for (const auto& upstream : view.snapshot->upstreams) {
    const UpstreamState& state = *upstream->state;
    const Labels labels = {{"upstream", state.name}};
    limits.add(labels, state.limits, upstream->config->limits.adaptive_concurrency);
    limits.add_refused(
        labels, state.cells, [](const UpstreamCells& cells) -> auto& { return cells.refused; });
    if (upstream->config->timeouts.adaptive)
      timeout.add(labels, std::chrono::duration<double>(response_timeout(*upstream, now)).count());
  }
  for (const Route* route : routes_with_limits(*view.snapshot)) {
    const RouteLimitsState& own = *route->own->limits;
    const Labels labels = {{"upstream", route->config->upstream}, {"route", route->config->name}};
    limits.add(labels, own.state, route->config->limits.adaptive_concurrency);
    limits.add_refused(
        labels, own.refused, [](const RefusedCells& cells) -> auto& { return cells; });
  }
  limits.into(out);
  timeout.into(out);
}

}  // namespace fusewire::proxy

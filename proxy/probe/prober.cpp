// SPDX-License-Identifier: Apache-2.0
#include "proxy/probe/prober.hpp"

#include <algorithm>
#include <functional>
#include <set>

#include "proxy/probe/probed_breakers.hpp"

namespace fusewire::proxy {

namespace {

bool wants_checks(const config::Upstream& upstream) { return upstream.health_check.has_value(); }

template <class Part>
void adopt_part(std::unique_ptr<Part>& part, bool wanted, WorkerContext& worker, const Pinned& of) {
  if (!wanted)
    part.reset();
  else if (part)
    part->adopt(of);
  else
    part = std::make_unique<Part>(worker, of);
}

}  // namespace

// The number of workers is that of the process.
bool Prober::is_ours(const Upstream& upstream) const {
  return std::hash<std::string>{}(upstream.state->name) % upstream.state->cells.size() == worker_.index();
}

void Prober::adopt(const std::shared_ptr<const Snapshot>& snapshot) {
  if (stopped_) return;
  std::set<std::string> kept;
  const RoutesByUpstream by_routes = probed_routes(*snapshot);
  for (const auto& upstream : snapshot->upstreams) {
    const config::Upstream& wanted = *upstream->config;
    const auto routes = by_routes.find(upstream.get());
    const bool probed = is_probed(wanted.circuit_breaker) || routes != by_routes.end();
    if (!is_ours(*upstream) || !(wants_checks(wanted) || probed)) continue;
    kept.insert(wanted.name);
    Entry& entry = entries_[wanted.name];
    // Another state under the same name is another upstream.
    if (entry.of.upstream != nullptr && entry.of.upstream->state != upstream->state) entry = {};
    Pinned next{snapshot, upstream.get()};
    if (routes != by_routes.end()) next.probed_routes = routes->second;
    adopt_part(entry.checker, wants_checks(wanted), worker_, next);
    adopt_part(entry.prober, probed, worker_, next);
    entry.of = next;  // the old snapshot goes last
  }
  std::erase_if(entries_, [&](const auto& entry) { return !kept.contains(entry.first); });
}

void Prober::addresses_changed(std::size_t endpoint_id) {
  for (const auto& [name, entry] : entries_) {
    const auto& endpoints = entry.of.upstream->endpoints;
    if (std::none_of(endpoints.begin(), endpoints.end(), [=](const auto& one) { return one->id == endpoint_id; }))
      continue;
    if (entry.checker) entry.checker->follow_addresses();
    if (entry.prober) entry.prober->follow_addresses();
  }
}

void Prober::stop() {
  stopped_ = true;
  entries_.clear();
}

}  // namespace fusewire::proxy

// SPDX-License-Identifier: Apache-2.0
#include "proxy/upstream/balancer.hpp"

#include <algorithm>
#include <random>
#include <utility>

namespace fusewire::proxy {

namespace {

constexpr milliseconds kAvoid{1000};  // what could not be reached; then one request tries again
constexpr std::size_t kMaxTries = 4;  // of a new connection, before it is given up

}  // namespace

// ------------------------------------------------------------------------------------------------------ the choice

Balancer::Choice Balancer::choose(const Upstream& upstream, Time now) {
  const auto& first = upstream.endpoints.front();
  EndpointEntry& entry = mark_used(first, upstream);
  if (upstream.endpoints.size() == 1 && entry.backends.size() == 1) return {&first, entry.backends.front()};
  return choose_among(upstream, entry, now);
}

// An endpoint without an address takes its turn, too: a request has to start its look-up.
Balancer::Choice Balancer::choose_among(const Upstream& upstream, EndpointEntry& first, Time now) {
  std::size_t total = 0;
  for (const auto& endpoint : upstream.endpoints)
    total += std::max<std::size_t>(mark_used(endpoint, upstream).backends.size(), 1);
  auto endpoint = upstream.endpoints.begin();
  std::size_t skip = first.turn++ % total;
  const auto size_here = [&] { return std::max<std::size_t>(find((*endpoint)->id)->backends.size(), 1); };
  for (; skip >= size_here(); ++endpoint) skip -= size_here();

  Choice in_turn{};
  for (std::size_t n = 0; n < total; ++n) {
    const EndpointEntry& here = *find((*endpoint)->id);
    Choice choice{&*endpoint, here.backends.empty() ? BackendPtr() : here.backends[skip]};
    if (is_good(here, choice.backend, now)) return choice;
    if (n == 0) in_turn = choice;
    if (++skip < size_here()) continue;
    skip = 0;
    if (++endpoint == upstream.endpoints.end()) endpoint = upstream.endpoints.begin();
  }
  return in_turn;
}

bool Balancer::is_good(const EndpointEntry& entry, const BackendPtr& backend, Time now) {
  if (!backend) return now >= entry.failed_until;
  if (backend->avoid_until == Time{}) return true;
  if (now < backend->avoid_until) return false;
  mark_unreachable(*backend, now);  // this request finds out whether it can be reached again; others avoid it meanwhile
  return true;
}

void Balancer::mark_unreachable(Backend& backend, Time now) { backend.avoid_until = now + kAvoid; }

std::vector<BackendPtr> Balancer::candidates(const Choice& choice, Time now) const {
  std::vector<BackendPtr> list;
  if (choice.backend && !choice.backend->gone) list.push_back(choice.backend);
  const EndpointEntry* entry = find((*choice.endpoint)->id);
  const bool nowhere = entry == nullptr || entry->backends.empty();
  if (nowhere && choice.backend && list.empty()) list.push_back(choice.backend);  // as it was admitted
  if (nowhere) return list;
  const auto& all = entry->backends;
  const auto at = static_cast<std::size_t>(std::find(all.begin(), all.end(), choice.backend) - all.begin());
  for (std::size_t n = 1; n <= all.size() && list.size() < kMaxTries; ++n) {
    const auto& one = all[(at + n) % all.size()];
    if (one != choice.backend && now >= one->avoid_until) list.push_back(one);
  }
  if (list.empty()) list.push_back(all.front());
  return list;
}

// ------------------------------------------------------------------------------------------------------ the sites

Balancer::EndpointEntry& Balancer::entry(const EndpointState& endpoint) {
  if (EndpointEntry* known = find(endpoint.id)) return *known;
  if (endpoint.id >= entries_.size()) entries_.resize(endpoint.id + 1);
  const EntryPtr made(new EndpointEntry);
  made->turn = first_turn_;
  if (endpoint.known) made->backends.emplace_back(new Backend(*endpoint.known));
  entries_[endpoint.id] = made;
  return *made;
}

// The entry of an endpoint that a request may go to.
Balancer::EndpointEntry& Balancer::mark_used(const std::shared_ptr<EndpointState>& endpoint, const Upstream& upstream) {
  if (!endpoint->known && !endpoint->in_use.load(std::memory_order_relaxed))
    dns_.request_lookup(endpoint, upstream.config->dns_refresh);
  return entry(*endpoint);
}

void Balancer::on_resolved(const ResolvedName& found) {
  const EntryPtr entry = find(found.endpoint_id);
  if (!entry) return;  // no request of this worker has asked
  if (!found.addresses->empty())
    replace(*entry, *found.addresses);
  else if (entry->backends.empty())
    entry->failed_until = found.until;
  std::reverse(entry->waits.begin(), entry->waits.end());
  while (!entry->waits.empty()) {
    Wait& wait = *entry->waits.back();
    entry->waits.pop_back();
    wait.over_ = true;
    wait.watcher_.on_activity();  // may end this wait, and others
  }
}

// Those that stay keep their places and connections.
void Balancer::replace(EndpointEntry& entry, const std::vector<SocketAddress>& addresses) {
  const auto is_at = [](const SocketAddress& address) {
    return [&address](const BackendPtr& backend) { return backend->address == address; };
  };
  const bool first_time = entry.backends.empty();
  for (const auto& backend : entry.backends)
    if (std::find(addresses.begin(), addresses.end(), backend->address) == addresses.end()) pool_.retire(*backend);
  std::erase_if(entry.backends, [](const BackendPtr& backend) { return backend->gone; });
  for (const auto& address : addresses)
    if (std::none_of(entry.backends.begin(), entry.backends.end(), is_at(address)))
      entry.backends.emplace_back(new Backend(address));
  if (first_time && addresses.size() > 1) entry.turn = std::random_device{}();  // not every sidecar begins at the first
}

void Balancer::keep_only(const Snapshot& snapshot) {
  std::vector<bool> kept(entries_.size());
  for (const auto& upstream : snapshot.upstreams)
    for (const auto& endpoint : upstream->endpoints)
      if (endpoint->id < kept.size()) kept[endpoint->id] = true;
  for (std::size_t id = 0; id < entries_.size(); ++id) {
    if (!entries_[id] || kept[id] || !entries_[id]->waits.empty()) continue;  // waiting requests have to be notified
    for (const auto& backend : entries_[id]->backends) pool_.retire(*backend);
    entries_[id].reset();
  }
}

// ------------------------------------------------------------------------------------------------------ waiting

Balancer::Wait::Wait(Balancer& backends, const std::shared_ptr<EndpointState>& endpoint, milliseconds refresh, Time now,
                     Watcher& watcher)
    : entry_(&backends.entry(*endpoint)), watcher_(watcher), over_(now < entry_->failed_until) {
  if (over_) return;
  entry_->waits.push_back(this);
  backends.dns_.request_lookup(endpoint, refresh);
}

Balancer::Wait::~Wait() {
  if (!over_) std::erase(entry_->waits, this);
}

}  // namespace fusewire::proxy

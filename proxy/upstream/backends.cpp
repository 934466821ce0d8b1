// SPDX-License-Identifier: Apache-2.0
#include "proxy/upstream/backends.hpp"

#include <algorithm>
#include <random>
#include <utility>

namespace fusewire::proxy {

namespace {

constexpr milliseconds kAvoid{1000};  // what could not be reached; then one request tries again
constexpr std::size_t kMaxTries = 4;  // of a new connection, before it is given up

}  // namespace

// ------------------------------------------------------------------------------------------------------ the choice

Backends::Choice Backends::choose(const Upstream& upstream, Time now) {
  const auto& first = upstream.endpoints.front();
  Site& site = touch(first, upstream);
  if (upstream.endpoints.size() == 1 && site.backends.size() == 1) return {&first, site.backends.front()};
  return choose_among(upstream, site, now);
}

// An endpoint without an address takes its turn, too: somebody must ask.
Backends::Choice Backends::choose_among(const Upstream& upstream, Site& first, Time now) {
  std::size_t total = 0;
  for (const auto& endpoint : upstream.endpoints)
    total += std::max<std::size_t>(touch(endpoint, upstream).backends.size(), 1);
  auto endpoint = upstream.endpoints.begin();
  std::size_t skip = first.turn++ % total;
  const auto size_here = [&] { return std::max<std::size_t>(find((*endpoint)->id)->backends.size(), 1); };
  for (; skip >= size_here(); ++endpoint) skip -= size_here();

  Choice in_turn{};
  for (std::size_t n = 0; n < total; ++n) {
    const Site& here = *find((*endpoint)->id);
    Choice choice{&*endpoint, here.backends.empty() ? BackendPtr() : here.backends[skip]};
    if (is_good(here, choice.backend, now)) return choice;
    if (n == 0) in_turn = choice;
    if (++skip < size_here()) continue;
    skip = 0;
    if (++endpoint == upstream.endpoints.end()) endpoint = upstream.endpoints.begin();
  }
  return in_turn;
}

bool Backends::is_good(const Site& site, const BackendPtr& backend, Time now) {
  if (!backend) return now >= site.failed_until;
  if (backend->avoid_until == Time{}) return true;
  if (now < backend->avoid_until) return false;
  avoid(*backend, now);  // this one finds out whether it can be reached again, and nobody else meanwhile
  return true;
}

void Backends::avoid(Backend& backend, Time now) { backend.avoid_until = now + kAvoid; }

std::vector<BackendPtr> Backends::candidates(const Choice& choice, Time now) const {
  std::vector<BackendPtr> list;
  if (choice.backend && !choice.backend->gone) list.push_back(choice.backend);
  const Site* site = find((*choice.endpoint)->id);
  const bool nowhere = site == nullptr || site->backends.empty();
  if (nowhere && choice.backend && list.empty()) list.push_back(choice.backend);  // as it was admitted
  if (nowhere) return list;
  const auto& all = site->backends;
  const auto at = static_cast<std::size_t>(std::find(all.begin(), all.end(), choice.backend) - all.begin());
  for (std::size_t n = 1; n <= all.size() && list.size() < kMaxTries; ++n) {
    const auto& one = all[(at + n) % all.size()];
    if (one != choice.backend && now >= one->avoid_until) list.push_back(one);
  }
  if (list.empty()) list.push_back(all.front());
  return list;
}

// ------------------------------------------------------------------------------------------------------ the sites

Backends::Site& Backends::site(const EndpointState& endpoint) {
  if (Site* known = find(endpoint.id)) return *known;
  if (endpoint.id >= sites_.size()) sites_.resize(endpoint.id + 1);
  const SitePtr made(new Site);
  made->turn = first_turn_;
  if (endpoint.known) made->backends.emplace_back(new Backend(*endpoint.known));
  sites_[endpoint.id] = made;
  return *made;
}

// The site of an endpoint that a request may go to.
Backends::Site& Backends::touch(const std::shared_ptr<EndpointState>& endpoint, const Upstream& upstream) {
  if (!endpoint->known && !endpoint->wanted.load(std::memory_order_relaxed))
    names_.want(endpoint, upstream.config->dns_refresh);
  return site(*endpoint);
}

void Backends::learn(const NameNews& news) {
  const SitePtr site = find(news.endpoint_id);
  if (!site) return;  // no request of this worker has asked
  if (!news.addresses->empty())
    replace(*site, *news.addresses);
  else if (site->backends.empty())
    site->failed_until = news.until;
  std::reverse(site->waits.begin(), site->waits.end());
  while (!site->waits.empty()) {
    Wait& wait = *site->waits.back();
    site->waits.pop_back();
    wait.over_ = true;
    wait.watcher_.on_activity();  // may end this wait, and others
  }
}

// Those that stay keep their places and connections.
void Backends::replace(Site& site, const std::vector<SocketAddress>& addresses) {
  const auto is_at = [](const SocketAddress& address) {
    return [&address](const BackendPtr& backend) { return backend->address == address; };
  };
  const bool first_time = site.backends.empty();
  for (const auto& backend : site.backends)
    if (std::find(addresses.begin(), addresses.end(), backend->address) == addresses.end()) pool_.retire(*backend);
  std::erase_if(site.backends, [](const BackendPtr& backend) { return backend->gone; });
  for (const auto& address : addresses)
    if (std::none_of(site.backends.begin(), site.backends.end(), is_at(address)))
      site.backends.emplace_back(new Backend(address));
  if (first_time && addresses.size() > 1) site.turn = std::random_device{}();  // not every sidecar begins at the first
}

void Backends::keep_only(const Snapshot& snapshot) {
  std::vector<bool> kept(sites_.size());
  for (const auto& upstream : snapshot.upstreams)
    for (const auto& endpoint : upstream->endpoints)
      if (endpoint->id < kept.size()) kept[endpoint->id] = true;
  for (std::size_t id = 0; id < sites_.size(); ++id) {
    if (!sites_[id] || kept[id] || !sites_[id]->waits.empty()) continue;  // who waits shall hear of it
    for (const auto& backend : sites_[id]->backends) pool_.retire(*backend);
    sites_[id].reset();
  }
}

// ------------------------------------------------------------------------------------------------------ waiting

Backends::Wait::Wait(Backends& backends, const std::shared_ptr<EndpointState>& endpoint, milliseconds refresh, Time now,
                     Watcher& watcher)
    : site_(&backends.site(*endpoint)), watcher_(watcher), over_(now < site_->failed_until) {
  if (over_) return;
  site_->waits.push_back(this);
  backends.names_.want(endpoint, refresh);
}

Backends::Wait::~Wait() {
  if (!over_) std::erase(site_->waits, this);
}

}  // namespace fusewire::proxy

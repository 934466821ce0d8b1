// SPDX-License-Identifier: Apache-2.0
#include "proxy/upstream/balancer.hpp"

#include <algorithm>
#include <utility>

#include "filters/balance/hash.hpp"

namespace fusewire::proxy {

namespace {

constexpr std::size_t kTrialLook = 16;  // targets that a request looks at for one that waits for a trial

BackendPtr make_backend(EndpointState& endpoint, const SocketAddress& address, Time now) {
  return BackendPtr(new Backend(address, endpoint.addresses.find_or_make(address, now)));
}

std::unique_ptr<balance::Picker> make_picker(const config::LoadBalancing& balancing, std::uint32_t first_turn) {
  return std::make_unique<balance::Picker>(balancing.policy, balancing.slow_start.value_or(milliseconds::zero()),
                                           first_turn);
}

}  // namespace

// ------------------------------------------------------------------------------------------------------ the choice

Balancer::Choice Balancer::choose(const Upstream& upstream, Time now, const Tried& tried, std::uint64_t key,
                                  bool ask_breakers) {
  Group& here = group(upstream, now);
  keep_looked_up(here);
  const bool breakers = here.breakers && ask_breakers;
  if (here.known == 1 && here.targets.size() == 1 && !breakers && tried.empty()) return choice(here, 0, breakers);
  return choose_among(here, look(here, now, tried, breakers), key);
}

// Where the checks of all known addresses fail, it may be the checks: then they decide nothing.
Balancer::Look Balancer::look(const Group& here, Time now, const Tried& tried, bool breakers) {
  const auto is_healthy = [](const Target& target) {
    return target.weight > 0 && target.backend && !target.backend->state->checked.is_unhealthy();
  };
  return {now, tried, here.checked && std::any_of(here.targets.begin(), here.targets.end(), is_healthy), breakers};
}

Balancer::Choice Balancer::choose_among(Group& here, const Look& look, std::uint64_t key) {
  const Time now = look.now;
  const bool breakers = look.breakers;
  const auto may = [&](std::uint32_t i) { return may_be_asked(here.targets[i], look); };
  const auto good = [&](std::uint32_t i) { return may(i) && !here.targets[i].backend->state->is_avoided(now); };
  if (const auto waiting = breakers ? trial(here, look) : std::nullopt) return choice(here, *waiting, breakers);
  for (int n = 0; n < 2; ++n) {
    const auto found = here.picker->pick(good, now, random_, key);
    if (!found) break;
    here.upstream->state->early_trials.forget();
    if (here.targets[*found].backend->state->may_be_tried(now)) return choice(here, *found, breakers);
  }
  if (const auto other = unknown(here, look)) return choice(here, *other, breakers);
  if (const auto avoided = here.picker->pick(may, now, random_, key)) return choice(here, *avoided, breakers);
  const auto early = breakers ? early_trial(here, look) : std::nullopt;
  return early ? choice(here, *early, breakers) : Choice{};
}

// The request would be rejected: instead it finds out whether one of the endpoints, in turn, has healed.
std::optional<std::size_t> Balancer::early_trial(Group& here, const Look& look) const {
  EarlyTrials& trials = here.upstream->state->early_trials;
  if (here.known == 0 || !trials.take(look.now, here.known)) return std::nullopt;
  for (std::size_t n = 0; n < here.known; ++n) {
    const std::size_t at = trials.next_turn() % here.known;
    const Target& target = here.targets[at];
    if (look.is_passed_over(target) || !target.backend->state->breaker.end_interval(look.now)) continue;
    return at;
  }
  return std::nullopt;
}

// One whose breaker wants a trial call comes first: it could not recover otherwise. A backup has its trials when it is
// needed.
std::optional<std::size_t> Balancer::trial(Group& here, const Look& look) const {
  for (std::size_t n = 0; n < std::min(here.known, kTrialLook); ++n) {
    const std::size_t at = here.trial_turn < here.known ? here.trial_turn : 0;
    here.trial_turn = at + 1;
    const Target& target = here.targets[at];
    if (target.backup || !target.backend->state->breaker.wants_trial(look.now)) continue;
    if (!look.is_passed_over(target)) return at;
  }
  return std::nullopt;
}

// In turn, an endpoint whose name has not been looked up yet.
std::optional<std::size_t> Balancer::unknown(Group& here, const Look& look) const {
  const std::size_t size = here.targets.size() - here.known;
  for (std::size_t n = 0; n < size; ++n) {
    const std::size_t at = here.known + here.turn++ % size;
    if (may_be_asked(here.targets[at], look)) return at;
  }
  const bool none_known = size > 0 && here.known == 0 && look.tried.empty();
  return none_known ? std::optional(here.known + here.turn++ % size) : std::nullopt;
}

bool Balancer::may_be_asked(const Target& target, const Look& look) const {
  if (look.is_passed_over(target)) return false;
  if (!target.backend) return look.now >= find((*target.endpoint)->id)->failed_until;
  return !look.breakers || target.backend->state->breaker.available(look.now);
}

bool Balancer::can_choose(const Upstream& upstream, Time now, const Tried& tried, bool ask_breakers) {
  const Group& here = group(upstream, now);
  const Look looked = look(here, now, tried, here.breakers && ask_breakers);
  return std::any_of(here.targets.begin(), here.targets.end(),
                     [&](const Target& target) { return may_be_asked(target, looked); });
}

bool Balancer::has_choice(const Upstream& upstream, Time now) {
  const Group& here = group(upstream, now);
  return here.known == 0 || upstream.state->early_trials.is_due(now) || can_choose(upstream, now, {});
}

bool Balancer::has_endpoint_breakers(const Upstream& upstream, Time now) { return group(upstream, now).breakers; }

std::optional<milliseconds> Balancer::retry_after(const Upstream& upstream, Time now) {
  const Group& here = group(upstream, now);
  std::optional<milliseconds> soonest;
  for (std::size_t i = 0; i < here.known; ++i) {
    const auto after = here.targets[i].backend->state->breaker.retry_after(now);
    if (after && (!soonest || *after < *soonest)) soonest = after;
  }
  return soonest;
}

std::vector<Balancer::Known> Balancer::addresses(const Upstream& upstream, Time now) {
  const Group& here = group(upstream, now);
  std::vector<Known> list;
  for (std::size_t i = 0; i < here.known; ++i) list.push_back({here.targets[i], here.targets[i].weight});
  return list;
}

BackendPtr Balancer::address_of(const Choice& choice, Time now) const {
  if (choice.backend) return choice.backend;
  const EndpointEntry* entry = find((*choice.endpoint)->id);
  if (entry == nullptr || entry->backends.empty()) return nullptr;
  const auto good = std::find_if(entry->backends.begin(), entry->backends.end(),
                                 [now](const BackendPtr& backend) { return !backend->state->is_avoided(now); });
  return good != entry->backends.end() ? *good : entry->backends.front();
}

// ------------------------------------------------------------------------------------------------------ what is known

Balancer::Group& Balancer::group(const Upstream& upstream, Time now) {
  Group& here = groups_[upstream.endpoints.front()->id];
  if (here.upstream != &upstream || here.stale || here.changed) fill(here, upstream, now);
  return here;
}

void Balancer::fill(Group& here, const Upstream& upstream, Time now) {
  if (here.upstream == nullptr) here.turn = first_turn_;
  const bool had_breakers = here.breakers && here.known > 0;
  here.upstream = &upstream;
  here.targets.clear();
  here.named.clear();
  here.endpoints.clear();
  std::vector<Target> unknown;
  std::vector<balance::Candidate> candidates;
  for (std::size_t i = 0; i < upstream.endpoints.size(); ++i) {
    const auto& endpoint = upstream.endpoints[i];
    here.endpoints.push_back(endpoint->id);
    if (!endpoint->known) here.named.push_back(i);
    const EndpointEntry& known = entry(endpoint, now);
    const config::Endpoint& wanted = upstream.config->endpoints[i];
    for (const BackendPtr& backend : known.backends) {
      here.targets.push_back({{&endpoint, backend}, wanted.weight, wanted.backup});
      candidates.push_back(
          {&backend->state->health, balance::hash_of(to_string(backend->address)), wanted.weight, wanted.backup});
    }
    if (known.backends.empty()) unknown.push_back({{&endpoint, nullptr}, wanted.weight, wanted.backup});
  }
  here.known = here.targets.size();
  here.picker = make_picker(upstream.config->load_balancing, first_turn_);
  here.picker->set_candidates(std::move(candidates));
  here.targets.insert(here.targets.end(), unknown.begin(), unknown.end());
  here.breakers = proxy::has_endpoint_breakers(upstream.config->circuit_breaker, here.targets.size());
  here.checked = upstream.config->health_check.has_value();
  if (here.breakers && here.known > 0 && (here.changed || !had_breakers)) close(upstream.state->breaker, now);
  here.stale = here.changed = false;
}

// What opened it, when it judged the only endpoint or none was known, is now for the endpoints' own breakers to judge.
// While no name resolves there are none of these, and what opened it stays.
void Balancer::close(breaker::Breaker& breaker, Time now) {
  if (breaker.state() == breaker::State::closed) return;
  if (breaker.snapshot(now).override_state == breaker::Override::none) breaker.reset(now);
}

// Names that requests may go to are looked up again and again.
void Balancer::keep_looked_up(const Group& here) {
  for (const std::size_t i : here.named) {
    const auto& endpoint = here.upstream->endpoints[i];
    if (!endpoint->in_use.load(std::memory_order_relaxed))
      dns_.request_lookup(endpoint, here.upstream->config->dns_refresh);
  }
}

Balancer::EndpointEntry& Balancer::entry(const std::shared_ptr<EndpointState>& endpoint, Time now) {
  EntryPtr& known = entries_[endpoint->id];
  if (known) return *known;
  known.reset(new EndpointEntry);
  known->endpoint = endpoint;
  if (endpoint->known) known->backends.push_back(make_backend(*endpoint, *endpoint->known, now));
  return *known;
}

void Balancer::on_resolved(const ResolvedName& found, Time now) {
  const EntryPtr entry = find(found.endpoint_id);
  if (!entry) return;  // no request of this worker has asked
  if (!found.addresses->empty())
    replace(*entry, *found.addresses, now);
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
void Balancer::replace(EndpointEntry& entry, const std::vector<SocketAddress>& addresses, Time now) {
  const auto is_at = [](const SocketAddress& address) {
    return [&address](const BackendPtr& backend) { return backend->address == address; };
  };
  for (const auto& backend : entry.backends)
    if (std::find(addresses.begin(), addresses.end(), backend->address) == addresses.end()) pool_.retire(*backend);
  const std::size_t gone = std::erase_if(entry.backends, [](const BackendPtr& backend) { return backend->gone; });
  const std::size_t before = entry.backends.size();
  for (const auto& address : addresses)
    if (std::none_of(entry.backends.begin(), entry.backends.end(), is_at(address)))
      entry.backends.push_back(make_backend(*entry.endpoint, address, now));
  if (gone == 0 && entry.backends.size() == before) return;
  for (auto& [first, group] : groups_)
    if (std::find(group.endpoints.begin(), group.endpoints.end(), entry.endpoint->id) != group.endpoints.end())
      group.changed = true;
}

void Balancer::keep_only(const Snapshot& snapshot) {
  if (groups_.empty() && entries_.empty()) return;
  std::vector<std::size_t> kept, first;
  for (const auto& upstream : snapshot.upstreams) {
    first.push_back(upstream->endpoints.front()->id);
    for (const auto& endpoint : upstream->endpoints) kept.push_back(endpoint->id);
  }
  std::sort(kept.begin(), kept.end());
  std::sort(first.begin(), first.end());
  const auto is_in = [](const auto& ids, std::size_t id) { return std::binary_search(ids.begin(), ids.end(), id); };
  std::erase_if(groups_, [&](const auto& group) { return !is_in(first, group.first); });
  for (auto& [id, group] : groups_) group.stale = true;
  std::erase_if(entries_, [&](const auto& known) {
    const EndpointEntry& entry = *known.second;
    if (is_in(kept, known.first) || !entry.waits.empty()) return false;  // waiting requests have to be notified
    for (const auto& backend : entry.backends) pool_.retire(*backend);
    return true;
  });
}

// ------------------------------------------------------------------------------------------------------ waiting

Balancer::Wait::Wait(Balancer& balancer, const std::shared_ptr<EndpointState>& endpoint, milliseconds refresh, Time now,
                     Watcher& watcher)
    : entry_(&balancer.entry(endpoint, now)), watcher_(watcher), over_(now < entry_->failed_until) {
  if (over_) return;
  entry_->waits.push_back(this);
  balancer.dns_.request_lookup(endpoint, refresh);
}

Balancer::Wait::~Wait() {
  if (!over_) std::erase(entry_->waits, this);
}

}  // namespace fusewire::proxy

// SPDX-License-Identifier: Apache-2.0
// A worker's knowledge of where upstreams can be reached, and its choice among it: each address of each endpoint is a
// target of its own (docs/decisions/0013). One thread; what it knows of an address it shares with all workers.
#pragma once

#include <algorithm>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "filters/balance/picker.hpp"
#include "proxy/snapshot/snapshot.hpp"
#include "proxy/upstream/dns_cache.hpp"
#include "proxy/upstream/upstream_pool.hpp"

namespace fusewire::proxy {

class Balancer {
 public:
  class Wait;

  Balancer(DnsCache& dns, UpstreamPool& pool, balance::Random& random, std::size_t first_turn)
      : dns_(dns), pool_(pool), random_(random), first_turn_(static_cast<std::uint32_t>(first_turn)) {}

  struct Place {
    const std::shared_ptr<EndpointState>* endpoint = nullptr;  // in the snapshot; nullptr: none can be asked
    BackendPtr backend;                                        // nullptr: no address of that endpoint is known

    // What stands for it among those that have been tried.
    const void* id() const {
      return backend ? static_cast<const void*>(backend->state.get()) : static_cast<const void*>(endpoint->get());
    }
  };
  struct Choice : Place {
    bool with_breaker = false;   // the address' own has to be asked
    bool among_several = false;  // its health is compared with others'
  };
  // Where earlier attempts of the call went.
  using Tried = std::vector<const void*>;

  // By the upstream's policy, an address that has not been tried, whose health checks pass, whose breaker lets requests
  // through and that could be reached lately; where all that remain could not be, one of these. Where the checks of all
  // addresses fail, none is passed over because of them. Where the breakers of all are open, one is asked for a trial
  // before its interval is over, now and then. `key`: for policy hash.
  // `ask_breakers`: false for a call that has a breaker of its route; it neither asks nor concerns those of addresses.
  Choice choose(const Upstream&, Time now, const Tried&, std::uint64_t key = 0, bool ask_breakers = true);
  // Whether choose() would find something.
  bool can_choose(const Upstream&, Time now, const Tried&, bool ask_breakers = true);
  // The same for a request that has tried none yet; true also where a trial before its time is due.
  bool has_choice(const Upstream&, Time now);
  // Whether each address has a breaker of its own (circuit_breaker.scope).
  bool has_endpoint_breakers(const Upstream&, Time now);
  // Until the first of their breakers lets a request through.
  std::optional<milliseconds> retry_after(const Upstream&, Time now);

  // An address of the endpoint that was chosen, for a new connection: the one chosen, or one that has become known
  // since. nullptr: none is known.
  BackendPtr address_of(const Choice&, Time now) const;

  // All addresses that are known now, with the weight of their endpoints.
  struct Known : Place {
    std::uint32_t weight = 1;
  };
  std::vector<Known> addresses(const Upstream&, Time now);
  // Has its names looked up for as long as this is called every now and then, as choose() does.
  void keep_looked_up(const Upstream& upstream, Time now) { keep_looked_up(group(upstream, now)); }

  // What a look-up gave.
  void on_resolved(const ResolvedName&, Time now);
  // Endpoints that are configured no longer are forgotten, and have no connections kept. A request of an earlier
  // snapshot makes them known anew, until this is called again.
  void keep_only(const Snapshot&);

 private:
  // An endpoint as this worker knows it.
  struct EndpointEntry final : boost::intrusive_ref_counter<EndpointEntry, boost::thread_unsafe_counter> {
    std::shared_ptr<EndpointState> endpoint;
    std::vector<BackendPtr> backends;  // empty: its name has not been resolved
    Time failed_until{};               // nothing is known, and nothing will be before that
    std::vector<Wait*> waits;
  };
  using EntryPtr = boost::intrusive_ptr<EndpointEntry>;

  // All addresses of one upstream, in a list that is made anew when one comes or goes.
  struct Target : Place {
    std::uint32_t weight = 1;
    bool backup = false;
  };
  struct Group {
    const Upstream* upstream = nullptr;
    bool stale = false;                       // another snapshot's now
    bool changed = false;                     // an address has come or gone
    std::vector<Target> targets;              // those with an address first
    std::size_t known = 0;                    // so many of them
    std::vector<std::size_t> named;           // endpoints whose names are looked up
    std::vector<std::size_t> endpoints;       // the ids of all
    std::unique_ptr<balance::Picker> picker;  // of these
    bool breakers = false;                    // each target has one of its own
    bool checked = false;                     // by the upstream's health_check
    std::size_t turn = 0;
    std::size_t trial_turn = 0;
  };

  // One look for a target.
  struct Look {
    Time now;
    const Tried& tried;
    bool by_checks;  // those whose health checks fail are passed over
    bool breakers;   // so are those whose breakers are open

    bool was_tried(const Target& target) const {
      return std::find(tried.begin(), tried.end(), target.id()) != tried.end();
    }
    bool is_passed_over(const Target& target) const {
      return target.weight == 0 || (by_checks && target.backend && target.backend->state->checked.is_unhealthy()) ||
             was_tried(target);
    }
  };
  static Look look(const Group&, Time now, const Tried&, bool breakers);

  EndpointEntry* find(std::size_t endpoint_id) const {
    const auto known = entries_.find(endpoint_id);
    return known != entries_.end() ? known->second.get() : nullptr;
  }
  EndpointEntry& entry(const std::shared_ptr<EndpointState>&, Time now);
  Group& group(const Upstream&, Time now);
  void fill(Group&, const Upstream&, Time now);
  static void close(breaker::Breaker&, Time now);
  void keep_looked_up(const Group&);
  Choice choose_among(Group&, const Look&, std::uint64_t key);
  std::optional<std::size_t> trial(Group&, const Look&) const;
  std::optional<std::size_t> early_trial(Group&, const Look&) const;
  std::optional<std::size_t> unknown(Group&, const Look&) const;
  bool may_be_asked(const Target&, const Look&) const;
  Choice choice(const Group& group, std::size_t target, bool breakers) const {
    const Target& chosen = group.targets[target];
    return {{chosen.endpoint, chosen.backend}, breakers && target<group.known, group.targets.size()> 1};
  }
  void replace(EndpointEntry&, const std::vector<SocketAddress>&, Time now);

  DnsCache& dns_;
  UpstreamPool& pool_;
  balance::Random& random_;
  const std::uint32_t first_turn_;  // workers begin at different endpoints
  // Only keep_only() erases of these: until then references to them hold.
  std::unordered_map<std::size_t, EntryPtr> entries_;  // by EndpointState::id
  std::unordered_map<std::size_t, Group> groups_;      // by the id of the upstream's first endpoint
};

// While it lives, the watcher is notified when something becomes known of the endpoint's name.
class Balancer::Wait {
 public:
  Wait(Balancer&, const std::shared_ptr<EndpointState>&, milliseconds refresh, Time now, Watcher&);
  ~Wait();
  Wait(const Wait&) = delete;
  Wait& operator=(const Wait&) = delete;

  bool is_over() const { return over_; }

 private:
  friend class Balancer;
  EntryPtr entry_;
  Watcher& watcher_;
  bool over_ = false;
};

}  // namespace fusewire::proxy

// SPDX-License-Identifier: Apache-2.0
// A worker's knowledge of where upstreams can be reached, and its choice among it: each address of each endpoint is a
// backend of its own, and they are used in turn. One thread.
#pragma once

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <memory>
#include <vector>

#include "proxy/snapshot/snapshot.hpp"
#include "proxy/upstream/dns_cache.hpp"
#include "proxy/upstream/upstream_pool.hpp"

namespace fusewire::proxy {

class Balancer {
 public:
  class Wait;

  Balancer(DnsCache& dns, UpstreamPool& pool, std::size_t first_turn)
      : dns_(dns), pool_(pool), first_turn_(first_turn) {}

  struct Choice {
    const std::shared_ptr<EndpointState>* endpoint = nullptr;  // in the snapshot
    BackendPtr backend;                                        // nullptr: no address of that endpoint is known
  };
  // The next backend in turn that is not to be avoided; where all are, the next one.
  Choice choose(const Upstream&, Time now);

  // What to try for a new connection: the backend that was chosen, then others of its endpoint. Empty: none is known.
  std::vector<BackendPtr> candidates(const Choice&, Time now) const;
  // The backend could not be reached, so others go first for a while.
  static void mark_unreachable(Backend&, Time now);
  static void mark_reachable(Backend& backend) { backend.avoid_until = {}; }

  // What a look-up gave.
  void on_resolved(const ResolvedName&);
  // Endpoints that are configured no longer have no connections kept.
  void keep_only(const Snapshot&);

 private:
  // An endpoint as this worker knows it.
  struct EndpointEntry final : boost::intrusive_ref_counter<EndpointEntry, boost::thread_unsafe_counter> {
    std::vector<BackendPtr> backends;  // empty: its name has not been resolved
    std::size_t turn = 0;              // of the upstream whose first endpoint it is
    Time failed_until{};               // nothing is known, and nothing will be before that
    std::vector<Wait*> waits;
  };
  using EntryPtr = boost::intrusive_ptr<EndpointEntry>;

  EndpointEntry* find(std::size_t endpoint_id) const {
    return endpoint_id < entries_.size() ? entries_[endpoint_id].get() : nullptr;
  }
  EndpointEntry& entry(const EndpointState&);
  EndpointEntry& mark_used(const std::shared_ptr<EndpointState>&, const Upstream&);
  Choice choose_among(const Upstream&, EndpointEntry& first, Time now);
  static bool is_good(const EndpointEntry&, const BackendPtr&, Time now);
  void replace(EndpointEntry&, const std::vector<SocketAddress>&);

  DnsCache& dns_;
  UpstreamPool& pool_;
  const std::size_t first_turn_;   // workers begin at different endpoints
  std::vector<EntryPtr> entries_;  // index: EndpointState::id
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

// SPDX-License-Identifier: Apache-2.0
// What outlives one execution: a configuration made ready by the real Control, and the origin's socket.
#pragma once

#include <memory>
#include <string>

#include "proxy/control/control.hpp"
#include "proxy/upstream/dns_cache.hpp"

namespace fusewire::fuzz {

// The ways in which the proxy can be set up; bits of an input's first byte.
struct Setup {
  bool cache = false;        // stored responses answer when the upstream fails
  bool small_body = false;   // max_body: 100B
  bool serve = false;        // with `cache`: fresh stored responses answer instead of the upstream
  bool breaker = false;      // one failure opens it, one trial at a time closes it
  bool retries = false;      // a failed attempt is followed by one more at once
  bool by_endpoint = false;  // with `breaker`: the endpoint has one of its own
  bool hedge = false;        // an attempt that has not answered for half an hour is joined by another one
  bool operator==(const Setup&) const = default;
};

class World {
 public:
  // Made once each, and kept: they hold no state but what cleanse() takes away.
  static World& of(Setup);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  std::shared_ptr<const proxy::Snapshot> snapshot() const { return control_.snapshot(); }
  proxy::DnsCache& dns() { return dns_; }
  proxy::WorkerCells& cells() { return control_.worker_cells().of(0); }
  proxy::UpstreamState& upstream() { return *snapshot()->upstreams.front()->state; }
  int accept();    // a connection that the proxy has opened; -1: none
  void cleanse();  // the cache is empty again

 private:
  explicit World(Setup);

  int listener_;
  std::string path_;  // in the abstract namespace: no file
  proxy::Control control_;
  proxy::DnsCache dns_{proxy::resolve, [](const proxy::ResolvedName&) {}};  // not needed: the endpoint is a path
};

}  // namespace fusewire::fuzz

// SPDX-License-Identifier: Apache-2.0
// recovery.probe of types active and connect: the proxy finds out by itself whether what a breaker guards has healed.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>

#include "proxy/net/deadlines.hpp"
#include "proxy/probe/own_request.hpp"
#include "proxy/probe/pinned.hpp"

namespace fusewire::proxy {

// The worker's Prober owns it, for as long as the upstream has such a probe. One thread (that worker's). It looks at
// the upstream's breaker, at those of its addresses where these have their own, and at those of routes, each in its
// time; a look at a closed one reads a word. Each breaker has at most one probe under way.
class RecoveryProber {
 public:
  RecoveryProber(WorkerContext&, Pinned);
  ~RecoveryProber();
  RecoveryProber(const RecoveryProber&) = delete;
  RecoveryProber& operator=(const RecoveryProber&) = delete;

  // The upstream as another snapshot has it. A probe under way ends without a verdict, and is made again.
  void adopt(Pinned);
  void follow_addresses();

 private:
  class Guard;
  // A breaker, and how it is to be probed.
  struct Guarded {
    breaker::Breaker* breaker = nullptr;
    std::shared_ptr<const void> owner;                 // of the breaker
    const config::CircuitBreaker* settings = nullptr;  // in the snapshot
    ProbeCells* probes = nullptr;                      // this worker's, where they are counted
    std::optional<Balancer::Known> at = {};            // absent: it is not an address' own
  };

  void guard(const Guarded&, std::set<const breaker::Breaker*>& guarded);
  std::optional<Balancer::Known> some_address(Time now);

  WorkerContext& worker_;
  Pinned of_;
  std::size_t turn_ = 0;
  std::map<const breaker::Breaker*, std::unique_ptr<Guard>> guards_;
};

}  // namespace fusewire::proxy

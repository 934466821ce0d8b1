// SPDX-License-Identifier: Apache-2.0
// recovery.probe of types active and connect: the proxy finds out by itself whether what a breaker guards has healed.
#pragma once

#include <map>
#include <memory>

#include "proxy/net/deadlines.hpp"
#include "proxy/probe/own_request.hpp"
#include "proxy/probe/pinned.hpp"

namespace fusewire::proxy {

// The worker's Prober owns it, for as long as the upstream has such a probe. One thread (that worker's). It looks at
// the upstream's breaker, and at those of its addresses where these have their own, each in its time; a look at a
// closed one reads a word. Each breaker has at most one probe under way.
class RecoveryProber {
 public:
  RecoveryProber(WorkerContext&, Pinned);
  ~RecoveryProber();
  RecoveryProber(const RecoveryProber&) = delete;
  RecoveryProber& operator=(const RecoveryProber&) = delete;

  void adopt(Pinned);
  void follow_addresses();

 private:
  class Guard;

  const config::Probe& wanted() const { return of_.config().circuit_breaker.recovery.probe; }
  std::optional<Balancer::Known> some_address(Time now);

  WorkerContext& worker_;
  Pinned of_;
  std::size_t turn_ = 0;
  std::unique_ptr<Guard> upstream_;
  std::map<const AddressState*, std::unique_ptr<Guard>> addresses_;
};

}  // namespace fusewire::proxy

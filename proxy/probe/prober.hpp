// SPDX-License-Identifier: Apache-2.0
// What a worker asks endpoints for by itself, on behalf of all workers: health checks and probes of open breakers. Each
// upstream has one worker that does so, by its name.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "proxy/probe/health_checker.hpp"
#include "proxy/probe/recovery_prober.hpp"

namespace fusewire::proxy {

// The worker owns it. One thread (the worker's). Use: adopt() after the context has adopted a snapshot, and
// addresses_changed() after the balancer has heard of addresses; stop() ends everything, for good.
class Prober {
 public:
  explicit Prober(WorkerContext& worker) : worker_(worker) {}

  void adopt(const std::shared_ptr<const Snapshot>&);
  void addresses_changed(std::size_t endpoint_id);
  void stop();

 private:
  struct Entry {
    Pinned of;
    std::unique_ptr<HealthChecker> checker;
    std::unique_ptr<RecoveryProber> prober;
  };
  bool is_ours(const Upstream&) const;

  WorkerContext& worker_;
  std::map<std::string, Entry> entries_;  // of upstreams with one or the other
  bool stopped_ = false;
};

}  // namespace fusewire::proxy

// SPDX-License-Identifier: Apache-2.0
// health_check: every address of an upstream is asked again and again, by one worker for all of them.
#pragma once

#include <map>
#include <memory>

#include "proxy/net/deadlines.hpp"
#include "proxy/probe/own_request.hpp"
#include "proxy/probe/pinned.hpp"

namespace fusewire::proxy {

// The worker's Prober owns it, for as long as the upstream has a health_check. One thread (that worker's). What it
// finds out is in AddressState::checked, which all workers read, and outlives it. Each address has at most one check
// under way; its end, or this one's, ends the check.
class HealthChecker {
 public:
  HealthChecker(WorkerContext&, Pinned);
  ~HealthChecker();
  HealthChecker(const HealthChecker&) = delete;
  HealthChecker& operator=(const HealthChecker&) = delete;

  // The upstream as another snapshot has it. With the same health_check its checks go on as they were due.
  void adopt(Pinned);
  // Begins with addresses that are new, and ends with those that are gone.
  void follow_addresses();

 private:
  class Check;

  void keep_looked_up();
  const config::HealthCheck& wanted() const { return *of_.config().health_check; }

  WorkerContext& worker_;
  Pinned of_;
  Deadline look_up_;
  std::map<const AddressState*, std::unique_ptr<Check>> checks_;
};

}  // namespace fusewire::proxy

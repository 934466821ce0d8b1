// SPDX-License-Identifier: Apache-2.0
// One schedule: a worker of the proxy with a random configuration, clients that come, endpoints that fail, an operator
// who reloads and forces breakers, all in virtual time. The same seed is the same schedule.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "proxy/control/control.hpp"
#include "proxy/server/worker.hpp"
#include "tests/unit/proxy/request/schedules/breaker_witness.hpp"
#include "tests/unit/proxy/request/schedules/budget_witness.hpp"
#include "tests/unit/proxy/request/schedules/play.hpp"
#include "tests/unit/proxy/request/schedules/random_configuration.hpp"
#include "tests/unit/proxy/request/schedules/virtual_client.hpp"
#include "tests/unit/proxy/request/schedules/virtual_endpoint.hpp"
#include "tests/unit/proxy/request/schedules/virtual_network.hpp"

namespace fusewire::testing {

class Simulation {
 public:
  // `tells`: what happens is written down, for story().
  Simulation(unsigned seed, bool tells);
  ~Simulation();
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;

  void run();
  const std::vector<std::string>& findings() const { return play_.findings; }
  const std::string& story() const { return play_.story; }

  struct Figures {
    std::uint64_t requests = 0, answered = 0, retried = 0, hedged = 0, breaker_calls = 0, trips = 0;
  };
  Figures figures();

 private:
  static constexpr int kActs = 3;  // with a pause behind each, in which all comes to rest

  void draw_act(bool last);
  void operate();
  void reload();
  void publish();
  void drain();
  void stop();
  breaker::Breaker& some_breaker();
  void admit(const std::shared_ptr<VirtualClient>&);
  // Until nothing is to happen before `end`.
  void play_until(Time end);
  void settle();

  Play play_;
  BreakerWitness breakers_{play_.findings};
  BudgetWitness budgets_{play_.findings, play_.clock.now()};
  VirtualNetwork network_;
  const Frame frame_;
  proxy::Control control_;
  proxy::DnsCache dns_;
  std::unique_ptr<proxy::Worker> worker_;
  const std::shared_ptr<proxy::ListenerGate> gate_ = std::make_shared<proxy::ListenerGate>();
  std::vector<std::shared_ptr<const proxy::Snapshot>> snapshots_;  // all that there were
  std::vector<std::unique_ptr<VirtualEndpoint>> endpoints_;
  std::vector<std::shared_ptr<VirtualClient>> clients_;
  bool admits_ = true;  // clients: the process does not end yet
};

}  // namespace fusewire::testing

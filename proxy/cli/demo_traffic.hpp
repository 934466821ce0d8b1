// SPDX-License-Identifier: Apache-2.0
// `fusewire demo --serve --traffic`: clients that never rest, and upstreams that fail for a while in each minute, so
// that the dashboard has something to show. A thread for each of three clients, from construction to destruction.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "proxy/cli/demo_stage.hpp"

namespace fusewire::cli {

// Who misbehaves how, so long after the beginning.
struct Misbehaviour {
  Behaviour orders = Behaviour::ok;
  Behaviour payments = Behaviour::ok;
  Behaviour catalogue = Behaviour::ok;  // of one of its two endpoints
};
Misbehaviour misbehaviour_at(std::chrono::seconds since_begin);

class DemoTraffic {
 public:
  explicit DemoTraffic(Stage&);  // one that has traffic; it outlives this
  ~DemoTraffic();
  DemoTraffic(const DemoTraffic&) = delete;
  DemoTraffic& operator=(const DemoTraffic&) = delete;

 private:
  void send(const char* target, std::chrono::milliseconds pause);
  void misbehave();
  bool rest(std::chrono::milliseconds);  // false: it is over

  Stage& stage_;
  const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  std::mutex mutex_;
  std::condition_variable ended_;
  bool over_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace fusewire::cli

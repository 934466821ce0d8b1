// SPDX-License-Identifier: Apache-2.0
// Requests to the endpoints of an upstream in virtual time, sent by several workers that share what is known of the
// endpoints' health. Reproducible: all chance comes from the seed.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <queue>
#include <vector>

#include "filters/balance/picker.hpp"

namespace fusewire::test {

using balance::nanoseconds;
using Seconds = double;

// An endpoint answers with as many servers as it has, first come first served, in 5 ms on average (log-normal).
struct SimulatedEndpoint {
  double slowed = 1;   // factor
  bool hangs = false;  // the attempt ends by its timeout, 15 s
  Seconds body = 0;    // behind the head, and then it ends well
  bool drips = false;  // its heads come, and its bodies do not end before the client's deadline, 2 s
  double fails = 0;    // share of requests that it refuses in 0.3 ms
  std::uint32_t weight = 1;
  std::vector<nanoseconds> servers = std::vector<nanoseconds>(4);  // when each is free
};

class Simulation {
 public:
  struct Setting {
    balance::Policy policy = balance::Policy::health_score;
    double per_second = 500;
    std::size_t endpoints = 4;
    double rarely = 0;  // share of requests that take 50 times as long wherever they go
    std::uint64_t seed = 1;
  };
  static constexpr double kTimeout = 15000;  // ms

  explicit Simulation(Setting);

  std::vector<SimulatedEndpoint> endpoints;
  // From the next at() on, requests go to these alone.
  void list(std::vector<std::size_t> endpoints);
  void at(Seconds, std::function<void()>);
  // Requests begin until then; all of them end.
  void run(Seconds until);

  // Of the requests that began in [from, to).
  std::size_t count(std::size_t endpoint, Seconds from, Seconds to) const;
  double share(std::size_t endpoint, Seconds from, Seconds to) const;
  std::size_t failed(Seconds from, Seconds to) const;
  double p99(Seconds from, Seconds to) const;  // ms; what failed counts as kTimeout

 private:
  struct Request {
    std::size_t endpoint = 0;
    nanoseconds begun{0};
    nanoseconds took{0};
    bool failed = false;
  };
  struct Event {
    nanoseconds at{0};
    std::uint64_t order = 0;
    std::function<void()> happens;
  };
  struct Later {
    bool operator()(const Event& a, const Event& b) const { return a.at != b.at ? a.at > b.at : a.order > b.order; }
  };

  void schedule(nanoseconds at, std::function<void()> happens) { events_.push({at, ++order_, std::move(happens)}); }
  void arrive(nanoseconds until);
  Request answer(std::size_t endpoint);
  Request stream(std::size_t endpoint, nanoseconds body, balance::Result);
  void end_later(const Request&);
  nanoseconds service(const SimulatedEndpoint&);
  double chance() { return (static_cast<double>(random_.next() >> 11) + 0.5) * 0x1p-53; }
  Time now() const { return Time{} + std::chrono::hours(1) + now_; }
  std::vector<const Request*> begun(Seconds from, Seconds to) const;

  static constexpr std::size_t kWorkers = 4;

  const Setting setting_;
  balance::Random random_;
  nanoseconds now_{0};
  std::uint64_t order_ = 0;
  std::vector<std::unique_ptr<balance::EndpointHealth>> health_;
  std::vector<std::size_t> listed_;
  std::vector<balance::Picker> pickers_;
  std::vector<balance::Random> dice_;  // each worker's
  std::priority_queue<Event, std::vector<Event>, Later> events_;
  std::vector<Request> requests_;
};

}  // namespace fusewire::test

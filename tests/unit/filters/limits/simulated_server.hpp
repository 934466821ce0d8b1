// SPDX-License-Identifier: Apache-2.0
// A server in virtual time, behind an AdaptiveLimit: some workers, one queue, and more clients than it can serve.
#pragma once

#include <chrono>
#include <cmath>
#include <cstdint>
#include <deque>
#include <functional>
#include <queue>
#include <random>
#include <utility>
#include <vector>

#include "filters/limits/adaptive_limit.hpp"

namespace fusewire::test {

enum class Service { constant, uniform, exponential, lognormal, heavy_lognormal, pareto, bimodal };

class SimulatedServer {
 public:
  limits::AdaptiveLimit::Settings settings{.min_limit = 1, .initial_limit = 20, .max_limit = 2000};
  limits::AdaptiveLimit limit;
  Service service;
  std::function<double(double)> workers;                               // at a time, in seconds
  std::function<double(double)> mean = [](double) { return 0.01; };    // of a request, in seconds
  std::function<double(double)> clients = [](double) { return 1e9; };  // that have a request each, all of the time
  double time = 0;
  std::uint64_t answered = 0;

  SimulatedServer(std::uint64_t seed, Service kind, double count)
      : service(kind), workers([count](double) { return count; }), random_(seed) {}

  // Until then; the mean of the limit over that time.
  double run(double until) {
    const double begun = time;
    double area = 0;
    while (time < until) {
      admit();
      const double next = running_.empty() ? until : std::min(running_.top().end, until);
      area += (next - time) * limit.steady_limit(settings);
      time = next;
      if (!running_.empty() && running_.top().end <= time) end_one();
    }
    return area / (until - begun);
  }

  Time now() const {
    return Time(std::chrono::hours(1000)) + std::chrono::nanoseconds(static_cast<std::int64_t>(time * 1e9));
  }

 private:
  struct Waiting {
    double begun;
    std::uint32_t in_flight;
  };
  struct Running {
    double end;
    Waiting request;
    bool operator<(const Running& other) const { return end > other.end; }
  };

  void admit() {
    while (in_flight_ < std::min<double>(clients(time), limit.limit(settings, now())))
      waiting_.push_back({time, ++in_flight_});
    while (!waiting_.empty() && static_cast<double>(running_.size()) < workers(time)) {
      running_.push({time + draw(mean(time)), waiting_.front()});
      waiting_.pop_front();
    }
  }

  void end_one() {
    const Waiting request = running_.top().request;
    running_.pop();
    --in_flight_;
    ++answered;
    const auto latency = std::chrono::nanoseconds(static_cast<std::int64_t>((time - request.begun) * 1e9));
    limit.record(settings, latency, request.in_flight, now());
  }

  double draw(double mean_time) {
    const double share = std::uniform_real_distribution<>(0, 1)(random_);
    const auto lognormal = [&](double sigma) {
      return mean_time * std::exp(std::normal_distribution<>(0, sigma)(random_) - sigma * sigma / 2);
    };
    switch (service) {
      case Service::constant:
        return mean_time;
      case Service::uniform:
        return mean_time * (0.9 + 0.2 * share);
      case Service::exponential:
        return -mean_time * std::log(1 - share);
      case Service::lognormal:
        return lognormal(1);
      case Service::heavy_lognormal:
        return lognormal(1.5);
      case Service::pareto:
        return mean_time / 3 * std::pow(1 - share, -1 / 1.5);
      case Service::bimodal:
        return mean_time * (share < 0.9 ? 0.1 : 9.1);
    }
    return mean_time;
  }

  std::mt19937_64 random_;
  std::uint32_t in_flight_ = 0;
  std::deque<Waiting> waiting_;
  std::priority_queue<Running> running_;
};

}  // namespace fusewire::test

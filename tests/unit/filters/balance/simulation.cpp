// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/filters/balance/simulation.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

namespace fusewire::test {

namespace {

constexpr nanoseconds kTimeoutNs(15'000'000'000);
constexpr nanoseconds kDeadline(2'000'000'000);
constexpr nanoseconds kRefusal(300'000);
constexpr double kMeanMs = 5;
constexpr double kSpread = 0.5;  // of the logarithm

nanoseconds from_seconds(Seconds seconds) { return nanoseconds(static_cast<nanoseconds::rep>(seconds * 1e9)); }

}  // namespace

Simulation::Simulation(Setting setting) : endpoints(setting.endpoints), setting_(setting), random_(setting.seed) {
  for (std::size_t i = 0; i < setting.endpoints; ++i)
    health_.push_back(std::make_unique<balance::EndpointHealth>(now()));
  for (std::size_t i = 0; i < kWorkers; ++i) {
    pickers_.emplace_back(setting.policy, nanoseconds(0), static_cast<std::uint32_t>(i));
    dice_.emplace_back(setting.seed * kWorkers + i);
  }
  std::vector<std::size_t> all(setting.endpoints);
  std::iota(all.begin(), all.end(), 0U);
  at(0, [this, all] { list(all); });
}

void Simulation::list(std::vector<std::size_t> endpoints_now) {
  listed_ = std::move(endpoints_now);
  std::vector<balance::Candidate> candidates;
  for (const std::size_t i : listed_) candidates.push_back({health_[i].get(), i, endpoints[i].weight, false});
  for (auto& picker : pickers_) picker.set_candidates(candidates);
}

void Simulation::at(Seconds when, std::function<void()> happens) { schedule(from_seconds(when), std::move(happens)); }

void Simulation::run(Seconds until) {
  schedule(nanoseconds(0), [this, until] { arrive(from_seconds(until)); });
  while (!events_.empty()) {
    const Event event = events_.top();
    events_.pop();
    now_ = event.at;
    event.happens();
  }
}

void Simulation::arrive(nanoseconds until) {
  const auto worker = static_cast<std::size_t>(random_.below(kWorkers));
  const auto picked = pickers_[worker].pick([](std::uint32_t) { return true; }, now(), dice_[worker]);
  const std::size_t to = listed_[*picked];
  health_[to]->begin(now());
  const SimulatedEndpoint& endpoint = endpoints[to];
  if (endpoint.drips) {
    requests_.push_back(stream(to, kDeadline, balance::Result::unanswered));
  } else if (endpoint.body > 0) {
    requests_.push_back(stream(to, from_seconds(-std::log(chance()) * endpoint.body), balance::Result::success));
  } else {
    requests_.push_back(answer(to));
    end_later(requests_.back());
  }
  const nanoseconds next = now_ + from_seconds(-std::log(chance()) / setting_.per_second);
  if (next < until) schedule(next, [this, until] { arrive(until); });
}

void Simulation::end_later(const Request& request) {
  schedule(now_ + request.took, [this, request] {
    const auto result = request.failed ? balance::Result::failure : balance::Result::success;
    health_[request.endpoint]->end(result, request.took, now());
  });
}

Simulation::Request Simulation::stream(std::size_t to, nanoseconds body, balance::Result result) {
  const nanoseconds head = service(endpoints[to]);
  schedule(now_ + head, [this, to, head] { health_[to]->answered(balance::Result::success, head, now()); });
  schedule(now_ + head + body, [=, this] { health_[to]->end_answered(result, head + body, now()); });
  return {to, now_, head, result != balance::Result::success};
}

// What becomes of a request that arrives now.
Simulation::Request Simulation::answer(std::size_t to) {
  SimulatedEndpoint& endpoint = endpoints[to];
  if (endpoint.hangs) return {to, now_, kTimeoutNs, true};
  if (endpoint.fails > 0 && chance() < endpoint.fails) return {to, now_, kRefusal, true};
  nanoseconds& server = *std::min_element(endpoint.servers.begin(), endpoint.servers.end());
  server = std::max(server, now_) + service(endpoint);
  const nanoseconds took = server - now_;
  return {to, now_, std::min(took, kTimeoutNs), took > kTimeoutNs};
}

nanoseconds Simulation::service(const SimulatedEndpoint& endpoint) {
  constexpr double kTwoPi = 6.283185307179586;
  const double normal = std::sqrt(-2 * std::log(chance())) * std::cos(kTwoPi * chance());  // Box, Muller 1958
  const double ms = kMeanMs * std::exp(kSpread * normal - kSpread * kSpread / 2);
  const double rare = setting_.rarely > 0 && chance() < setting_.rarely ? 50 : 1;
  return from_seconds(ms * rare * endpoint.slowed / 1000);
}

std::vector<const Simulation::Request*> Simulation::begun(Seconds from, Seconds to) const {
  std::vector<const Request*> found;
  for (const Request& request : requests_)
    if (request.begun >= from_seconds(from) && request.begun < from_seconds(to)) found.push_back(&request);
  return found;
}

std::size_t Simulation::count(std::size_t endpoint, Seconds from, Seconds to) const {
  const auto all = begun(from, to);
  return static_cast<std::size_t>(
      std::count_if(all.begin(), all.end(), [&](const Request* one) { return one->endpoint == endpoint; }));
}

double Simulation::share(std::size_t endpoint, Seconds from, Seconds to) const {
  return static_cast<double>(count(endpoint, from, to)) / static_cast<double>(begun(from, to).size());
}

std::size_t Simulation::failed(Seconds from, Seconds to) const {
  const auto all = begun(from, to);
  return static_cast<std::size_t>(
      std::count_if(all.begin(), all.end(), [](const Request* one) { return one->failed; }));
}

double Simulation::p99(Seconds from, Seconds to) const {
  std::vector<double> took;
  for (const Request* one : begun(from, to))
    took.push_back(one->failed ? kTimeout : static_cast<double>(one->took.count()) / 1e6);
  const auto at = took.begin() + static_cast<std::ptrdiff_t>(took.size() * 99 / 100);
  std::nth_element(took.begin(), at, took.end());
  return *at;
}

}  // namespace fusewire::test

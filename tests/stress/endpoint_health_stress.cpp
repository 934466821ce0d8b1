// SPDX-License-Identifier: Apache-2.0
// Threads that share what is known of four addresses. What must hold however they interleave; run under ThreadSanitizer
// as well.
#include <doctest/doctest.h>

#include <array>
#include <memory>
#include <thread>
#include <vector>

#include "filters/balance/flight.hpp"
#include "filters/balance/picker.hpp"

using namespace fusewire;
using namespace fusewire::balance;
using namespace std::chrono_literals;

namespace {

constexpr unsigned kThreads = 8;
constexpr int kRounds = 20000;
constexpr Time kStart = Time{} + 1h;

using Addresses = std::array<std::unique_ptr<EndpointHealth>, 4>;

void end_somehow(Flight& flight, std::uint32_t how, Time now) {
  switch (how) {
    case 0:
      return flight.end(Result::failure, now);
    case 1:
      return flight.end(Result::unanswered, now);
    case 2:
      return flight.answered(Result::success, now);
    case 3:
      return flight.pause();
    case 4:
      return;  // dropped when another takes its place
    default:
      return flight.end(Result::success, now);
  }
}

// A worker with five requests at a time.
void work(const Addresses& addresses, unsigned id) {
  Random random(id);
  Picker picker(Policy::health_score);
  std::vector<Candidate> candidates;
  for (const auto& address : addresses) candidates.push_back({address.get(), 0, 1, false});
  picker.set_candidates(candidates);
  std::array<Flight, 5> flights;
  Time now = kStart;
  for (int n = 0; n < kRounds; ++n) {
    now += std::chrono::microseconds(random.below(2000));
    Flight& flight = flights.at(random.below(5));
    end_somehow(flight, random.below(20), now);
    const auto one = picker.pick([](std::uint32_t) { return true; }, now, random);
    flight = Flight(*addresses.at(one.value()), now);
    if (id == 0 && n % 1000 == 0) addresses[0]->restart(now);
  }
}

}  // namespace

TEST_CASE("health that many threads write counts every request once and stays in its bounds") {
  Addresses addresses;
  for (auto& address : addresses) address = std::make_unique<EndpointHealth>(kStart);
  {
    std::vector<std::jthread> threads;
    for (unsigned id = 0; id < kThreads; ++id) threads.emplace_back([&addresses, id] { work(addresses, id); });
  }
  for (const auto& address : addresses) {
    const HealthView view = address->view(kStart + 1h);
    CHECK(view.in_flight == 0);
    CHECK(view.overdue == 0);
    CHECK(view.successes > 0);
    CHECK(view.successes <= 1);
    CHECK(view.latency >= 0);
    CHECK(view.latency < 40);
  }
}

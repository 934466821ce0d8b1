// SPDX-License-Identifier: Apache-2.0
// What each policy makes of endpoints that have bad days. Four workers, four endpoints, 500 requests a second; an
// endpoint's day turns at the 10th second. No breaker, no retry: a request that goes to a bad endpoint is lost.
#include "tests/unit/filters/balance/simulation.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <string>

#include "tests/unit/filters/balance/about.hpp"

using namespace fusewire;
using namespace fusewire::test;
using balance::Policy;

namespace {

constexpr Seconds kTurn = 10;
constexpr Seconds kEnd = 30;

using Story = std::function<void(Simulation&)>;

// The first endpoint is the one whose day turns.
struct Outcome {
  double share = 0;          // of the first endpoint, from a second after the turn on
  std::size_t at_first = 0;  // requests that it had in the 8 s after the turn
  double p99 = 0;            // ms, of all requests from a second after the turn on
  std::size_t failed = 0;    // from the turn on
};

Simulation played(const Story& story, Simulation::Setting setting, Seconds until = kEnd) {
  Simulation simulation(setting);
  story(simulation);
  simulation.run(until);
  return simulation;
}

Outcome outcome(const Story& story, Simulation::Setting setting) {
  const Simulation simulation = played(story, setting);
  return {simulation.share(0, kTurn + 1, kEnd), simulation.count(0, kTurn, kTurn + 8), simulation.p99(kTurn + 1, kEnd),
          simulation.failed(kTurn, kEnd)};
}

struct Comparison {
  Outcome health_score;
  Outcome least_request;
  Outcome round_robin;
};

std::string row(const char* policy, const Outcome& one) {
  char text[120];
  std::snprintf(text, sizeof(text), "\n  %-14s %6.2f %% %7zu %9.1f ms %7zu", policy, one.share * 100, one.at_first,
                one.p99, one.failed);
  return text;
}

// health_score has to lose no more requests than the others, and to be as fast within a fifth.
Comparison compared(const std::string& title, const Story& story, Simulation::Setting setting = {}) {
  Comparison all;
  setting.policy = Policy::health_score;
  all.health_score = outcome(story, setting);
  setting.policy = Policy::least_request;
  all.least_request = outcome(story, setting);
  setting.policy = Policy::round_robin;
  all.round_robin = outcome(story, setting);
  MESSAGE(title << ": the first endpoint's share, requests in 8 s; p99 of all, failed"
                << row("health_score", all.health_score) << row("least_request", all.least_request)
                << row("round_robin", all.round_robin));
  CHECK(all.health_score.p99 <= 1.2 * std::min(all.least_request.p99, all.round_robin.p99));
  CHECK(all.health_score.failed <= std::min(all.least_request.failed, all.round_robin.failed));
  return all;
}

Story first_turns(const std::function<void(SimulatedEndpoint&)>& change) {
  return [change](Simulation& simulation) { simulation.at(kTurn, [&, change] { change(simulation.endpoints[0]); }); };
}

double healthy_p99() {
  static const double p99 = played([](Simulation&) {}, {}).p99(kTurn, kEnd);
  return p99;
}

}  // namespace

TEST_CASE("healthy endpoints share the requests evenly") {
  const auto all = compared("all healthy", [](Simulation&) {});
  CHECK(all.health_score.share == about(0.25, 0.1));
  for (std::size_t i = 0; i < 4; ++i) CHECK(played([](Simulation&) {}, {}).share(i, 0, 5) == about(0.25, 0.15));
}

TEST_CASE("healthy endpoints that are busy share as least_request has them") {
  const auto busy = [](Simulation& simulation) {
    for (auto& endpoint : simulation.endpoints) endpoint.servers.resize(2);
  };
  const auto all = compared("62 % busy", busy, {.per_second = 1000});
  CHECK(all.health_score.share == about(0.25, 0.1));
}

TEST_CASE("requests that are slow everywhere drive no other requests away") {
  const auto three = [](Simulation& simulation) {
    for (auto& endpoint : simulation.endpoints) endpoint.servers.resize(3);
  };
  const auto all = compared("0.5 % take 250 ms everywhere", three, {.per_second = 1000, .rarely = 0.005});
  CHECK(all.health_score.share == about(0.25, 0.2));
}

TEST_CASE("an endpoint that is 20 times slower gets next to nothing") {
  const auto all = compared("20 times slower", first_turns([](auto& one) { one.slowed = 20; }));
  CHECK(all.health_score.share < 0.005);
  CHECK(all.health_score.share > 0);
  CHECK(all.health_score.p99 <= 2 * healthy_p99());
  CHECK(all.health_score.share < all.least_request.share / 4);
}

TEST_CASE("an endpoint that is 3 times slower gets less than least_request gives it") {
  const auto all = compared("3 times slower", first_turns([](auto& one) { one.slowed = 3; }));
  CHECK(all.health_score.share < 0.12);
  CHECK(all.health_score.share > 0.01);
  CHECK(all.health_score.p99 <= 2 * healthy_p99());
}

TEST_CASE("an endpoint that hangs is noticed before anything has timed out") {
  const auto all = compared("hangs", first_turns([](auto& one) { one.hangs = true; }));
  CHECK(all.health_score.at_first <= 10);
  CHECK(all.health_score.failed <= 20);
  CHECK(all.health_score.p99 <= 2 * healthy_p99());
}

TEST_CASE("an endpoint that fails at once does not attract requests") {
  const auto all = compared("fails at once", first_turns([](auto& one) { one.fails = 1; }));
  CHECK(all.health_score.at_first <= 15);
  CHECK(all.health_score.failed <= 30);
  CHECK(all.health_score.p99 <= 2 * healthy_p99());
  CHECK(all.least_request.share > 0.25);
}

TEST_CASE("an endpoint that fails a third of its requests loses most of its share") {
  const auto all = compared("30 % fail", first_turns([](auto& one) { one.fails = 0.3; }));
  CHECK(all.health_score.share < 0.05);
  CHECK(all.health_score.share > 0);
  CHECK(all.health_score.failed < all.least_request.failed / 8);
}

TEST_CASE("endpoints that all fail now and then keep their shares") {
  const auto story = [](Simulation& simulation) {
    for (auto& endpoint : simulation.endpoints) endpoint.fails = 0.05;
  };
  const Simulation simulation = played(story, {});
  for (std::size_t i = 0; i < 4; ++i) CHECK(simulation.share(i, 0, kEnd) == about(0.25, 0.35));
}

TEST_CASE("two of four endpoints that hang at once cost few requests") {
  const auto all = compared("two hang", [](Simulation& simulation) {
    simulation.at(kTurn, [&] { simulation.endpoints[0].hangs = simulation.endpoints[1].hangs = true; });
  });
  CHECK(all.health_score.failed <= 100);
  CHECK(all.health_score.p99 <= 2 * healthy_p99());
}

TEST_CASE("an endpoint whose bodies do not end is noticed before any client has left") {
  const auto all = compared("drips", first_turns([](auto& one) { one.drips = true; }), {.per_second = 1000});
  CHECK(all.health_score.at_first <= 10);
  CHECK(all.health_score.failed <= 20);
  CHECK(all.health_score.p99 <= 2 * healthy_p99());
}

TEST_CASE("bodies that take long everywhere change no shares") {
  const auto downloads = [](Simulation& simulation) {
    for (auto& endpoint : simulation.endpoints) endpoint.body = 1;
    simulation.endpoints[0].weight = 9;
  };
  for (const double per_second : {20.0, 200.0}) {
    CAPTURE(per_second);
    const Simulation simulation = played(downloads, {.per_second = per_second});
    CHECK(simulation.share(0, 0, kEnd) == about(0.75, 0.1));
    for (std::size_t i = 1; i < 4; ++i) CHECK(simulation.share(i, 0, kEnd) == about(0.083, 0.35));
  }
}

TEST_CASE("an endpoint that drips among others with long bodies is noticed") {
  const auto drips = [](Simulation& simulation) {
    for (auto& endpoint : simulation.endpoints) endpoint.body = 0.2;
    simulation.at(kTurn, [&] { simulation.endpoints[0].drips = true; });
  };
  const Simulation simulation = played(drips, {.per_second = 1000});
  CHECK(simulation.count(0, kTurn, kTurn + 8) < 120);
}

TEST_CASE("three of four endpoints that hang, drip and fail at once cost few requests") {
  const auto all = compared("three at once",
                            [](Simulation& simulation) {
                              for (auto& endpoint : simulation.endpoints) endpoint.servers.resize(16);
                              simulation.at(kTurn, [&] {
                                simulation.endpoints[0].hangs = true;
                                simulation.endpoints[1].drips = true;
                                simulation.endpoints[2].fails = 1;
                              });
                            },
                            {.per_second = 1000});
  CHECK(all.health_score.failed <= 50);
  CHECK(all.health_score.p99 <= 2 * healthy_p99());
}

TEST_CASE("a new endpoint has its share soon and is not flooded") {
  const auto story = [](Simulation& simulation) {
    simulation.at(0, [&] { simulation.list({1, 2, 3}); });
    simulation.at(kTurn, [&] { simulation.list({0, 1, 2, 3}); });
  };
  compared("a new one", story);
  const Simulation simulation = played(story, {});
  CHECK(simulation.share(0, kTurn, kTurn + 1) == about(0.25, 0.3));
  CHECK(simulation.count(0, kTurn, kTurn + 0.1) <= 25);
}

TEST_CASE("a new endpoint that hangs gets no more than the few requests that try it") {
  const auto all = compared("a new one hangs", [](Simulation& simulation) {
    simulation.endpoints[0].hangs = true;
    simulation.at(0, [&] { simulation.list({1, 2, 3}); });
    simulation.at(kTurn, [&] { simulation.list({0, 1, 2, 3}); });
  });
  CHECK(all.health_score.at_first <= 5);
}

TEST_CASE("an endpoint that recovers after a minute has its share again within seconds") {
  struct Badness {
    std::string title;
    std::function<void(SimulatedEndpoint&)> begins;
  };
  const Badness kinds[] = {{"slow", [](auto& one) { one.slowed = 20; }},
                           {"hanging", [](auto& one) { one.hangs = true; }},
                           {"failing", [](auto& one) { one.fails = 1; }}};
  for (const auto& kind : kinds) {
    CAPTURE(kind.title);
    const auto story = [&](Simulation& simulation) {
      simulation.at(kTurn, [&] { kind.begins(simulation.endpoints[0]); });
      simulation.at(kTurn + 60, [&] { simulation.endpoints[0] = SimulatedEndpoint{}; });
    };
    const Simulation simulation = played(story, {}, kTurn + 90);
    MESSAGE(kind.title << " for a minute: " << simulation.count(0, kTurn, kTurn + 60)
                       << " requests in it; its share in "
                       << "the 10 s after it " << simulation.share(0, kTurn + 60, kTurn + 70) * 100 << " %, then "
                       << simulation.share(0, kTurn + 70, kTurn + 80) * 100 << " %");
    CHECK(simulation.share(0, kTurn + 60, kTurn + 75) > 0.02);
    CHECK(simulation.share(0, kTurn + 75, kTurn + 90) == about(0.25, 0.2));
  }
}

TEST_CASE("endpoints that were all slow share the requests evenly when they recover") {
  const auto story = [](Simulation& simulation) {
    const auto all = [&](double slowed) {
      for (auto& endpoint : simulation.endpoints) {
        endpoint.slowed = slowed;
        endpoint.servers.assign(100, nanoseconds(0));
      }
    };
    simulation.at(kTurn, [all] { all(20); });
    simulation.at(kTurn + 10, [all] { all(1); });
  };
  const Simulation simulation = played(story, {});
  for (std::size_t i = 0; i < 4; ++i) CHECK(simulation.share(i, kTurn + 10, kTurn + 15) == about(0.25, 0.2));
}

TEST_CASE("healthy endpoints share by weight, at low and at high load") {
  for (const double per_second : {50.0, 1500.0}) {
    CAPTURE(per_second);
    for (const Policy policy : {Policy::health_score, Policy::least_request}) {
      const auto weighted = [](Simulation& simulation) {
        simulation.endpoints[0].weight = 3;
        simulation.endpoints[0].servers.resize(12);
      };
      const Simulation simulation = played(weighted, {.policy = policy, .per_second = per_second});
      CHECK(simulation.share(0, 0, kEnd) == about(0.5, 0.15));
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
// limits.adaptive_concurrency against servers whose limit is known: so many workers, in virtual time.
#include "filters/limits/adaptive_limit.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "tests/unit/filters/limits/simulated_server.hpp"

using namespace fusewire;
using namespace fusewire::test;
using namespace std::chrono_literals;

namespace {

// Within a share of it, or one request.
bool is_near(double limit, double wanted, double share = 0.1) {
  return std::abs(limit - wanted) <= std::max(1.0, share * wanted);
}

}  // namespace

// Minutes of simulation under a sanitizer, which has nothing to find in it that the other cases do not show.
#if defined(__has_feature)
constexpr bool kInstrumented = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
constexpr bool kInstrumented = false;
#endif
constexpr std::uint64_t kSeeds = kInstrumented ? 1 : 8;

TEST_CASE("the limit finds what a server can do at a time, within 10 % or one request" * doctest::skip(kInstrumented)) {
  for (const Service service : {Service::constant, Service::uniform, Service::exponential, Service::lognormal})
    for (const double workers : {1.0, 2.0, 3.0, 4.0, 6.0, 20.0, 100.0}) {
      CAPTURE(static_cast<int>(service));
      CAPTURE(workers);
      double sum = 0;
      for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
        SimulatedServer server(seed, service, workers);
        server.run(workers < 20 ? 60 : 20);
        const double limit = server.run(2 * server.time);
        CAPTURE(seed);
        CHECK_MESSAGE(is_near(limit, workers, 0.2), limit);
        sum += limit;
      }
      CHECK_MESSAGE(is_near(sum / kSeeds, workers, 0.1), (sum / kSeeds));
    }
}

TEST_CASE("with heavy tails and small limits it stays neither far above nor far below" * doctest::skip(kInstrumented)) {
  for (const Service service : {Service::heavy_lognormal, Service::pareto})
    for (const double workers : {2.0, 4.0, 10.0, 50.0})
      for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
        CAPTURE(static_cast<int>(service));
        CAPTURE(workers);
        CAPTURE(seed);
        SimulatedServer server(seed, service, workers);
        server.run(60);
        const std::uint64_t before = server.answered;
        const double limit = server.run(180);
        CHECK_MESSAGE(is_near(limit, workers, 0.3), limit);
        // What probes and tails cost.
        CHECK(static_cast<double>(server.answered - before) > 0.75 * workers * 120 / 0.01);
      }
}

TEST_CASE("an upstream that grows slower little by little keeps its limit") {
  for (const double workers : {4.0, 20.0, 100.0})
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
      CAPTURE(workers);
      CAPTURE(seed);
      SimulatedServer server(seed, Service::exponential, workers);
      server.mean = [](double time) { return time < 20 ? 0.01 : 0.01 + (time - 20) / 60 * 0.01; };  // twice in a minute
      server.run(20);
      const double limit = server.run(80);
      CHECK_MESSAGE(limit > 0.75 * workers, limit);
      CHECK_MESSAGE(limit < 1.3 * workers + 1, limit);
    }
}

TEST_CASE("an upstream that is faster, or slower, from one moment on has its limit back" *
          doctest::skip(kInstrumented)) {
  for (const double factor : {0.5, 3.0})
    for (const double workers : {4.0, 20.0, 100.0})
      for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
        SimulatedServer server(seed, Service::exponential, workers);
        server.mean = [factor](double time) { return time < 30 ? 0.01 : 0.01 * factor; };
        server.run(70);
        CAPTURE(factor);
        CAPTURE(workers);
        CAPTURE(seed);
        const double limit = server.run(110);
        CHECK_MESSAGE(is_near(limit, workers, 0.3), limit);
      }
}

TEST_CASE("the limit follows a server that loses three of four workers and has them back") {
  for (const double workers : {5.0, 20.0})
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
      SimulatedServer server(seed, Service::exponential, workers);
      server.workers = [workers](double time) { return time < 20 || time > 60 ? 4 * workers : workers; };
      CAPTURE(workers);
      CAPTURE(seed);
      server.run(40);
      CHECK(is_near(server.run(60), workers, 0.25));
      server.run(80);
      CHECK(is_near(server.run(100), 4 * workers, 0.15));
    }
}

TEST_CASE("where the limit is not reached it stays as it is") {
  SimulatedServer server(1, Service::exponential, 100);
  server.clients = [](double) { return 5.0; };
  server.run(30);
  CHECK(server.limit.steady_limit(server.settings) == 20);
  CHECK(server.limit.minimum_latency() > 4ms);
  CHECK(server.limit.minimum_latency() < 7ms);  // the geometric mean of exponential times of 10 ms is 5.6 ms
}

TEST_CASE("the limit keeps to its bounds") {
  SimulatedServer server(1, Service::exponential, 100);
  server.settings = {.min_limit = 10, .initial_limit = 20, .max_limit = 30};
  server.run(20);
  CHECK(server.limit.steady_limit(server.settings) == 30);
  server.workers = [](double) { return 2.0; };
  server.run(60);
  CHECK(server.limit.steady_limit(server.settings) == 10);
  CHECK(server.limit.steady_limit({.min_limit = 12, .initial_limit = 20, .max_limit = 30}) == 12);  // after a reload
}

TEST_CASE("a reset forgets what was learned") {
  SimulatedServer server(1, Service::exponential, 4);
  server.run(30);
  CHECK(server.limit.steady_limit(server.settings) < 8);
  server.limit.clear();
  CHECK(server.limit.steady_limit(server.settings) == 20);
  CHECK(is_near(server.run(90), 4, 0.6));
}

TEST_CASE("while the minimum is measured half of the limit holds, and not for ever where nothing ends") {
  SimulatedServer server(1, Service::constant, 20);
  bool halved = false;
  for (double until = 0.01; until < 5 && !halved; until += 0.01) {
    server.run(until);
    halved = server.limit.limit(server.settings, server.now()) <= server.limit.steady_limit(server.settings) / 2;
  }
  REQUIRE(halved);
  CHECK(server.limit.limit(server.settings, server.now() + 10s) == server.limit.steady_limit(server.settings));
}

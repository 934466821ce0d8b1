// SPDX-License-Identifier: Apache-2.0
// A thousand schedules of requests and faults, in virtual time. One of them, step by step:
//
//   FUSEWIRE_SCHEDULE=17 build/dev/unit_schedules
#include <doctest/doctest.h>

#include <cstdlib>
#include <string>

#include "tests/unit/proxy/request/schedules/simulation.hpp"

using namespace fusewire;
using testing::Simulation;

namespace {

#if defined(__has_feature)
constexpr bool kInstrumented = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
constexpr bool kInstrumented = false;
#endif
constexpr unsigned kSchedules = kInstrumented ? 100 : 1000;

struct Sums : Simulation::Figures {
  void add(const Simulation::Figures& more) {
    requests += more.requests;
    answered += more.answered;
    retried += more.retried;
    hedged += more.hedged;
    breaker_calls += more.breaker_calls;
    trips += more.trips;
  }
};

std::string play(unsigned seed, bool tells, Sums& sums) {
  Simulation simulation(seed, tells);
  simulation.run();
  sums.add(simulation.figures());
  std::string text = simulation.story();
  for (const std::string& finding : simulation.findings()) text += finding + "\n";
  return text;
}

}  // namespace

TEST_CASE("whatever fails, each request has one answer, nothing is left held, and counts and decisions are right") {
  Sums sums;
  if (const char* const one = std::getenv("FUSEWIRE_SCHEDULE")) {
    MESSAGE(play(static_cast<unsigned>(std::atoi(one)), true, sums));
    return;
  }
  int failed = 0;
  for (unsigned seed = 1; seed <= kSchedules && failed < 3; ++seed) {
    const std::string findings = play(seed, false, sums);
    if (findings.empty()) continue;
    ++failed;
    Sums again;
    MESSAGE(play(seed, true, again));
    FAIL_CHECK("FUSEWIRE_SCHEDULE=" << seed << ":\n" << findings);
  }
  CHECK(sums.answered > 40 * kSchedules);  // much has happened
  CHECK(sums.retried > kSchedules);
  CHECK(sums.hedged > kSchedules / 2);
  CHECK(sums.trips > 3 * kSchedules);
  MESSAGE(sums.requests << " requests, " << sums.answered << " answered, " << sums.retried << " retries, "
                        << sums.hedged << " hedges, " << sums.breaker_calls << " calls of breakers, " << sums.trips
                        << " trips");
}

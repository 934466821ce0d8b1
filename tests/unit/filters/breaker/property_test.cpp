// SPDX-License-Identifier: Apache-2.0
// Random orders of calls, held against the reference model after every step. A mismatch names the game and the step;
// the games are the same in every run.
#include <doctest/doctest.h>

#include "tests/unit/filters/breaker/random_life.hpp"

namespace fusewire::breaker::testing {
namespace {

constexpr int kSteps = 1500;

void play_games(unsigned first_seed, int games, config::Mode mode, bool time_based) {
  int steps = 0;
  for (unsigned seed = first_seed; seed < first_seed + static_cast<unsigned>(games); ++seed) {
    RandomLife life(seed, mode, time_based);
    for (int step = 0; step < kSteps; ++step, ++steps)
      if (const std::string difference = life.step(); !difference.empty())
        FAIL("seed ", seed, ", step ", step, ": ", difference);
  }
  CHECK(steps == games * kSteps);
}

// Whether some life shows that the model has another rule than the core.
bool is_noticed(Mutation mutation, bool time_based) {
  for (unsigned seed = 0; seed < 150; ++seed) {
    RandomLife life(seed, config::Mode::enforce, time_based, mutation);
    for (int step = 0; step < kSteps; ++step)
      if (!life.step().empty()) return true;
  }
  return false;
}

TEST_CASE("a model with one rule wrong is noticed, over a time window and over a count window") {
  for (int number = 1; number < kMutations; ++number) {
    CAPTURE(number);
    const auto mutation = static_cast<Mutation>(number);
    CHECK(is_noticed(mutation, false));
    if (mutation != Mutation::count_windows_are_busy_at_100) CHECK(is_noticed(mutation, true));
  }
}

// 700 games of 1,500 steps: 1,050,000 steps. Overrides, resets and reloads (of the mode and the window's type as well)
// are in every game.
TEST_CASE("enforcing over a time window, any order of calls agrees with the model") {
  play_games(1000, 300, config::Mode::enforce, true);
}

TEST_CASE("enforcing over a count window, any order of calls agrees with the model") {
  play_games(2000, 220, config::Mode::enforce, false);
}

TEST_CASE("in shadow, any order of calls agrees with the model") {
  play_games(3000, 80, config::Mode::shadow, true);
  play_games(4000, 70, config::Mode::shadow, false);
}

TEST_CASE("from disabled, any order of calls agrees with the model") {
  play_games(5000, 30, config::Mode::disabled, true);
}

}  // namespace
}  // namespace fusewire::breaker::testing

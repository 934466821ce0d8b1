// SPDX-License-Identifier: Apache-2.0
// One retry budget, used by several threads at once. Run under TSan.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <thread>
#include <utility>
#include <vector>

#include "filters/retry/retry_budget.hpp"

using namespace fusewire;
using namespace std::chrono_literals;

namespace {

constexpr int kThreads = 6;
constexpr Time kMade = Time{} + 1000h;

template <class Work>
void on_all_threads(Work work) {
  std::vector<std::jthread> threads;
  for (int id = 0; id < kThreads; ++id) threads.emplace_back([&work, id] { work(id); });
}

// All threads want retries until each has been refused a few times in a row.
int retry_all(RetryBudget& budget, const RetryBudget::Settings& settings, Time now) {
  std::atomic<int> retries{0};
  on_all_threads([&](int) {
    for (int refused = 0; refused < 3;)
      if (budget.try_take(settings, now))
        ++retries;
      else
        ++refused;
  });
  return retries;
}

}  // namespace

TEST_CASE("threads that retry at once get exactly as many tokens as there are, in each quarter of a second") {
  const RetryBudget::Settings settings{.ratio = 0.2, .min_per_second = 3, .window = 3s};
  RetryBudget budget{kMade};
  std::vector<std::pair<int, int>> slots;  // calls, retries
  Time now = kMade;
  for (int slot = 0; slot < 60; ++slot, now += 250ms) {
    const int calls = slot % 7 * 20;
    on_all_threads([&](int id) {
      for (int i = id; i < calls; i += kThreads) budget.deposit(settings, now);
    });
    slots.push_back({calls, 0});
    int paid = 0, taken = 0;  // over 3 s of calls, and 3.25 s of retries
    for (std::size_t back = 0; back < std::min<std::size_t>(13, slots.size()); ++back) {
      if (back < 12) paid += slots[slots.size() - 1 - back].first;
      taken += slots[slots.size() - 1 - back].second;
    }
    const int minimum = 3 * std::min(3000, slot * 250 + 1000);
    slots.back().second = retry_all(budget, settings, now);
    CHECK(slots.back().second == std::max(0, (paid * 200 + minimum) / 1000 - taken));
  }
}

TEST_CASE("of calls that pay at once none is lost, and of tokens that are taken at once none is given out twice") {
  constexpr int kRounds = 200;
  constexpr int kCalls = 5000;  // of each thread, a round
  const RetryBudget::Settings settings{.ratio = 1, .min_per_second = 0, .window = 1s};
  RetryBudget budget{kMade};
  std::atomic<int> retries{0};
  int round = 0, wrong = 0;
  std::barrier called(kThreads);
  std::barrier retried(kThreads, [&]() noexcept {
    if (retries.exchange(0) != kThreads * kCalls) ++wrong;
    ++round;
  });
  on_all_threads([&](int) {
    while (round < kRounds) {
      const Time now = kMade + 2s * round;
      for (int i = 0; i < kCalls; ++i) budget.deposit(settings, now);
      called.arrive_and_wait();
      while (budget.try_take(settings, now)) ++retries;
      retried.arrive_and_wait();
    }
  });
  CHECK(wrong == 0);
}

TEST_CASE("while time passes and calls pay, threads never retry more than was paid in") {
  const RetryBudget::Settings settings{.ratio = 0.1, .min_per_second = 2, .window = 1s};
  RetryBudget budget{kMade};
  std::atomic<int> ms{0}, calls{0}, retries{0};
  on_all_threads([&](int id) {
    for (int i = 0; i < 20'000; ++i) {
      const Time now = kMade + milliseconds(ms.load());
      if (i % 4 == 0) ++ms;
      if (i % 3 == 0) ++calls, budget.deposit(settings, now);
      if (i % 5 != id % 5 && budget.try_take(settings, now)) ++retries;
    }
  });
  const int seconds = ms / 1000 + 2;
  CHECK(retries * 10 <= calls + 20 * seconds);
  CHECK(retries * 10 >= calls * 7 / 10);
}

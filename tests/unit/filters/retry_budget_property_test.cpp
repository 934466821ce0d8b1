// SPDX-License-Identifier: Apache-2.0
// Random schedules of calls and retries, held against plain lists of both. They are the same in every run.
#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "filters/retry/retry_budget.hpp"

using namespace fusewire;

namespace {

constexpr Time kMade = Time{} + std::chrono::hours(1000);
using Settings = RetryBudget::Settings;

// The rule as it is stated, over plain lists: in slots of a quarter of a second, as the budget counts.
class NaiveBudget {
 public:
  void deposit(const Settings& s, std::int64_t now) { paid_.push_back({now, static_cast<int>(s.ratio * 1000 + 0.5)}); }
  bool try_take(const Settings& s, std::int64_t now) {
    const std::int64_t slots = s.window.count() / 250;
    const std::int64_t covering = (s.window.count() + 249) / 250 + 1;
    double sum = s.min_per_second * static_cast<double>(std::min(s.window.count(), now + 1000));
    for (const Entry& e : paid_)
      if (now / 250 - e.at / 250 < slots) sum += e.thousandths;
    int retries = 1;
    for (const Entry& e : taken_)
      if (now / 250 - e.at / 250 < covering) ++retries;
    if (retries * 1000 > sum + 1e-6) return false;
    taken_.push_back({now, 1000});
    return true;
  }

  // Over exactly the window that ends now: what was taken, and what may be.
  double excess(const Settings& s, std::int64_t now) const {
    const auto within = [&](const std::vector<Entry>& entries) {
      double sum = 0;
      for (const Entry& e : entries)
        if (e.at > now - s.window.count()) sum += e.thousandths / 1000.0;
      return sum;
    };
    return within(taken_) - within(paid_) - s.min_per_second * static_cast<double>(s.window.count()) / 1000;
  }
  std::size_t calls() const { return paid_.size(); }
  std::size_t retries() const { return taken_.size(); }

 private:
  struct Entry {
    std::int64_t at = 0;
    int thousandths = 0;
  };
  std::vector<Entry> paid_;
  std::vector<Entry> taken_;
};

// Bursts of calls and of wishes for retries, short steps and long gaps.
class RandomSchedule {
 public:
  explicit RandomSchedule(unsigned seed) : random_(seed), settings_(draw()) {}

  void step(bool reloads) {
    const int die = below(100);
    if (die < 35) now_ += one_of({0, 1, 7, 90, 249, 250, 1700});
    if (die == 35) now_ += one_of({9'000, 30'000, 32'000, 600'000});
    if (die == 36 && reloads) settings_ = draw();
    const int calls = one_of({0, 1, 1, 3, 12});
    const int wishes = one_of({0, 1, 3, 20});
    for (int i = 0; i < calls; ++i) {
      budget_.deposit(settings_, time());
      naive_.deposit(settings_, now_);
    }
    for (int i = 0; i < wishes; ++i) {
      const bool may = budget_.try_take(settings_, time());
      agree_ = agree_ && may == naive_.try_take(settings_, now_);
      if (may) worst_ = std::max(worst_, naive_.excess(settings_, now_));
    }
  }

  Time time() const { return kMade + milliseconds(now_); }
  bool agrees() const { return agree_; }
  double worst_excess() const { return worst_; }  // of all windows that ended with a retry
  const Settings& settings() const { return settings_; }
  const NaiveBudget& naive() const { return naive_; }
  std::int64_t elapsed() const { return now_; }

 private:
  int below(int limit) { return static_cast<int>(random_() % static_cast<unsigned>(limit)); }
  template <class T, std::size_t N>
  T one_of(const T (&values)[N]) {
    return values[static_cast<std::size_t>(below(N))];
  }
  Settings draw() {
    return {.ratio = one_of({0.0, 0.1, 0.2, 0.29, 1.0}),
            .min_per_second = one_of({0.0, 0.5, 3.0, 10.0}),
            .window = milliseconds(one_of({1000, 1001, 1250, 3000, 10'000, 30'000}))};
  }

  std::mt19937 random_;
  std::int64_t now_ = 0;
  Settings settings_;
  RetryBudget budget_{kMade};
  NaiveBudget naive_;
  bool agree_ = true;
  double worst_ = -1;
};

}  // namespace

TEST_CASE("over any schedule the budget agrees with a plain list of calls and retries, reloads included") {
  for (unsigned seed = 0; seed < 4000; ++seed) {
    RandomSchedule schedule(seed);
    for (int step = 0; step < 60; ++step) schedule.step(true);
    if (!schedule.agrees()) FAIL("seed ", seed);
  }
}

TEST_CASE("no window that ends with a retry has more of them than ratio x calls + min_per_second x window") {
  bool reached = false;
  for (unsigned seed = 10'000; seed < 13'000; ++seed) {
    RandomSchedule schedule(seed);
    for (int step = 0; step < 60; ++step) schedule.step(false);
    if (schedule.worst_excess() > 1e-6) FAIL("seed ", seed, ": ", schedule.worst_excess(), " too many");
    reached = reached || schedule.worst_excess() > -1e-6;
  }
  CHECK(reached);
}

TEST_CASE("over its life an upstream is asked at most 1 + ratio times as often as called, and the minimum beside") {
  for (unsigned seed = 20'000; seed < 21'000; ++seed) {
    RandomSchedule schedule(seed);
    for (int step = 0; step < 100; ++step) schedule.step(false);
    const Settings& s = schedule.settings();
    const double seconds = static_cast<double>(schedule.elapsed() + s.window.count()) / 1000;  // begun windows
    const double bound = s.ratio * static_cast<double>(schedule.naive().calls()) + s.min_per_second * seconds;
    if (static_cast<double>(schedule.naive().retries()) > bound + 1e-6) FAIL("seed ", seed);
  }
}

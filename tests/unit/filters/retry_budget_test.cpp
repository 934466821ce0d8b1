// SPDX-License-Identifier: Apache-2.0
#include "filters/retry/retry_budget.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <vector>

using namespace fusewire;
using namespace std::chrono_literals;

namespace {

constexpr Time kMade = Time{} + 1000h;
using Settings = RetryBudget::Settings;

struct Fixture {
  void call(int times = 1) {
    for (; times > 0; --times) budget.deposit(settings, now);
  }
  // Retries until there are no more: how many there were.
  int retry_all() {
    int retries = 0;
    while (retries < 1'000'000 && budget.try_take(settings, now)) ++retries;
    return retries;
  }

  Settings settings{.ratio = 0.2, .min_per_second = 0, .window = 10s};
  Time now = kMade;
  RetryBudget budget{kMade};
};

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

TEST_CASE_FIXTURE(Fixture, "five calls at a ratio of 0.2 pay for one retry") {
  call(4);
  CHECK_FALSE(budget.try_take(settings, now));
  call();
  CHECK(budget.try_take(settings, now));
  CHECK_FALSE(budget.try_take(settings, now));
}

TEST_CASE_FIXTURE(Fixture, "what a call paid in is gone when the window has passed") {
  call(100);
  now += 9750ms;
  CHECK(budget.available(settings, now) == 20);
  now += 250ms;
  CHECK(budget.available(settings, now) == 0);
  CHECK(retry_all() == 0);
}

TEST_CASE_FIXTURE(Fixture, "a retry counts until a whole window has passed over it") {
  settings = {.ratio = 0, .min_per_second = 1, .window = 10s};
  now += 60s;
  CHECK(retry_all() == 10);
  now += 10'000ms;
  CHECK(retry_all() == 0);
  now += 250ms;
  CHECK(retry_all() == 10);
}

TEST_CASE_FIXTURE(Fixture, "an upstream that has just started has one second's minimum, then that of the time passed") {
  settings.min_per_second = 3;
  CHECK(retry_all() == 3);
  now += 1ms;
  CHECK(retry_all() == 0);
  now += 999ms;
  CHECK(retry_all() == 3);
  now += 4s;
  CHECK(retry_all() == 12);
}

TEST_CASE_FIXTURE(Fixture, "an upstream that was idle for a window has the whole window's minimum at once") {
  settings.min_per_second = 3;
  now += 1h;
  CHECK(retry_all() == 30);
}

TEST_CASE_FIXTURE(Fixture,
                  "with a ratio of 0 the minimum alone allows retries, and with no minimum either there are none") {
  settings = {.ratio = 0, .min_per_second = 0, .window = 10s};
  now += 1h;
  call(1000);
  CHECK(retry_all() == 0);
  settings.min_per_second = 0.5;
  CHECK(retry_all() == 5);
}

TEST_CASE_FIXTURE(Fixture, "each call pays by its own ratio and each retry is judged by its own settings") {
  Settings generous = settings;
  generous.ratio = 1;
  budget.deposit(generous, now);
  CHECK(budget.available(settings, now) == 1);
  settings.window = 1s;
  now += 1s;
  CHECK_FALSE(budget.try_take(settings, now));  // the call lies outside this window
  CHECK(budget.try_take(generous, now));
}

TEST_CASE_FIXTURE(Fixture, "any idle gap empties the budget, turns of the ring included") {
  for (const auto gap : {31s, 32s, 64s, 36000s}) {
    call(100);
    now += gap;
    CHECK(retry_all() == 0);
  }
}

TEST_CASE_FIXTURE(Fixture, "a call with a time from a turn ago pays for nothing") {
  now += 200s;
  call(10);
  budget.deposit(settings, now - 32s);
  CHECK(budget.available(settings, now) == 2);
  CHECK(budget.available(settings, now - 32s) == 0);
}

TEST_CASE_FIXTURE(Fixture, "a worker with an older reading of the clock has no retries of its own") {
  settings.min_per_second = 1;
  now += 60s;
  CHECK(retry_all() == 10);
  for (const auto late : {250ms, 9000ms, 55000ms}) CHECK_FALSE(budget.try_take(settings, now - late));
  now += 9s;
  CHECK(retry_all() == 0);
}

TEST_CASE_FIXTURE(Fixture, "a time before the budget was made is the time at which it was made") {
  call(5);
  CHECK(budget.try_take(settings, kMade - 1h));
}

TEST_CASE_FIXTURE(Fixture, "settings out of their bounds are taken as the nearest within them") {
  settings = {.ratio = 7, .min_per_second = -1, .window = 1h};
  call(3);
  now += 29s;
  CHECK(retry_all() == 3);
  settings = {.ratio = -1, .min_per_second = 2, .window = 0ms};
  now += 1h;
  call(3);
  CHECK(retry_all() == 2);  // a second's minimum
}

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

TEST_CASE("in a storm of 100,000 failing calls each of which wants two retries, one fifth is retried") {
  RetryBudget budget{kMade};
  const Settings settings;
  int retries = 0;
  for (int call = 0; call < 100'000; ++call) {  // 2,000 a second
    const Time now = kMade + std::chrono::microseconds(500) * call;
    budget.deposit(settings, now);
    for (int wish = 0; wish < 2; ++wish) retries += budget.try_take(settings, now) ? 1 : 0;
  }
  CHECK(retries >= 20'000 * 95 / 100);
  CHECK(retries <= 20'000 + 3 * 51);
}

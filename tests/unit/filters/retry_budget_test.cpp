// SPDX-License-Identifier: Apache-2.0
#include "filters/retry/retry_budget.hpp"

#include <doctest/doctest.h>

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

// SPDX-License-Identifier: Apache-2.0
#include "filters/timeout/adaptive_timeout.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>

using namespace fusewire;
using namespace std::chrono_literals;

namespace {

constexpr Time kMade = Time{} + 1000h;
constexpr milliseconds kFallback = 15s;

struct Fixture {
  milliseconds value() { return timeout.value(settings, kFallback, now); }
  void answer(milliseconds latency, int times = 1) {
    for (; times > 0; --times) timeout.answered(latency, now);
  }
  // The time at which the next reading is made.
  void pass() { now += 100ms; }

  AdaptiveTimeout::Settings settings;
  Time now = kMade;
  AdaptiveTimeout timeout{60s, kMade};
};

// An upstream whose answers take exp(N(0, 0.3)) times its latency, asked 100 times a second.
struct Upstream : Fixture {
  void run(std::chrono::seconds time) {
    timeouts = calls = 0;
    for (const Time end = now + time; now < end; now += 10ms) call();
  }
  void call() {
    const milliseconds patience = value();
    const auto takes = std::chrono::duration_cast<std::chrono::nanoseconds>(latency * std::exp(0.3 * noise(random)));
    ++calls;
    if (takes <= patience) return timeout.answered(takes, now);
    ++timeouts;
    timeout.timed_out(patience, now);
  }
  double timed_out() const { return static_cast<double>(timeouts) / calls; }
  // 2 x p99 of that distribution: exp(0.3 x 2.326) = 2.01.
  bool is_settled() { return std::abs(static_cast<double>(value().count()) / (4.02 * latency.count()) - 1) < 0.15; }

  std::chrono::duration<double, std::milli> latency{50};
  int timeouts = 0, calls = 0;
  std::mt19937_64 random{11};
  std::normal_distribution<double> noise;
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "with too few samples the fallback holds, and from minimum_samples on the percentile") {
  CHECK(value() == kFallback);
  answer(100ms, 99);
  pass();
  CHECK(value() == kFallback);
  answer(100ms);
  pass();
  CHECK(value() >= 194ms);
  CHECK(value() <= 207ms);
}

TEST_CASE_FIXTURE(Fixture, "with a minimum of no samples an empty window still has no value") {
  settings.minimum_samples = 0;
  CHECK(value() == kFallback);
}

TEST_CASE_FIXTURE(Fixture, "the value stays within min and max") {
  answer(1ms, 100);
  CHECK(value() == 50ms);
  answer(1h, 100);
  pass();
  CHECK(value() == 15s);
  settings.max = 20h;
  settings.multiplier = 3;
  CHECK(value() >= 2h);
}

TEST_CASE_FIXTURE(Fixture, "a part of a millisecond is rounded up") {
  settings = {.multiplier = 1, .min = 0ms, .minimum_samples = 1};
  timeout.answered(1us, now);
  CHECK(value() == 1ms);
}

TEST_CASE_FIXTURE(Fixture, "the percentile is read again after 100 ms, not before") {
  answer(100ms, 100);
  const milliseconds first = value();
  answer(1s, 100);
  now += 99ms;
  CHECK(value() == first);
  now += 1ms;
  CHECK(value() >= 1940ms);
}

TEST_CASE_FIXTURE(Fixture, "after an idle gap the first call finds what is left in the window") {
  answer(100ms, 100);
  CHECK(value() < kFallback);
  now += 60s;
  CHECK(value() == kFallback);
}

TEST_CASE_FIXTURE(Fixture, "a reset makes the fallback hold at once, and so does another window") {
  answer(100ms, 100);
  CHECK(value() < kFallback);
  timeout.clear();
  CHECK(value() == kFallback);
  answer(100ms, 100);
  pass();
  CHECK(value() < kFallback);
  timeout.set_window(10s);
  CHECK(value() == kFallback);
}

TEST_CASE_FIXTURE(Fixture, "settings of a reload, or of a route, hold from the next call on") {
  answer(100ms, 90);
  answer(1s, 10);
  const milliseconds p99 = value();
  settings.percentile = 0.5;
  const milliseconds p50 = value();
  CHECK(p99 >= 1940ms);
  CHECK(p50 <= 207ms);
  settings.multiplier = 4;
  CHECK(value() >= 388ms);
  settings.minimum_samples = 101;
  CHECK(value() == kFallback);
}

TEST_CASE_FIXTURE(Fixture, "timeouts alone never lower the value, whatever the multiplier") {
  for (const double multiplier : {1.0, 1.01, 1.3, 2.0}) {
    settings = {.percentile = 0.5, .multiplier = multiplier, .min = 1ms, .max = 1h, .minimum_samples = 1};
    for (milliseconds latency = 1ms; latency < 5s; latency += latency / 5 + 1ms) {
      timeout.clear();
      answer(latency);
      milliseconds before = value();
      for (int call = 0; call < 300; ++call) {
        timeout.timed_out(before, now);
        now += 500ms;  // answers leave the window meanwhile
        const milliseconds after = value();
        if (after < before) FAIL(multiplier, " x, ", latency.count(), " ms: ", before.count(), " -> ", after.count());
        before = after;
      }
    }
  }
}

TEST_CASE_FIXTURE(Upstream, "at a steady latency the value is twice p99 and hardly a call times out") {
  run(60s);
  CHECK(is_settled());
  run(120s);
  CHECK(is_settled());
  CHECK(timed_out() < 0.001);
}

TEST_CASE_FIXTURE(Upstream, "when an upstream gets ten times slower the value follows within seconds, and down again") {
  run(120s);
  latency *= 10;  // 500 ms, with a timeout of 200
  run(5s);
  CHECK(timed_out() > 0.1);  // at first
  run(5s);
  CHECK(timed_out() < 0.02);
  run(120s);
  CHECK(is_settled());
  CHECK(timed_out() < 0.001);
  latency /= 10;
  run(50s);
  CHECK(value() > 1s);  // slow answers are still in the window
  run(15s);
  CHECK(is_settled());
  CHECK(timed_out() == 0);
}

TEST_CASE_FIXTURE(Upstream, "when an upstream hangs, the value grows to its maximum and stays there") {
  run(120s);
  latency *= 1e6;
  run(10s);
  CHECK(value() == 15s);
  run(600s);
  CHECK(value() == 15s);
  latency /= 1e6;
  run(65s);
  CHECK(is_settled());
}

TEST_CASE_FIXTURE(Upstream, "an upstream that grows slower by a tenth a minute keeps nearly all its answers") {
  run(60s);
  int all = 0, lost = 0;
  for (int minute = 0; minute < 40; ++minute) {
    latency *= 1.1;
    run(60s);
    all += calls;
    lost += timeouts;
  }
  CHECK(latency > 2s);
  CHECK(lost < all / 500);
}

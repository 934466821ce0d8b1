// SPDX-License-Identifier: Apache-2.0
#include "filters/timeout/latency_window.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <random>
#include <utility>
#include <vector>

#include "tests/unit/filters/latencies.hpp"

using namespace fusewire;
using namespace fusewire::latency_scale;
using namespace fusewire::test;
using namespace std::chrono_literals;

namespace {

constexpr Time kMade = Time{} + 1000h;
using Reading = LatencyWindow::Reading;

// Every latency is kept with its time; the window is cut as the histogram cuts it.
class NaiveWindow {
 public:
  explicit NaiveWindow(std::int64_t length) : length_(length) {}
  void record(nanoseconds latency, std::int64_t now) { all_.push_back({now, latency}); }
  void clear() { all_.clear(); }
  Reading percentile(double p, std::int64_t now) const {
    std::vector<nanoseconds> in_window;
    for (const auto& [at, latency] : all_)
      if (8 * now / length_ - 8 * at / length_ < 8) in_window.push_back(latency);
    if (in_window.empty()) return {};
    std::sort(in_window.begin(), in_window.end());
    const auto rank = static_cast<std::size_t>(std::ceil(p * static_cast<double>(in_window.size()) - 1e-6));
    return {in_window[std::max<std::size_t>(rank, 1) - 1], in_window.size()};
  }

 private:
  std::int64_t length_;
  std::vector<std::pair<std::int64_t, nanoseconds>> all_;
};

struct Fixture {
  void record(nanoseconds latency, int times = 1) {
    for (; times > 0; --times) window.record(latency, now);
  }
  Reading seen(double p = 0.99) const { return window.percentile(p, now); }

  Time now = kMade;
  LatencyWindow window{60s, kMade};
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "an empty window has no value") { CHECK(seen() == Reading{}); }

TEST_CASE_FIXTURE(Fixture, "a percentile is the nearest rank's") {
  for (int i = 1; i <= 100; ++i) record(i * 1ms);
  for (const auto& [p, latency] : {std::pair{0.0, 1ms}, {0.01, 1ms}, {0.5, 50ms}, {0.99, 99ms}, {1.0, 100ms}})
    CHECK(seen(p).value == middle_of(bucket_of(latency)));
  CHECK(seen().samples == 100);
}

TEST_CASE_FIXTURE(Fixture, "one slow answer of a hundred is not in p99, two are") {
  record(10ms, 98);
  record(1s);
  record(10ms);
  CHECK(seen().value < 11ms);
  record(1s);
  CHECK(seen().value > 900ms);
}

TEST_CASE_FIXTURE(Fixture, "latencies leave the window slice by slice") {
  for (int second = 0; second < 60; ++second, now += 1s) record(1ms);
  now = kMade + 59'999ms;
  CHECK(seen().samples == 60);
  now += 1ms;  // the slice of the first 7.5 s is the current one's again
  CHECK(seen().samples == 52);
  now = kMade + 112'499ms;  // the last slice, from 52.5 s on, is left
  CHECK(seen().samples == 7);
  now += 1ms;
  CHECK(seen().samples == 0);
}

TEST_CASE_FIXTURE(Fixture, "any idle gap leaves the window empty, whole turns of it included") {
  for (const auto gap : {60s, 120s, 256 * 60s, 512 * 60s, 86'400 * 400s}) {
    record(1ms, 50);
    now += gap;
    CHECK(seen().samples == 0);
    record(5ms, 3);
    CHECK(seen().samples == 3);
    now += 60s;
  }
}

TEST_CASE_FIXTURE(Fixture, "what a slice held is not seen again however often it was used since") {
  record(1s, 7);
  for (int use = 0; use < 600; ++use) {
    now += 60s;
    record(1ms);
    REQUIRE(seen(1).samples == 1);
    REQUIRE(seen(1).value < 2ms);
  }
}

TEST_CASE_FIXTURE(Fixture, "a reading does not change the window") {
  record(1s);
  now += 60s;
  CHECK(seen().samples == 0);
  now -= 1ms;
  CHECK(seen().samples == 1);
}

TEST_CASE_FIXTURE(Fixture, "a thread with a time from before the window records nothing") {
  now += 120s;
  record(1ms, 5);
  window.record(1s, now - 60s);
  CHECK(seen(1) == Reading{middle_of(bucket_of(1ms)), 5});
  now -= 60s;
  CHECK(seen().samples == 0);
}

TEST_CASE_FIXTURE(Fixture, "clear forgets every slice at once, and what is recorded after it counts") {
  for (int slice = 0; slice < 12; ++slice, now += 7500ms) record(1s);
  CHECK(seen().samples == 7);
  window.clear();
  CHECK(seen().samples == 0);
  record(2ms);
  CHECK(seen().samples == 1);
  now += 7500ms;
  record(2ms);
  CHECK(seen(1) == Reading{middle_of(bucket_of(2ms)), 2});
}

TEST_CASE_FIXTURE(Fixture, "another length empties the window, the same one does not") {
  record(1s, 3);
  window.set_window(60s);
  CHECK(seen().samples == 3);
  CHECK(window.clears() == 0);
  window.set_window(10s);
  CHECK(window.clears() == 1);
  CHECK(seen().samples == 0);
  record(1ms);
  now += 9'999ms;
  CHECK(seen().samples == 1);
  now += 1ms;
  CHECK(seen().samples == 0);
}

TEST_CASE_FIXTURE(Fixture, "after the window was emptied 100,000 times it counts as before") {
  for (int i = 0; i < 100'000; ++i) {
    record(1s);
    window.clear();
  }
  CHECK(seen().samples == 0);
  record(1s);
  CHECK(seen().samples == 1);
}

TEST_CASE_FIXTURE(Fixture, "a timeout is counted where no percentile of it is below the timeout") {
  for (milliseconds timeout = 1ms; timeout < 20s; timeout += timeout / 7 + 1ms) {
    window.clear();
    window.record_timeout(timeout, now);
    CHECK(seen().value >= timeout);
    CHECK(ms(seen().value) <= ms(timeout) * (1 + 1.0 / 16));
  }
}

TEST_CASE_FIXTURE(Fixture, "a counter stops at 16 million") {
  record(1ms, (1 << 24) + 100);
  CHECK(seen().samples == (1 << 24) - 1);
}

TEST_CASE("over random latencies and times, percentiles agree with a sorted window's within 1/32") {
  for (unsigned seed = 0; seed < 150; ++seed) {
    std::mt19937_64 random(seed);
    const std::int64_t length = std::array{80, 800, 1001, 7777, 60'000}[random() % 5];
    LatencyWindow window{milliseconds(length), kMade};
    NaiveWindow naive{length};
    std::int64_t at = 0;
    for (int step = 0; step < 400; ++step) {
      const auto die = random() % 100;
      if (die < 30) at += static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(length / 8 + 1));
      if (die == 30) at += static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(2000 * length));
      if (die == 31) {
        window.clear();
        naive.clear();
      }
      const nanoseconds latency = any_latency(random);
      window.record(latency, kMade + milliseconds(at));
      naive.record(latency, at);
      const double p = std::array{0.5, 0.9, 0.95, 0.99, 1.0}[random() % 5];
      const Reading seen = window.percentile(p, kMade + milliseconds(at));
      const Reading expected = naive.percentile(p, at);
      REQUIRE(seen.samples == expected.samples);
      REQUIRE(std::abs(ms(seen.value) / ms(expected.value) - 1) <= 1.0 / 32);
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
#include "filters/balance/endpoint_health.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "tests/unit/filters/balance/about.hpp"

using namespace fusewire;
using namespace fusewire::balance;
using namespace fusewire::test;
using namespace std::chrono_literals;

namespace {

constexpr Time kStart = Time{} + 1h;

struct Fixture {
  EndpointHealth health{kStart};
  Time now = kStart;

  void request(nanoseconds latency, Result result = Result::success) {
    health.begin(now);
    now += latency;
    health.end(result, latency, now);
  }
  void requests(int count, nanoseconds latency, Result result = Result::success) {
    for (int i = 0; i < count; ++i) request(latency, result);
  }
  // ms
  double latency() const { return std::exp2(health.view(now).latency) / 1e6; }
  double badness(nanoseconds typical = 5ms) const { return health.view(now).badness({log_latency(typical), 0, 0}); }
  double score(nanoseconds typical = 5ms) const { return health.view(now).score({log_latency(typical), 0, 0}); }

  static LogLatency log_latency(nanoseconds latency) { return std::log2(static_cast<float>(latency.count())); }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "an address that nobody has asked counts as its peers do") {
  CHECK(badness() == 0);
  CHECK(score() == 1);
  CHECK(health.view(now).latency == 0);
}

TEST_CASE_FIXTURE(Fixture, "the first answer is the latency that is known") {
  request(20ms);
  CHECK(latency() == about(20, 0.001));
}

TEST_CASE_FIXTURE(Fixture, "a slower answer counts at once, one of many by a quarter of a doubling") {
  for (int i = 0; i < 12; ++i) health.begin(now);
  requests(200, 5ms);
  health.end(Result::success, 1000ms, now);
  CHECK(latency() == about(5 * std::exp2(0.25), 0.02));
  for (int i = 0; i < 11; ++i) health.end(Result::success, 1000ms, now);
  CHECK(latency() == about(5 * 8, 0.05));
}

TEST_CASE_FIXTURE(Fixture, "where answers are rare, a slow one counts in full") {
  request(5ms);
  now += 10s;
  request(100ms);
  CHECK(latency() == about(100, 0.01));
}

TEST_CASE_FIXTURE(Fixture, "faster answers draw the latency down over the decay time, however many they are") {
  Fixture busy;
  request(100ms);
  busy.request(100ms);
  for (int i = 0; i < 30; ++i) {
    now += 95ms;
    request(5ms);
  }
  for (int i = 0; i < 600; ++i) busy.request(5ms);
  CHECK(std::log2(latency() / 5) == about(std::log2(20) / std::exp(1), 0.05));
  CHECK(std::log2(busy.latency() / 5) == about(std::log2(20) / std::exp(1), 0.05));
}

TEST_CASE_FIXTURE(Fixture, "latencies that differ by little count as the same") {
  requests(10, 8ms);
  CHECK(badness(5ms) == 0);
  CHECK(score(5ms) == 1);
  CHECK(score(13ms) == 1);
  CHECK(badness(2ms) > 0.9);
  CHECK(score(40ms) < 0.5);
}

TEST_CASE_FIXTURE(Fixture, "requests in flight multiply the score") {
  requests(10, 5ms);
  for (int i = 0; i < 3; ++i) health.begin(now);
  CHECK(health.in_flight() == 3);
  CHECK(score() == 4);
}

TEST_CASE_FIXTURE(Fixture, "quick failures make an address bad") {
  requests(10, 5ms);
  requests(4, 1ms, Result::failure);
  CHECK(latency() > 4);
  CHECK(score() > 4);
  requests(20, 1ms, Result::failure);
  CHECK(score() > 100);
}

TEST_CASE_FIXTURE(Fixture, "quick failures of an address that never answered do not make it fast") {
  requests(5, 1ms, Result::failure);
  CHECK(health.view(now).latency == 0);
  CHECK(score() > 4);
}

TEST_CASE_FIXTURE(Fixture, "successes restore the share") {
  requests(4, 5ms, Result::failure);
  CHECK(health.view(now).successes < 0.7);
  requests(60, 5ms);
  CHECK(health.view(now).successes == 1);
}

TEST_CASE_FIXTURE(Fixture, "a neutral end changes the requests in flight and nothing else") {
  requests(10, 5ms);
  const HealthView before = health.view(now);
  health.begin(now);
  health.end(Result::neutral, 10s, now);
  CHECK(health.view(now).latency == before.latency);
  CHECK(health.view(now).successes == before.successes);
  CHECK(health.in_flight() == 0);
}

TEST_CASE_FIXTURE(Fixture, "a wait that was ended here raises the latency and is no failure") {
  requests(10, 5ms);
  for (int i = 0; i < 6; ++i) request(50ms, Result::unanswered);
  CHECK(latency() == about(50, 0.01));
  CHECK(health.view(now).successes == 1);
  request(1ms, Result::unanswered);
  CHECK(latency() > 40);
}

TEST_CASE_FIXTURE(Fixture, "requests that nobody answers make an address bad before any has ended") {
  requests(100, 5ms);
  health.begin(now);
  CHECK(badness() == 0);
  now += 40ms;
  CHECK(badness() == about(2, 0.1));
  now += 1s;
  CHECK(badness() > 4);
}

TEST_CASE_FIXTURE(Fixture, "an answer to one request is progress for all") {
  requests(100, 5ms);
  health.begin(now);
  now += 90ms;
  health.begin(now);
  now += 5ms;
  health.end(Result::success, 5ms, now);
  CHECK(health.in_flight() == 1);
  CHECK(badness() == 0);
}

TEST_CASE_FIXTURE(Fixture, "a neutral end is no progress") {
  requests(100, 5ms);
  health.begin(now);
  health.begin(now);
  now += 100ms;
  health.end(Result::neutral, 100ms, now);
  CHECK(badness() > 3);
}

TEST_CASE_FIXTURE(Fixture, "before the first answer a third request at a time is one too many") {
  health.begin(now);
  CHECK(score() == 2);
  health.begin(now);
  CHECK(score() > 1000);
  health.end(Result::success, 5ms, now);
  CHECK(score() == 2);
}

TEST_CASE_FIXTURE(Fixture, "what is held against a bad address wears off while no request is sent to it") {
  request(100ms);
  requests(30, 1ms, Result::failure);
  const double bad = badness();
  CHECK(bad > 10);
  now += 4500ms;
  CHECK(badness() == about(bad * 3 / 4, 0.01));  // late, and then soon: 1 - (a half) ^ 2
  now += 4500ms;
  CHECK(badness() == 0);
}

TEST_CASE_FIXTURE(Fixture, "a little badness wears off sooner") {
  requests(10, 5ms);
  request(5ms, Result::failure);
  CHECK(badness() > 2);
  now += 7s;
  CHECK(badness() == 0);
}

TEST_CASE_FIXTURE(Fixture, "the first request after a pause makes all count again until it is answered") {
  request(200ms);
  const double bad = badness();
  now += 9s;
  CHECK(badness() == 0);
  health.begin(now);
  CHECK(badness() >= bad);
  now += 5ms;
  health.end(Result::success, 5ms, now);
  CHECK(badness() == 0);
}

TEST_CASE_FIXTURE(Fixture, "an address that still hangs is tried again after a pause") {
  requests(100, 5ms);
  health.begin(now);
  now += 8s;
  CHECK(badness() > 0);
  now += 1100ms;
  CHECK(badness() == 0);
}

TEST_CASE_FIXTURE(Fixture, "a failure that began before the last good answer is no news of the latency") {
  requests(10, 5ms);
  health.begin(now);
  now += 15s;
  request(5ms);
  const double before = latency();
  health.end(Result::failure, 15s + 5ms, now);
  CHECK(latency() == about(before, 0.001));
  CHECK(health.view(now).successes < 1);
}

TEST_CASE_FIXTURE(Fixture, "a response whose body takes long is load, and nobody waits for it") {
  requests(10, 5ms);
  health.begin(now);
  now += 5ms;
  health.answered(Result::success, 5ms, now);
  now += 60s;
  CHECK(health.in_flight() == 1);
  CHECK(badness() == 0);
  health.end_answered(Result::failure, 5ms, now);
  CHECK(health.in_flight() == 0);
  CHECK(latency() == about(5, 0.01));
  CHECK(health.view(now).successes < 1);
}

TEST_CASE_FIXTURE(Fixture, "bodies that begin and do not end make an address bad before any has broken off") {
  requests(10, 5ms);
  const auto heads = [&](int count) {
    for (int n = 0; n < count; ++n) {
      health.begin(now);
      health.answered(Result::success, 5ms, now);
    }
  };
  heads(3);
  now += 20ms;
  CHECK(badness() == 0);
  heads(1);
  CHECK(badness() > 5);
  // Its peers have some, too, or theirs take as long.
  CHECK(health.view(now).badness({log_latency(5ms), 1, 0}) == 0);
  CHECK(health.view(now).badness({log_latency(5ms), 0, 5e6F}) == 0);

  SUBCASE("one that ends well shows that they do end") { health.end_answered(Result::success, 5ms, now); }
  SUBCASE("one whose client has left says nothing any more") { health.end_answered(Result::neutral, 5ms, now); }
  SUBCASE("a restart") {
    health.restart(now);
    CHECK(health.view(now).unfinished == 0);
    return;
  }
  CHECK(badness() == 0);
}

TEST_CASE_FIXTURE(Fixture, "a body that was late goes on counting as one that has not ended") {
  requests(10, 5ms);
  for (int n = 0; n < 40; ++n) {
    health.begin(now);
    health.answered(Result::success, 5ms, now);
  }
  CHECK(badness() == 0);  // all at once
  now += 20ms;
  for (int n = 0; n < 40; ++n) health.end_answered(Result::unanswered, 5ms, now);
  CHECK(health.in_flight() == 0);
  CHECK(badness() > 5);
  CHECK(health.view(now).badness({log_latency(5ms), 14, 0}) > 5);  // no more than 15 are counted
}

TEST_CASE_FIXTURE(Fixture, "several requests that wait say it sooner than one") {
  requests(10, 5ms);
  for (int n = 0; n < 4; ++n) health.begin(now);
  now += 8ms;
  CHECK(badness() > 1);
  for (int n = 0; n < 3; ++n) health.end(Result::neutral, 0s, now);
  CHECK(badness() == 0);
}

TEST_CASE_FIXTURE(Fixture, "a request whose body is being sent is not waited for") {
  requests(10, 5ms);
  health.begin(now);
  health.pause();
  now += 1s;
  CHECK(health.in_flight() == 1);
  CHECK(badness() == 0);
  health.resume(now);
  now += 200ms;
  CHECK(health.view(now).overdue > 150e6F);
}

TEST_CASE_FIXTURE(Fixture, "after a restart nothing is known, and requests stay counted") {
  requests(30, 100ms, Result::failure);
  health.begin(now);
  now += 1s;
  health.restart(now);
  CHECK(badness() == 0);
  CHECK(health.in_flight() == 1);
  CHECK(health.view(now).latency == 0);
}

TEST_CASE_FIXTURE(Fixture, "slow start counts a tenth of the weight at first, then more, then all") {
  CHECK(health.ramp(now, 30s) == about(0.1, 0.001));
  CHECK(health.ramp(now + 15s, 30s) == about(0.5, 0.001));
  CHECK(health.ramp(now + 30s, 30s) == 1);
  CHECK(health.ramp(now, 0s) == 1);
}

TEST_CASE_FIXTURE(Fixture, "a thread whose clock is behind does no harm") {
  requests(10, 5ms);
  health.begin(now);
  CHECK(health.view(now - 1s).overdue == 0);
  CHECK(health.view(now - 1s).quiet == 0);
  health.end(Result::success, 5ms, now - 1s);
  CHECK(latency() == about(5, 0.01));
  CHECK(badness() == 0);
}

TEST_CASE_FIXTURE(Fixture, "an address that was idle for long learns at once, whatever the time is") {
  now += std::chrono::hours(24 * 365 * 10);
  for (const auto idle : {1h, 3h, 5h, 30h, 45h, 70h, 100h, 1000h}) {
    CAPTURE(idle.count());
    now += 100ms;
    requests(20, 100ms);
    now += idle;
    CHECK(badness() == 0);
    request(5ms);
    now += 1s;
    request(5ms);
    now += 9s;
    request(5ms);
    CHECK(latency() < 8);
  }
}

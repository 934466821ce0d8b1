// SPDX-License-Identifier: Apache-2.0
#include "filters/balance/flight.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <optional>

#include "tests/unit/filters/balance/about.hpp"

using namespace fusewire;
using namespace fusewire::balance;
using namespace fusewire::test;
using namespace std::chrono_literals;

namespace {

struct Fixture {
  Time now = Time{} + 1h;
  EndpointHealth health{now};

  double latency() const {  // ms
    const LogLatency log = health.view(now).latency;
    return log == 0 ? 0 : std::exp2(log) / 1e6;
  }
  bool has_failures() const { return health.view(now).successes < 1; }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a flight's latency is the time from its begin to its end") {
  Flight flight(health, now);
  CHECK(health.in_flight() == 1);
  now += 30ms;
  flight.end(Result::success, now);
  CHECK(health.in_flight() == 0);
  CHECK(latency() == about(30, 0.01));
}

TEST_CASE_FIXTURE(Fixture, "a flight that is dropped is neutral") {
  {
    const Flight flight(health, now);
    now += 1s;
  }
  CHECK(health.in_flight() == 0);
  CHECK(latency() == 0);
  CHECK_FALSE(has_failures());
}

TEST_CASE_FIXTURE(Fixture, "a flight ends once, wherever it was moved to") {
  Flight flight(health, now);
  Flight moved(std::move(flight));
  std::optional<Flight> last;
  last = std::move(moved);
  CHECK(health.in_flight() == 1);
  last->end(Result::failure, now);
  last->end(Result::success, now);
  last->answered(Result::success, now);
  last.reset();
  CHECK(health.in_flight() == 0);
  CHECK(has_failures());
}

TEST_CASE_FIXTURE(Fixture, "assigning a flight ends the one before it") {
  Flight flight(health, now);
  flight = Flight(health, now);
  CHECK(health.in_flight() == 1);
  flight = Flight();
  CHECK(health.in_flight() == 0);
}

TEST_CASE_FIXTURE(Fixture, "the head ends the latency, the end of the body the flight") {
  Flight flight(health, now);
  now += 10ms;
  flight.answered(Result::success, now);
  now += 5s;
  CHECK(health.in_flight() == 1);
  flight.end(Result::success, now);
  CHECK(health.in_flight() == 0);
  CHECK(latency() == about(10, 0.01));
  CHECK_FALSE(has_failures());
}

TEST_CASE_FIXTURE(Fixture, "a body that breaks off is a failure") {
  Flight flight(health, now);
  flight.answered(Result::success, now);
  flight.end(Result::failure, now);
  CHECK(has_failures());
  CHECK(health.in_flight() == 0);
}

TEST_CASE_FIXTURE(Fixture, "a body that is late counts as an answer that has taken so long") {
  Flight flight(health, now);
  now += 5ms;
  flight.answered(Result::success, now);
  now += 2s;
  flight.end(Result::unanswered, now);
  CHECK(latency() > 20);
  CHECK_FALSE(has_failures());
  CHECK(health.in_flight() == 0);
}

TEST_CASE_FIXTURE(Fixture, "the time in which the request's body is sent is not latency") {
  Flight flight(health, now);
  flight.pause();
  flight.pause();
  now += 10s;
  flight.resume(now);
  flight.resume(now);
  now += 20ms;
  flight.end(Result::success, now);
  CHECK(latency() == about(20, 0.01));
}

TEST_CASE_FIXTURE(Fixture, "an answer before the request's body was sent says nothing of the latency") {
  Flight flight(health, now);
  flight.pause();
  now += 1s;
  SUBCASE("a success") {
    flight.end(Result::success, now);
    CHECK_FALSE(has_failures());
  }
  SUBCASE("a head") {
    flight.answered(Result::success, now);
    flight.end(Result::success, now);
    CHECK_FALSE(has_failures());
  }
  SUBCASE("a failure, which counts") {
    flight.end(Result::failure, now);
    CHECK(has_failures());
  }
  CHECK(latency() == 0);
  CHECK(health.in_flight() == 0);
}

TEST_CASE_FIXTURE(Fixture, "a flight of nothing does nothing") {
  Flight flight;
  flight.pause();
  flight.resume(now);
  flight.answered(Result::success, now);
  flight.end(Result::failure, now);
  CHECK(health.in_flight() == 0);
}

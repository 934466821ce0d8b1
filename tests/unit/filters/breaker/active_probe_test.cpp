// SPDX-License-Identifier: Apache-2.0
// recovery.probe of type active: the prober's own trials decide, and no call is one.
#include <doctest/doctest.h>

#include "filters/breaker/core/circuit_breaker.hpp"
#include "tests/unit/filters/breaker/played_breaker.hpp"

namespace fusewire::breaker::testing {
namespace {

config::CircuitBreaker probed() {
  config::CircuitBreaker config = only_consecutive(1);
  config.recovery.probe.type = fusewire::config::ProbeType::active;
  config.recovery.probe.path = "/healthz";
  return config;
}

struct ProbedBreaker : PlayedBreaker {
  explicit ProbedBreaker(const config::CircuitBreaker& config = probed()) : PlayedBreaker(config) { fail(); }
  std::optional<Permit> probe() { return breaker.try_acquire_probe(now); }
};

TEST_CASE("while it is open, and half-open, every call is rejected: none is a trial") {
  ProbedBreaker orders;
  CHECK(orders.reject().by == RejectedBy::open);
  orders.wait_out();
  const Rejection over = orders.reject();
  CHECK(over.by == RejectedBy::open);
  CHECK(over.retry_after == 0ms);
  CHECK(orders.state() == State::open);
  auto probe = orders.probe();
  REQUIRE(probe);
  CHECK(orders.state() == State::half_open);
  CHECK(orders.reject().by == RejectedBy::half_open);
  CHECK_FALSE(orders.breaker.available(orders.now));
  CHECK_FALSE(orders.breaker.wants_trial(orders.now));
  CHECK_FALSE(orders.breaker.end_interval(orders.now));
}

TEST_CASE("success_threshold probes that succeed close it, and then calls are admitted") {
  ProbedBreaker orders;
  orders.wait_out();
  for (int i = 0; i < 3; ++i) {
    CHECK_FALSE(orders.admit());
    auto probe = orders.probe();
    REQUIRE(probe);
    probe->success(orders.now);
  }
  CHECK(orders.state() == State::closed);
  CHECK(orders.breaker.available(orders.now));
  CHECK_FALSE(orders.probe());
  orders.succeed();
}

TEST_CASE("a probe that fails opens it again for longer, and one that ends neutral gives its slot back") {
  ProbedBreaker orders;
  orders.wait_out();
  for (int i = 0; i < 5; ++i) orders.probe()->neutral(orders.now);
  CHECK(orders.state() == State::half_open);
  orders.probe()->failure(FailureKind::status, orders.now);
  CHECK(orders.state() == State::open);
  CHECK(orders.seen().open_remaining == 60s);
  CHECK_FALSE(orders.probe());
}

TEST_CASE("there is no probe before the interval is over, beyond the slots, under an override and while disabled") {
  ProbedBreaker orders;
  CHECK_FALSE(orders.probe());
  orders.wait_out();
  orders.breaker.force_open(orders.now, 1s);
  CHECK_FALSE(orders.probe());
  CHECK(orders.state() == State::open);
  orders.breaker.force_closed(orders.now);
  CHECK_FALSE(orders.probe());
  orders.breaker.release(orders.now);
  std::vector<std::optional<Permit>> slots;
  for (int i = 0; i < 3; ++i) slots.push_back(orders.probe());
  CHECK(slots.back());
  CHECK_FALSE(orders.probe());
  config::CircuitBreaker off = probed();
  off.mode = config::Mode::disabled;
  orders.breaker.reconfigure(off, orders.now);
  CHECK_FALSE(orders.probe());
}

TEST_CASE("probes that hang for max_half_open open it again") {
  ProbedBreaker orders;
  orders.wait_out();
  std::vector<std::optional<Permit>> slots;
  for (int i = 0; i < 3; ++i) slots.push_back(orders.probe());
  orders.now += 59'999ms;
  CHECK_FALSE(orders.probe());
  CHECK(orders.state() == State::half_open);
  orders.now += 1ms;
  CHECK_FALSE(orders.probe());
  CHECK(orders.state() == State::open);
  CHECK(orders.seen().last_trip->reason == Reason::half_open_timeout);
}

TEST_CASE("in shadow mode calls go through, and the probes alone decide") {
  config::CircuitBreaker config = probed();
  config.mode = config::Mode::shadow;
  ProbedBreaker orders(config);
  orders.wait_out();
  auto call = orders.must_admit();
  CHECK(call.unjudged());
  CHECK(orders.state() == State::open);
  for (int i = 0; i < 3; ++i) orders.probe()->success(orders.now);
  CHECK(orders.state() == State::closed);
}

TEST_CASE("a reload to the proxy's own probes, and back, takes effect at the next call") {
  ProbedBreaker orders;
  orders.wait_out();
  CHECK_FALSE(orders.admit());
  config::CircuitBreaker traffic = probed();
  traffic.recovery.probe = {};
  orders.breaker.reconfigure(traffic, orders.now);
  auto trial = orders.must_admit();
  CHECK(orders.state() == State::half_open);
  orders.breaker.reconfigure(probed(), orders.now);
  CHECK(orders.reject().by == RejectedBy::half_open);
  trial.success(orders.now);
  for (int i = 0; i < 2; ++i) orders.probe()->success(orders.now);
  CHECK(orders.state() == State::closed);
}

TEST_CASE("a program without the proxy probes for itself") {
  Time now{1h};
  CircuitBreaker orders("orders", probed(), [&] { return now; });
  CHECK_FALSE(orders.try_acquire_probe());
  std::get<Call>(orders.try_acquire()).failure();
  now += 30s;
  CHECK(std::holds_alternative<Rejection>(orders.try_acquire()));
  for (int i = 0; i < 3; ++i) orders.try_acquire_probe()->success();
  CHECK(orders.state() == State::closed);
}

TEST_CASE("a trip says what kind of failure has decided it") {
  PlayedBreaker orders(only_consecutive(2));
  orders.must_admit().failure(FailureKind::status, orders.now);
  orders.must_admit().failure(FailureKind::connect_error, orders.now);
  CHECK(orders.seen().last_trip->failure == FailureKind::connect_error);
  orders.wait_out();
  orders.must_admit().failure(FailureKind::timeout, orders.now);
  CHECK(orders.seen().last_trip->failure == FailureKind::timeout);
}

TEST_CASE("a trip that slowness or a success has decided has no kind of failure") {
  PlayedBreaker slow(only_slow(0.5, 1));
  slow.slow();
  CHECK(slow.state() == State::open);
  CHECK_FALSE(slow.seen().last_trip->failure);
  PlayedBreaker rate(only_rate(0.5, 2));
  rate.fail();
  rate.succeed();
  CHECK(rate.state() == State::open);
  CHECK_FALSE(rate.seen().last_trip->failure);
}

}  // namespace
}  // namespace fusewire::breaker::testing

// SPDX-License-Identifier: Apache-2.0
// What is injected into an attempt: by chance, and for a time.
#include "filters/fault/fault_filter.hpp"

#include <doctest/doctest.h>

#include "filters/attempt_chain.hpp"
#include "filters/balance/random.hpp"
#include "tests/unit/filters/scene.hpp"

using namespace fusewire;
using namespace fusewire::test;
using fault::decide;
using fault::Fault;
using fault::Injected;

namespace {

constexpr std::uint32_t kHighest = UINT32_MAX;

Fault lasting(Time::duration span) {
  Fault fault;
  fault.since = kStart;
  fault.until = kStart + span;
  return fault;
}

struct FaultScene : Scene {
  FaultScene() { context.faults = &injector; }

  Injected begun_at(Time now) {
    x.injected = {};
    Reply reply;
    CHECK(proceeds(FaultFilter(context).on_endpoint(call, x, reply, now)));
    return x.injected;
  }

  fault::Injector injector;
  ChainContext context;
};

}  // namespace

TEST_CASE("a fault of 100 % is drawn by every draw, one of a share by the lowest draws") {
  Fault fault;
  fault.delay = 2s;
  fault.abort = 503;
  CHECK(decide(fault, 0, kHighest) == Injected{2000, 503});
  CHECK(decide(fault, kHighest, 0) == Injected{2000, 503});
  fault.delay_percent = 50;
  fault.abort_percent = 25;
  CHECK(decide(fault, (1U << 31) - 1, (1U << 30) - 1) == Injected{2000, 503});
  CHECK(decide(fault, 1U << 31, (1U << 30) - 1) == Injected{0, 503});
  CHECK(decide(fault, (1U << 31) - 1, 1U << 30) == Injected{2000, 0});
}

TEST_CASE("a share below one draw is still drawn") {
  Fault fault;
  fault.abort = fault::kReset;
  fault.abort_percent = 1e-12;
  CHECK(decide(fault, 0, 0).aborts());
  CHECK_FALSE(decide(fault, 0, 1).any());
}

TEST_CASE("an attempt is left alone where its upstream has no fault, and where no upstream could have one") {
  FaultScene scene;
  CHECK_FALSE(scene.begun_at(kStart).any());
  Reply reply;
  CHECK(proceeds(FaultFilter(ChainContext{}).on_endpoint(scene.call, scene.x, reply, kStart)));
  CHECK_FALSE(scene.x.injected.any());
}

TEST_CASE("a fault is injected until its end, and not at it") {
  FaultScene scene;
  Fault fault = lasting(10min);
  fault.abort = 503;
  scene.injector.set(fault);
  CHECK(scene.begun_at(kStart).abort == 503);
  CHECK(scene.begun_at(kStart + 10min - 1ns).abort == 503);
  CHECK_FALSE(scene.begun_at(kStart + 10min).any());
  CHECK_FALSE(scene.injector.view(kStart + 10min).has_value());
}

TEST_CASE("one whose time is over is taken away once, an earlier look leaves it") {
  fault::Injector injector;
  CHECK_FALSE(injector.clear_over(kStart).has_value());
  injector.set(lasting(1s));
  CHECK_FALSE(injector.clear_over(kStart + 999ms).has_value());
  CHECK(injector.is_on());
  CHECK(injector.clear_over(kStart + 1s).has_value());
  CHECK_FALSE(injector.is_on());
  CHECK_FALSE(injector.clear_over(kStart + 2s).has_value());
}

TEST_CASE("a further fault replaces the one before as a whole") {
  FaultScene scene;
  Fault first = lasting(1min);
  first.delay = 1s;
  scene.injector.set(first);
  Fault second = lasting(1min);
  second.abort = 500;
  scene.injector.set(second);
  CHECK(scene.begun_at(kStart) == Injected{0, 500});
  CHECK(scene.injector.clear()->abort == 500);
  CHECK_FALSE(scene.begun_at(kStart).any());
}

TEST_CASE("a share of attempts is hit, delays and aborts independently of one another") {
  FaultScene scene;
  Fault fault = lasting(1min);
  fault.delay = 1s;
  fault.delay_percent = 50;
  fault.abort = 503;
  fault.abort_percent = 10;
  scene.injector.set(fault);
  balance::Random random(7);
  int delayed = 0;
  int aborted = 0;
  int both = 0;
  for (int i = 0; i < 10'000; ++i) {
    scene.request_context.random = random.next();
    const Injected injected = scene.begun_at(kStart);
    delayed += injected.delays();
    aborted += injected.aborts();
    both += injected.delays() && injected.aborts();
  }
  CHECK(std::abs(delayed - 5000) < 250);
  CHECK(std::abs(aborted - 1000) < 150);
  CHECK(std::abs(both - 500) < 110);
}

TEST_CASE("the attempts of one request are drawn for one by one") {
  FaultScene scene;
  Fault fault = lasting(1min);
  fault.abort = 503;
  fault.abort_percent = 50;
  scene.injector.set(fault);
  int aborted = 0;
  for (int i = 0; i < 200; ++i) aborted += scene.begun_at(kStart + std::chrono::microseconds(i)).aborts();
  CHECK(aborted > 60);
  CHECK(aborted < 140);
}

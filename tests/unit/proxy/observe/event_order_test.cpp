// SPDX-License-Identifier: Apache-2.0
#include "proxy/observe/event_order.hpp"

#include <doctest/doctest.h>

#include <latch>
#include <thread>
#include <vector>

#include "filters/breaker/core/breaker.hpp"

using namespace fusewire;
using namespace fusewire::proxy;
using breaker::Event;
using breaker::State;

namespace {

using Generations = std::vector<std::uint32_t>;

Event of(std::uint32_t generation, Event::Kind kind = Event::Kind::transition) {
  Event event;
  event.kind = kind;
  event.generation = generation;
  return event;
}

Generations delivered(EventOrder& order, const Generations& brought) {
  Generations result;
  for (const auto generation : brought)
    order.bring(of(generation), [&](const Event& event) { result.push_back(event.generation); });
  return result;
}

}  // namespace

TEST_CASE("events of a breaker are delivered in the order of its generations, however they arrive") {
  EventOrder order;
  CHECK(delivered(order, {1, 2, 4}) == Generations{1, 2});
  CHECK(delivered(order, {5}).empty());
  CHECK(delivered(order, {3}) == Generations{3, 4, 5});
}

TEST_CASE("events that begin no generation are delivered at once") {
  EventOrder order;
  CHECK(delivered(order, {0, 1, 1, 2, 1}) == Generations{0, 1, 1, 2, 1});
}

TEST_CASE("an event that never comes does not hide the others") {
  EventOrder order;
  CHECK(delivered(order, {2, 3, 4, 5, 6, 7, 8, 9}).empty());
  CHECK(delivered(order, {10}) == Generations{2, 3, 4, 5, 6, 7, 8, 9, 10});
  CHECK(delivered(order, {11, 12}) == Generations{11, 12});
}

TEST_CASE("the order holds where generations begin again from 0") {
  const std::uint32_t last = breaker::kGenerationMask;
  EventOrder order(last - 1);
  CHECK(delivered(order, {0, last, 1}) == Generations{last, 0, 1});
}

// One thread wins a transition and is suspended before it can report it; meanwhile another one makes the next.
TEST_CASE("a transition that is reported late is still delivered before the one that followed it") {
  config::CircuitBreaker settings;
  settings.detection.consecutive_failures = fusewire::config::Consecutive{.threshold = 1};
  const breaker::Time now{};
  breaker::Breaker machine(settings, now, 1);
  EventOrder order;
  std::latch tripped(1);
  std::latch reset(1);
  std::vector<State> states;
  machine.listen(
      [&](const Event& event) {
        if (event.to == State::open) {
          tripped.count_down();
          reset.wait();
        }
        order.bring(event, [&](const Event& next) {
          if (next.kind == Event::Kind::transition) states.push_back(next.to);
        });
      },
      {});
  std::thread worker([&] {
    auto permit = machine.try_acquire(now);
    std::get<breaker::Permit>(permit).failure(breaker::FailureKind::other, now);
  });
  tripped.wait();
  machine.reset(now);
  CHECK(states.empty());
  reset.count_down();
  worker.join();
  CHECK(states == std::vector{State::open, State::closed});
}

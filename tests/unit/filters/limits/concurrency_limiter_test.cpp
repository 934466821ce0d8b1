// SPDX-License-Identifier: Apache-2.0
#include "filters/limits/concurrency_limiter.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace fusewire::limits {
namespace {

using Slot = ConcurrencyLimiter::Slot;
using Waiter = ConcurrencyLimiter::Waiter;

constexpr std::uint32_t kQueueSize = 8;

struct CountingWaker : Waker {
  int times = 0;
  void wake() noexcept override { ++times; }
};

// A request that waits: it has entered the queue, and its driver has handed over a waker.
struct Waiting {
  explicit Waiting(ConcurrencyLimiter& limiter, std::int32_t priority = 0, std::uint32_t limit = 1) : waiter(limiter) {
    entered = waiter.enter(limit, kQueueSize, priority);
    waits = waiter.await(waker);
  }

  std::shared_ptr<CountingWaker> waker = std::make_shared<CountingWaker>();
  Waiter waiter;
  bool entered = false;
  bool waits = false;
};

std::vector<Slot> take(ConcurrencyLimiter& limiter, std::uint32_t limit, std::uint32_t count) {
  std::vector<Slot> slots;
  for (std::uint32_t i = 0; i < count; ++i) slots.push_back(std::move(limiter.try_acquire(limit).value()));
  return slots;
}

TEST_CASE("slots are taken up to the limit, and are there again once they are freed") {
  ConcurrencyLimiter limiter;
  auto slots = take(limiter, 3, 3);
  CHECK(limiter.in_use() == 3);
  CHECK_FALSE(limiter.try_acquire(3));
  slots.pop_back();
  CHECK(limiter.in_use() == 2);
  CHECK(limiter.try_acquire(3));
  slots.clear();
  CHECK(limiter.in_use() == 0);
}

TEST_CASE("where the limit has been raised a new request has those that wait go on, and finds a slot itself") {
  ConcurrencyLimiter limiter;
  const auto held = take(limiter, 1, 1);
  const Waiting first(limiter), second(limiter);
  REQUIRE(first.waits);
  REQUIRE(second.waits);
  CHECK_FALSE(limiter.try_acquire(2));  // it is one of theirs
  CHECK(first.waker->times == 1);
  CHECK(second.waker->times == 0);
  CHECK(limiter.try_acquire(5));
  CHECK(second.waker->times == 1);
}

TEST_CASE("a slot is given back once, wherever it was moved to") {
  ConcurrencyLimiter limiter;
  auto slots = take(limiter, 5, 3);
  Slot moved = std::move(slots[0]);
  slots[0].release();
  CHECK(limiter.in_use() == 3);
  slots[1] = std::move(moved);
  CHECK(limiter.in_use() == 2);
  slots[1].release();
  slots[1].release();
  slots.clear();
  CHECK(limiter.in_use() == 0);
}

TEST_CASE("a slot knows how many were in flight when it was taken") {
  ConcurrencyLimiter limiter;
  const auto slots = take(limiter, 2, 2);
  CHECK(slots[0].in_flight() == 1);
  CHECK(slots[1].in_flight() == 2);
}

TEST_CASE("a freed slot is handed over to the one that waits, which is woken once") {
  ConcurrencyLimiter limiter;
  auto slots = take(limiter, 1, 1);
  Waiting one(limiter);
  REQUIRE(one.entered);
  REQUIRE(one.waits);
  CHECK(limiter.waiting() == 1);
  CHECK_FALSE(one.waiter.take());
  slots.clear();
  CHECK(one.waker->times == 1);
  CHECK(limiter.in_use() == 1);
  CHECK(limiter.waiting() == 0);
  auto slot = one.waiter.take();
  REQUIRE(slot);
  CHECK(slot->in_flight() == 1);
  slot->release();
  CHECK(limiter.in_use() == 0);
  CHECK(one.waker->times == 1);
}

TEST_CASE("who enters where a slot is free has it at once") {
  ConcurrencyLimiter limiter;
  Waiting one(limiter);
  CHECK(one.entered);
  CHECK_FALSE(one.waits);
  CHECK(limiter.waiting() == 0);
  CHECK(one.waiter.take());
}

TEST_CASE("a slot that comes before the waker does is not missed") {
  ConcurrencyLimiter limiter;
  auto slots = take(limiter, 1, 1);
  Waiter waiter(limiter);
  REQUIRE(waiter.enter(1, kQueueSize, 0));
  slots.clear();
  CHECK_FALSE(waiter.await(std::make_shared<CountingWaker>()));
  CHECK(waiter.take());
}

TEST_CASE("the highest priority goes first, the oldest first within") {
  ConcurrencyLimiter limiter;
  auto slots = take(limiter, 1, 1);
  Waiting low(limiter, -1), first(limiter, 0), second(limiter, 0), high(limiter, 7);
  slots.clear();
  for (Waiting* next : {&high, &first, &second, &low}) {
    CHECK(next->waker->times == 1);
    CHECK(next->waiter.take());  // and given back
  }
  CHECK(limiter.in_use() == 0);
  CHECK(limiter.waiting() == 0);
}

TEST_CASE("nobody overtakes those that wait") {
  ConcurrencyLimiter limiter;
  auto slots = take(limiter, 2, 2);
  Waiting one(limiter, 0, 2);
  CHECK_FALSE(limiter.try_acquire(2));
  slots.pop_back();
  CHECK_FALSE(limiter.try_acquire(2));
  CHECK(one.waker->times == 1);
}

TEST_CASE("a full queue takes nobody, and none is nobody's") {
  ConcurrencyLimiter limiter;
  const auto slots = take(limiter, 1, 1);
  Waiter first(limiter), second(limiter), third(limiter), none(limiter);
  CHECK_FALSE(none.enter(1, 0, 0));
  CHECK(first.enter(1, 2, 0));
  CHECK(second.enter(1, 2, 0));
  CHECK_FALSE(third.enter(1, 2, 99));
  CHECK_FALSE(third.await(std::make_shared<CountingWaker>()));
  CHECK_FALSE(third.take());
  CHECK(limiter.waiting() == 2);
}

TEST_CASE("who leaves is out of the queue") {
  ConcurrencyLimiter limiter;
  auto slots = take(limiter, 1, 1);
  auto leaver = std::make_unique<Waiting>(limiter);
  Waiting next(limiter);
  const auto waker = leaver->waker;
  leaver.reset();
  CHECK(limiter.waiting() == 1);
  slots.clear();
  CHECK(waker->times == 0);
  CHECK(waker.use_count() == 1);
  CHECK(next.waiter.take());
}

TEST_CASE("who leaves just as it is granted a slot gives it to the next") {
  ConcurrencyLimiter limiter;
  auto slots = take(limiter, 1, 1);
  auto leaver = std::make_unique<Waiting>(limiter);
  Waiting next(limiter);
  slots.clear();
  CHECK(leaver->waker->times == 1);
  leaver.reset();
  CHECK(next.waker->times == 1);
  CHECK(next.waiter.take());
  CHECK(limiter.in_use() == 0);
}

TEST_CASE("a lower limit is reached as slots are freed: none is handed over above it") {
  ConcurrencyLimiter limiter;
  auto slots = take(limiter, 3, 3);
  Waiting one(limiter, 0, 1);
  slots.pop_back();
  slots.pop_back();
  CHECK(one.waker->times == 0);
  CHECK(limiter.in_use() == 1);
  slots.pop_back();
  CHECK(one.waker->times == 1);
  CHECK(limiter.in_use() == 1);
}

TEST_CASE("a higher limit has the whole queue served by the next request that comes") {
  ConcurrencyLimiter limiter;
  const auto held = take(limiter, 1, 1);
  Waiting first(limiter), second(limiter);
  Waiting third(limiter, 0, 5);
  CHECK(first.waker->times == 1);
  CHECK(second.waker->times == 1);
  CHECK(limiter.waiting() == 0);
  CHECK(third.waiter.take());
  CHECK(limiter.try_acquire(5));
}

TEST_CASE("a request that needs no queue leaves nothing behind") {
  ConcurrencyLimiter limiter;
  { Waiter unused(limiter); }
  { Waiting granted(limiter); }
  CHECK(limiter.in_use() == 0);
  CHECK(limiter.waiting() == 0);
}

}  // namespace
}  // namespace fusewire::limits

// SPDX-License-Identifier: Apache-2.0
// Several threads on one concurrency limiter and one token bucket. Run under TSan.
#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <memory>
#include <optional>
#include <random>
#include <thread>
#include <vector>

#include "filters/limits/concurrency_limiter.hpp"
#include "filters/limits/token_bucket.hpp"

namespace fusewire::limits {
namespace {

using Slot = ConcurrencyLimiter::Slot;
using Waiter = ConcurrencyLimiter::Waiter;

constexpr unsigned kThreads = 8;
constexpr int kRequests = 20'000;

template <class Work>
void on_all_threads(Work work) {
  std::vector<std::jthread> threads;
  for (unsigned id = 0; id < kThreads; ++id) threads.emplace_back([&work, id] { work(id); });
}

struct FlagWaker : Waker {
  std::atomic<int> times{0};
  void wake() noexcept override {
    ++times;
    times.notify_one();
  }
};

// What must hold at every instant, as those see it that hold a slot.
struct Seen {
  std::atomic<std::uint32_t> holders{0};
  std::atomic<std::uint32_t> most{0};
  std::atomic<int> served{0}, refused{0}, left{0}, wrong{0};

  void use(Slot slot, std::minstd_rand& random) {
    const std::uint32_t now = ++holders;
    std::uint32_t before = most.load();
    while (before < now && !most.compare_exchange_weak(before, now)) {
    }
    if (random() % 8 == 0) std::this_thread::yield();
    --holders;
    slot.release();
    ++served;
  }
};

// One request: it takes a slot, or waits for one, and now and then leaves before it has come.
void ask(ConcurrencyLimiter& limiter, Seen& seen, std::uint32_t limit, std::uint32_t queue, std::minstd_rand& random) {
  if (auto slot = limiter.try_acquire(limit)) return seen.use(std::move(*slot), random);
  Waiter waiter(limiter);
  if (!waiter.enter(limit, queue, static_cast<std::int32_t>(random() % 3))) return void(++seen.refused);
  const auto waker = std::make_shared<FlagWaker>();
  if (waiter.await(waker)) {
    if (random() % 4 == 0) {
      ++seen.left;
      return;
    }
    waker->times.wait(0);  // a lost wake-up is a test that never ends
  }
  auto slot = waiter.take();
  if (!slot || waker->times > 1) ++seen.wrong;
  if (slot) seen.use(std::move(*slot), random);
}

TEST_CASE("the limit is never exceeded, nobody waits for ever, and nothing is left in the end") {
  constexpr std::uint32_t kLimit = 3;
  ConcurrencyLimiter limiter;
  Seen seen;
  on_all_threads([&](unsigned id) {
    std::minstd_rand random(id + 1);
    for (int i = 0; i < kRequests; ++i) ask(limiter, seen, kLimit, 4, random);
  });
  CHECK(seen.wrong == 0);
  CHECK(seen.most <= kLimit);
  CHECK(seen.served + seen.refused + seen.left == static_cast<int>(kThreads) * kRequests);
  CHECK(seen.left > 0);
  CHECK(limiter.in_use() == 0);
  CHECK(limiter.waiting() == 0);
  CHECK(limiter.try_acquire(1));
}

TEST_CASE("a limit that changes all the time loses no slot and wakes all that wait") {
  constexpr std::uint32_t kHighest = 5;
  ConcurrencyLimiter limiter;
  Seen seen;
  on_all_threads([&](unsigned id) {
    std::minstd_rand random(id + 100);
    for (int i = 0; i < kRequests; ++i)
      ask(limiter, seen, 1 + static_cast<std::uint32_t>(random() % kHighest), kThreads, random);
  });
  CHECK(seen.wrong == 0);
  CHECK(seen.refused == 0);
  CHECK(seen.most <= kHighest);
  CHECK(seen.served + seen.left == static_cast<int>(kThreads) * kRequests);
  CHECK(limiter.in_use() == 0);
  CHECK(limiter.waiting() == 0);
}

TEST_CASE("no token is given twice, to any of the threads") {
  TokenBucket bucket;
  const Rate rate{.requests_per_second = 1'000'000, .burst = 1000};
  const auto time = [](std::int64_t us) { return Time{std::chrono::hours{1}} + std::chrono::microseconds{us}; };
  CHECK_FALSE(bucket.try_take(rate, time(0)));
  std::atomic<std::uint64_t> taken{1};
  std::atomic<std::int64_t> shared_now{0};
  on_all_threads([&](unsigned) {
    for (int i = 0; i < kRequests; ++i)
      if (!bucket.try_take(rate, time(i % 8 == 0 ? ++shared_now : shared_now.load()))) ++taken;
  });
  const auto all = 1000 + static_cast<std::uint64_t>(shared_now);
  CHECK(taken <= all);
  CHECK(bucket.available(rate, time(shared_now)) == all - taken);
}

}  // namespace
}  // namespace fusewire::limits

// SPDX-License-Identifier: Apache-2.0
#include "filters/limits/token_bucket.hpp"

#include <doctest/doctest.h>

#include <optional>
#include <thread>
#include <vector>

namespace fusewire::limits {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;

constexpr Time kStart{std::chrono::hours{7}};

std::uint64_t take_all(TokenBucket& bucket, const Rate& rate, Time now) {
  std::uint64_t taken = 0;
  while (!bucket.try_take(rate, now)) ++taken;
  return taken;
}

// Asks every `step`, until `end`.
std::uint64_t take_until(TokenBucket& bucket, const Rate& rate, Time from, Time end, nanoseconds step) {
  std::uint64_t taken = 0;
  for (Time now = from; now < end; now += step)
    if (!bucket.try_take(rate, now)) ++taken;
  return taken;
}

TEST_CASE("a new bucket is full: it has its burst, and then one token each interval") {
  TokenBucket bucket;
  const Rate rate{.requests_per_second = 10, .burst = 3};
  CHECK(bucket.available(rate, kStart) == 3);
  CHECK(take_all(bucket, rate, kStart) == 3);
  CHECK(bucket.available(rate, kStart) == 0);
  CHECK(bucket.try_take(rate, kStart + 99ms));
  CHECK_FALSE(bucket.try_take(rate, kStart + 100ms));
  CHECK(bucket.try_take(rate, kStart + 100ms));
  CHECK_FALSE(bucket.try_take(rate, kStart + 200ms));
}

TEST_CASE("who is refused hears how long it takes until there is a token") {
  TokenBucket bucket;
  const Rate rate{.requests_per_second = 10, .burst = 1};
  CHECK_FALSE(bucket.try_take(rate, kStart));
  CHECK(bucket.try_take(rate, kStart) == 100ms);
  CHECK(bucket.try_take(rate, kStart + 30ms) == 70ms);
  const auto wait = bucket.try_take(rate, kStart + 99ms + 999us);
  REQUIRE(wait);
  CHECK_FALSE(bucket.try_take(rate, kStart + 99ms + 999us + *wait));
}

TEST_CASE("a refusal costs nothing") {
  TokenBucket bucket;
  const Rate rate{.requests_per_second = 1, .burst = 1};
  CHECK_FALSE(bucket.try_take(rate, kStart));
  for (int i = 0; i < 1000; ++i) CHECK(bucket.try_take(rate, kStart + 500ms));
  CHECK_FALSE(bucket.try_take(rate, kStart + 1s));
}

TEST_CASE("one request in ten seconds") {
  TokenBucket bucket;
  const Rate rate{.requests_per_second = 0.1, .burst = 1};
  CHECK(take_until(bucket, rate, kStart, kStart + 100s, 250ms) == 10);
  CHECK_FALSE(bucket.try_take(rate, kStart + 100s));
  CHECK(bucket.try_take(rate, kStart + 100s) == 10s);
}

TEST_CASE("a million requests a second") {
  TokenBucket bucket;
  const Rate rate{.requests_per_second = 1'000'000, .burst = 100};
  CHECK(take_all(bucket, rate, kStart) == 100);
  CHECK(take_until(bucket, rate, kStart, kStart + 1s, 250ns) == 999'999);
  CHECK(bucket.try_take(rate, kStart + 1s - 250ns) == 250ns);
}

TEST_CASE("a rate whose interval is no whole nanosecond is kept to 0.01 %, and never exceeded") {
  TokenBucket bucket;
  const Rate rate{.requests_per_second = 700'000, .burst = 2};
  const std::uint64_t taken = take_until(bucket, rate, kStart, kStart + 1s, 100ns);
  CHECK(taken <= 700'001);
  CHECK(taken >= 699'930);
}

TEST_CASE("a pause of days fills the bucket to its burst and no further") {
  for (const double rps : {0.1, 100.0, 1e6}) {
    CAPTURE(rps);
    TokenBucket bucket;
    const Rate rate{.requests_per_second = rps, .burst = 50};
    const Time later = kStart + std::chrono::hours{24 * 30};
    take_all(bucket, rate, kStart);
    CHECK(bucket.available(rate, later) == 50);
    CHECK(take_all(bucket, rate, later) == 50);
  }
}

TEST_CASE("a thread whose time lags behind gets no token too many, and takes none from the others") {
  TokenBucket bucket;
  const Rate rate{.requests_per_second = 100, .burst = 10};
  CHECK(take_all(bucket, rate, kStart) == 10);
  CHECK(bucket.try_take(rate, kStart - 20ms) == 30ms);
  CHECK(take_all(bucket, rate, kStart + 20ms) == 2);
  CHECK(take_all(bucket, rate, kStart + 5ms) == 0);
  CHECK(take_all(bucket, rate, kStart + 30ms) == 1);
}

TEST_CASE("a thread whose time lags behind takes tokens that are there") {
  TokenBucket bucket;
  const Rate rate{.requests_per_second = 100, .burst = 3};
  CHECK_FALSE(bucket.try_take(rate, kStart));
  CHECK_FALSE(bucket.try_take(rate, kStart - 1ms));
  CHECK_FALSE(bucket.try_take(rate, kStart));
  CHECK(bucket.try_take(rate, kStart) == 10ms);
}

TEST_CASE("a higher rate holds a second after the reload, whatever was taken at the lower one") {
  TokenBucket bucket;
  const Rate before{.requests_per_second = 0.1, .burst = 100}, after{.requests_per_second = 1000, .burst = 10};
  CHECK(take_all(bucket, before, kStart) == 100);
  CHECK(bucket.try_take(after, kStart));
  CHECK(take_all(bucket, after, kStart + 1s + 10ms) == 10);
}

TEST_CASE("a lower rate holds at once after the reload") {
  TokenBucket bucket;
  const Rate before{.requests_per_second = 1000, .burst = 1000}, after{.requests_per_second = 1, .burst = 3};
  CHECK(take_all(bucket, before, kStart) == 1000);
  CHECK(take_until(bucket, after, kStart, kStart + 60s, 100ms) <= 62);
}

TEST_CASE("a burst that would take longer than two years to come together is cut, not broken") {
  TokenBucket bucket;
  const Rate rate{.requests_per_second = 1e-9, .burst = 4'000'000'000};
  CHECK_FALSE(bucket.try_take(rate, kStart));
  CHECK(bucket.try_take(rate, kStart + std::chrono::hours{24}));
  const Rate slow{.requests_per_second = 0.001, .burst = 1'000'000};
  TokenBucket other;
  CHECK(other.available(slow, kStart) > 70'000);
  CHECK_FALSE(other.try_take(slow, kStart));
}

TEST_CASE("the limit is exact over all threads, each of which is at another time") {
  TokenBucket bucket;
  const Rate rate{.requests_per_second = 10'000, .burst = 500};
  const Time end = kStart + 900ms;
  std::atomic<std::uint64_t> taken{0};
  {
    std::vector<std::jthread> threads;
    for (int id = 0; id < 4; ++id) threads.emplace_back([&] { taken += take_until(bucket, rate, kStart, end, 20us); });
  }
  CHECK(taken + take_all(bucket, rate, end) == 500 + 9000);
}

}  // namespace
}  // namespace fusewire::limits

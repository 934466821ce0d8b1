// SPDX-License-Identifier: Apache-2.0
#include "filters/timeout/latency_scale.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "tests/unit/filters/latencies.hpp"

using namespace fusewire::latency_scale;
using namespace fusewire::test;
using namespace std::chrono_literals;

TEST_CASE("from 0.1 ms to hours no latency is further than 1/32 from the middle of its bucket") {
  std::mt19937_64 random(1);
  for (int i = 0; i < 200'000; ++i) {
    const nanoseconds latency = any_latency(random);
    const double error = std::abs(ms(middle_of(bucket_of(latency))) / ms(latency) - 1);
    if (error > 1.0 / 32) FAIL(ms(latency), " ms: ", error);
  }
}

TEST_CASE("each bucket holds its middle, and the next one begins where it ends") {
  for (std::size_t bucket = 0; bucket < kBuckets; ++bucket) {
    REQUIRE(bucket_of(middle_of(bucket)) == bucket);
    if (bucket > 0) REQUIRE(middle_of(bucket) > middle_of(bucket - 1));
  }
  std::size_t before = 0;
  for (std::int64_t tick = 0; tick < 100'000; ++tick) {
    const std::size_t bucket = bucket_of(nanoseconds(tick * 6250));
    REQUIRE(bucket - before <= 1);
    before = bucket;
  }
}

TEST_CASE("what is off the scale is in its first or its last bucket") {
  CHECK(bucket_of(-1h) == 0);
  CHECK(bucket_of(0ns) == 0);
  CHECK(bucket_of(13'421s) == kBuckets - 1);
  CHECK(bucket_of(nanoseconds::max()) == kBuckets - 1);
  CHECK(bucket_not_below(nanoseconds::max()) == kBuckets - 1);
}

TEST_CASE("the bucket not below a latency is the first one whose middle is not") {
  std::mt19937_64 random(2);
  for (int i = 0; i < 100'000; ++i) {
    const nanoseconds latency = any_latency(random);
    const std::size_t bucket = bucket_not_below(latency);
    REQUIRE(middle_of(bucket) >= latency);
    REQUIRE(middle_of(bucket - 1) < latency);
  }
}

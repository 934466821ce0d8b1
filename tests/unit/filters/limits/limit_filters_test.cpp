// SPDX-License-Identifier: Apache-2.0
// limits.rate, limits.max_concurrent_requests and limits.queue, as filters of a call.
#include <doctest/doctest.h>

#include "filters/breaker/core/breaker.hpp"
#include "filters/limits/concurrency_filter.hpp"
#include "filters/limits/limits_state.hpp"
#include "filters/limits/rate_filter.hpp"
#include "tests/unit/filters/scene.hpp"

using namespace fusewire;
using namespace fusewire::test;

namespace {

struct Woken final : Waker {
  void wake() noexcept override { ++times; }
  int times = 0;
};

struct Limited : Scene {
  breaker::Breaker breaker{config::CircuitBreaker{}, kStart, 1};
  limits::LimitsState limits{"orders"};
  limits::ConcurrencyLimiter& limiter = limits.limiter;
  limits::TokenBucket& bucket = limits.token_bucket;
  ChainContext context;

  Limited() {
    context.breaker = &breaker;
    context.limits = &limits;
    upstream.limits.max_concurrent_requests = 1;
    upstream.limits.queue = config::Queue{.size = 2, .timeout = 1s};
  }
};

}  // namespace

TEST_CASE_FIXTURE(Limited, "a request without a token is answered 429, with the time until there is one") {
  upstream.limits.rate = config::Rate{.requests_per_second = 2, .burst = 1};
  RateFilter filter(context);
  CHECK_FALSE(own_reply(filter, call, kStart));
  const auto reply = own_reply(filter, call, kStart);
  REQUIRE(reply);
  CHECK(reply->problem == Problem::rate_limited);
  CHECK(reply->status == 429);
  CHECK(reply->retry_after == 500ms);
  CHECK(call.has(Flag::rate_limited));
  CHECK(x.outcome == Outcome::local);
  CHECK_FALSE(own_reply(filter, call, kStart + 500ms));
}

TEST_CASE_FIXTURE(Limited, "what the breaker rejects takes no token, no slot and no place in the queue") {
  upstream.limits.rate = config::Rate{.requests_per_second = 0.001, .burst = 1};
  SUBCASE("the upstream's") { breaker.force_open(kStart); }
  SUBCASE("those of all endpoints") { call.endpoint_available = false; }
  RateFilter rate(context);
  ConcurrencyFilter filter(context);
  for (int i = 0; i < 3; ++i) {
    CHECK(proceeds(step_of(rate, call, kStart)));
    CHECK(proceeds(step_of(filter, call, kStart)));
  }
  CHECK(limiter.in_use() == 0);
  CHECK(bucket.available({.requests_per_second = 0.001, .burst = 1}, kStart) == 1);
}

TEST_CASE_FIXTURE(Limited, "a slot is held until all that the call had of its upstream is released") {
  ConcurrencyFilter filter(context);
  CHECK(proceeds(step_of(filter, call, kStart)));
  CHECK(limiter.in_use() == 1);
  filter.on_done(call, kStart);
  CHECK(limiter.in_use() == 1);
  filter.on_released();
  CHECK(limiter.in_use() == 0);
}

TEST_CASE_FIXTURE(Limited, "without a queue a request beyond the limit is refused, and is no call") {
  upstream.limits.queue.reset();
  ConcurrencyFilter first(context), second(context);
  CHECK(proceeds(step_of(first, call, kStart)));
  const auto reply = own_reply(second, call, kStart);
  REQUIRE(reply);
  CHECK(reply->problem == Problem::concurrency_limit);
  CHECK(call.has(Flag::upstream_full));
}

TEST_CASE_FIXTURE(Limited, "in the queue it waits for a slot, which it has as soon as one is free") {
  ConcurrencyFilter second(context);
  {
    ConcurrencyFilter first(context);
    CHECK(proceeds(step_of(first, call, kStart)));
    const Step step = step_of(second, call, kStart);
    REQUIRE(waits(step));
    CHECK(std::get<Wait>(step).until == kStart + 1s);
    const auto waker = std::make_shared<Woken>();
    CHECK(std::get<Wait>(step).what->await(waker));
    first.on_released();
    CHECK(waker->times == 1);
  }
  CHECK(proceeds(step_of(second, call, kStart + 10ms)));
  CHECK(limiter.in_use() == 1);
}

TEST_CASE_FIXTURE(Limited, "it waits no longer than its deadline, and then is refused as late") {
  ConcurrencyFilter first(context), second(context);
  CHECK(proceeds(step_of(first, call, kStart)));
  request.fields = make_fields({{"x-request-timeout-ms", "300"}});
  const Step step = step_of(second, call, kStart);
  REQUIRE(waits(step));
  CHECK(std::get<Wait>(step).until == kStart + 300ms);
  const auto reply = own_reply(second, call, kStart + 300ms);
  REQUIRE(reply);
  CHECK(reply->problem == Problem::queue_timeout);
  CHECK(reply->status == 503);
  CHECK(limiter.waiting() == 0);
}

TEST_CASE_FIXTURE(Limited, "a full queue refuses, and one that leaves makes room") {
  ConcurrencyFilter first(context), fourth(context);
  CHECK(proceeds(step_of(first, call, kStart)));
  {
    ConcurrencyFilter second(context), third(context);
    CHECK(waits(step_of(second, call, kStart)));
    CHECK(waits(step_of(third, call, kStart)));
    const auto reply = own_reply(fourth, call, kStart);
    REQUIRE(reply);
    CHECK(reply->detail == "upstream 'orders' has as many requests as it may have at once, and its queue is full");
  }
  CHECK(waits(step_of(fourth, call, kStart)));
}

TEST_CASE_FIXTURE(Limited, "the highest priority goes first") {
  upstream.limits.queue->priority_header = "x-priority";
  ConcurrencyFilter first(context), low(context), high(context);
  CHECK(proceeds(step_of(first, call, kStart)));
  CHECK(waits(step_of(low, call, kStart)));
  request.fields = make_fields({{"X-Priority", "7"}});
  CHECK(waits(step_of(high, call, kStart)));
  first.on_released();
  CHECK(proceeds(step_of(high, call, kStart)));
  CHECK(answers(step_of(low, call, kStart)));
}

TEST_CASE_FIXTURE(Limited, "a client that is not trusted has no priority of its own") {
  ConcurrencyFilter first(context), polite(context), pushy(context);
  CHECK(proceeds(step_of(first, call, kStart)));
  CHECK(waits(step_of(polite, call, kStart)));
  request.fields = make_fields({{"X-Priority", "7"}});
  request_context.deadline_trusted = false;
  CHECK(waits(step_of(pushy, call, kStart)));
  first.on_released();
  CHECK(proceeds(step_of(polite, call, kStart)));
}

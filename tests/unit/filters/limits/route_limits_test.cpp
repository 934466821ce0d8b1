// SPDX-License-Identifier: Apache-2.0
// The limits of a route beside those of its upstream, and the adaptive limit in a call.
#include <doctest/doctest.h>

#include <deque>
#include <memory>
#include <random>

#include "filters/breaker/core/breaker.hpp"
#include "filters/limits/adaptive_limit_filter.hpp"
#include "filters/limits/concurrency_filter.hpp"
#include "filters/limits/limits_state.hpp"
#include "filters/limits/rate_filter.hpp"
#include "tests/unit/filters/scene.hpp"

using namespace fusewire;
using namespace fusewire::test;

namespace {

constexpr config::Rate kRare{.requests_per_second = 0.001, .burst = 1};

struct Routed : Scene {
  breaker::Breaker breaker{config::CircuitBreaker{}, kStart, 1};
  limits::LimitsState of_upstream{"orders"};
  limits::LimitsState of_route{"orders/read"};
  config::RouteLimits route;
  ChainContext context;

  Routed() {
    context.breaker = &breaker;
    context.limits = &of_upstream;
    context.route_limits = &of_route;
    call.route_limits = &route;
  }
};

struct Woken final : Waker {
  void wake() noexcept override { ++times; }
  int times = 0;
};

}  // namespace

TEST_CASE_FIXTURE(Routed, "a request needs a token of its route and one of its upstream") {
  route.rate = kRare;
  RateFilter first(context);
  CHECK(proceeds(step_of(first, call, kStart)));
  const auto refused = own_reply(first, call, kStart);
  REQUIRE(refused);
  CHECK(refused->problem == Problem::rate_limited);
  CHECK(refused->detail == "route 'orders/read' gets as many requests as its rate limit lets through");
  CHECK(call.limited_by_route);
}

TEST_CASE_FIXTURE(Routed, "what the upstream's rate refuses costs the route nothing, and the other way round") {
  route.rate = config::Rate{.requests_per_second = 0.001, .burst = 2};
  upstream.limits.rate = kRare;
  RateFilter first(context);
  CHECK(proceeds(step_of(first, call, kStart)));
  RateFilter second(context);
  const auto refused = own_reply(second, call, kStart);
  REQUIRE(refused);
  CHECK(refused->detail.starts_with("upstream 'orders'"));
  CHECK_FALSE(call.limited_by_route);
  CHECK(of_route.token_bucket.available(*route.rate, kStart) == 1);
  route.rate = kRare;
  upstream.limits.rate = config::Rate{.requests_per_second = 0.001, .burst = 3};
  RateFilter third(context);
  CHECK(own_reply(third, call, kStart));
  CHECK(of_upstream.token_bucket.available(*upstream.limits.rate, kStart) == 2);
}

TEST_CASE_FIXTURE(Routed, "a call that did not reach the breaker's permit gives its tokens back, another does not") {
  route.rate = kRare;
  upstream.limits.rate = kRare;
  for (const bool permitted : {false, true}) {
    RateFilter filter(context);
    CHECK(proceeds(step_of(filter, call, kStart)));
    if (permitted) call.permitted = kStart;
    filter.on_done(call, kStart);
  }
  CHECK(of_route.token_bucket.available(kRare, kStart) == 0);
  CHECK(of_upstream.token_bucket.available(kRare, kStart) == 0);
}

TEST_CASE_FIXTURE(Routed, "a route's limit of requests at a time leaves the upstream to the others") {
  route.max_concurrent_requests = 1;
  ConcurrencyFilter first(context);
  CHECK(proceeds(step_of(first, call, kStart)));
  CHECK(call.route_in_flight == 1);
  CHECK(call.in_flight == 1);
  ConcurrencyFilter second(context);
  const auto refused = own_reply(second, call, kStart);
  REQUIRE(refused);
  CHECK(refused->problem == Problem::concurrency_limit);
  CHECK(refused->detail == "route 'orders/read' has as many requests as it may have at once");
  CHECK(call.limited_by_route);
  CHECK(of_upstream.limiter.in_use() == 1);
  first.on_released();
  CHECK(of_route.limiter.in_use() == 0);
  CHECK(of_upstream.limiter.in_use() == 0);
}

TEST_CASE_FIXTURE(Routed, "what the upstream's limit refuses gives the route's slot back at once") {
  route.max_concurrent_requests = 5;
  upstream.limits.max_concurrent_requests = 1;
  ConcurrencyFilter first(context);
  CHECK(proceeds(step_of(first, call, kStart)));
  ConcurrencyFilter second(context);
  const auto refused = own_reply(second, call, kStart);
  REQUIRE(refused);
  CHECK_FALSE(call.limited_by_route);
  CHECK(of_route.limiter.in_use() == 1);
}

TEST_CASE_FIXTURE(Routed, "a request waits in its route's queue and then in its upstream's, with the route's slot") {
  route.max_concurrent_requests = 1;
  route.queue = config::Queue{.size = 1, .timeout = 1s};
  upstream.limits.max_concurrent_requests = 1;
  upstream.limits.queue = config::Queue{.size = 1, .timeout = 1s};
  ConcurrencyFilter first(context);
  CHECK(proceeds(step_of(first, call, kStart)));
  ConcurrencyFilter second(context);
  Step step = step_of(second, call, kStart);
  REQUIRE(waits(step));
  const auto waker = std::make_shared<Woken>();
  REQUIRE(std::get<Wait>(step).what->await(waker));

  // Another route of the upstream takes the upstream's slot in between.
  ChainContext other_context = context;
  other_context.route_limits = nullptr;
  call.route_limits = nullptr;
  first.on_released();
  ConcurrencyFilter other(other_context);
  CHECK(proceeds(step_of(other, call, kStart)));
  call.route_limits = &route;

  CHECK(waker->times == 1);
  step = step_of(second, call, kStart + 10ms);
  REQUIRE(waits(step));
  CHECK(of_route.limiter.in_use() == 1);
  CHECK(of_upstream.limiter.waiting() == 1);
  SUBCASE("its slot comes") {
    other.on_released();
    CHECK(proceeds(step_of(second, call, kStart + 20ms)));
    CHECK(of_upstream.limiter.in_use() == 1);
    second.on_released();
  }
  SUBCASE("it waits in vain") {
    const auto refused = own_reply(second, call, kStart + 2s);
    REQUIRE(refused);
    CHECK(refused->problem == Problem::queue_timeout);
    CHECK_FALSE(call.limited_by_route);
    other.on_released();
  }
  CHECK(of_route.limiter.in_use() == 0);
  CHECK(of_upstream.limiter.in_use() == 0);
  CHECK(of_upstream.limiter.waiting() == 0);
}

TEST_CASE_FIXTURE(Routed,
                  "who has waited for the route's slot does not wait for the upstream's while the breaker is open") {
  route.max_concurrent_requests = 1;
  route.queue = config::Queue{.size = 1, .timeout = 1s};
  upstream.limits.max_concurrent_requests = 1;
  upstream.limits.queue = config::Queue{.size = 1, .timeout = 1s};
  ConcurrencyFilter first(context);
  CHECK(proceeds(step_of(first, call, kStart)));
  ConcurrencyFilter second(context);
  REQUIRE(waits(step_of(second, call, kStart)));
  context.breaker->force_open(kStart + 5ms);
  const auto all = of_upstream.limiter.try_acquire(1);
  first.on_released();
  CHECK(proceeds(step_of(second, call, kStart + 10ms)));  // to the breaker
  CHECK(of_upstream.limiter.waiting() == 0);
}

TEST_CASE_FIXTURE(Routed, "an adaptive limit holds below max_concurrent_requests, and the queue waits for it") {
  upstream.limits.max_concurrent_requests = 100;
  upstream.limits.adaptive_concurrency =
      config::AdaptiveConcurrency{.min_limit = 1, .initial_limit = 2, .max_limit = 9};
  upstream.limits.queue = config::Queue{.size = 1, .timeout = 1s};
  ConcurrencyFilter one(context), two(context), three(context), four(context);
  CHECK(proceeds(step_of(one, call, kStart)));
  CHECK(proceeds(step_of(two, call, kStart)));
  CHECK(call.in_flight == 2);
  CHECK(waits(step_of(three, call, kStart)));
  CHECK(own_reply(four, call, kStart)->problem == Problem::concurrency_limit);
  one.on_released();
  CHECK(proceeds(step_of(three, call, kStart + 1ms)));
}

TEST_CASE_FIXTURE(Routed, "an adaptive limit hears of answers and of waits in vain, and of nothing else") {
  route.adaptive_concurrency = config::AdaptiveConcurrency{.min_limit = 1, .initial_limit = 10, .max_limit = 20};
  call.route_in_flight = 1;
  const auto answer = [&](int status, milliseconds took, Time at) {
    AdaptiveLimitFilter filter(context);
    x = {};
    x.begun = x.request_sent = at - took;
    x.response_head = at;
    x.upstream_status = status;
    filter.on_head(call, x, at);
    x.outcome = Outcome::complete;
    filter.on_done(call, x, at);
  };
  const auto fails = [&](Outcome outcome, milliseconds took, Time at) {
    AdaptiveLimitFilter filter(context);
    x = {};
    x.begun = x.request_sent = at - took;
    x.outcome = outcome;
    filter.on_done(call, x, at);
  };
  const auto minimum = [&] { return of_route.adaptive_limit.minimum_latency(); };
  Time now = kStart;
  for (int i = 0; i < 50; ++i) answer(503, 1ms, now += 1ms);
  for (int i = 0; i < 50; ++i) fails(Outcome::reset, 1ms, now += 1ms);
  CHECK(minimum().count() == 0);
  request_context.background = true;
  for (int i = 0; i < 50; ++i) answer(200, 1ms, now += 1ms);
  CHECK(minimum().count() == 0);
  request_context.background = false;
  for (int i = 0; i < 50; ++i) answer(404, 8ms, now += 1ms);
  CHECK(minimum() > 7900us);
  CHECK(minimum() < 8100us);
  // Slow answers, and waits that a timeout ended, are alike: the limit falls.
  call.route_in_flight = 10;
  for (int i = 0; i < 2000; ++i) fails(Outcome::response_timeout, 100ms, now += 1ms);
  CHECK(of_route.adaptive_limit.steady_limit(*route.adaptive_concurrency) < 8);
  // The upstream has none: nothing is recorded there.
  CHECK(of_upstream.adaptive_limit.minimum_latency().count() == 0);
}

TEST_CASE_FIXTURE(Routed,
                  "an attempt whose hedge has answered first is a wait in vain, a hedge that lost says nothing") {
  route.adaptive_concurrency = config::AdaptiveConcurrency{.min_limit = 1, .initial_limit = 10, .max_limit = 20};
  Time now = kStart;
  const auto superseded = [&](bool is_hedge) {
    AdaptiveLimitFilter filter(context);
    x = {};
    x.begun = x.request_sent = now - 100ms;
    x.outcome = Outcome::superseded;
    call.hedged_at = is_hedge ? x.begun : now;
    filter.on_done(call, x, now);
  };
  const auto limit = [&] { return of_route.adaptive_limit.steady_limit(*route.adaptive_concurrency); };
  call.route_in_flight = 1;
  for (int i = 0; i < 50; ++i) {
    AdaptiveLimitFilter filter(context);
    x = {};
    x.begun = x.request_sent = now;
    x.response_head = now += 8ms;
    x.upstream_status = 200;
    filter.on_head(call, x, now);
  }
  call.route_in_flight = 10;
  const std::uint32_t before = limit();
  for (int i = 0; i < 2000; ++i, now += 1ms) superseded(true);
  CHECK(limit() == before);
  for (int i = 0; i < 2000; ++i, now += 1ms) superseded(false);
  CHECK(limit() < before);
}

TEST_CASE("whatever comes of requests, no slot, place or token is lost") {
  for (unsigned seed = 0; seed < 200; ++seed) {
    std::mt19937 random(seed);
    Routed world;
    world.route.max_concurrent_requests = 1 + random() % 3;
    world.upstream.limits.max_concurrent_requests = 1 + random() % 4;
    if (random() % 2 != 0) world.route.queue = config::Queue{.size = 2, .timeout = 1s};
    if (random() % 2 != 0) world.upstream.limits.queue = config::Queue{.size = 2, .timeout = 1s};
    world.route.rate = config::Rate{.requests_per_second = 0.0001, .burst = 40};
    world.upstream.limits.rate = config::Rate{.requests_per_second = 0.0001, .burst = 50};
    struct Asking {
      explicit Asking(const ChainContext& context) : rate(context), concurrency(context) {}
      RateFilter rate;
      ConcurrencyFilter concurrency;
      bool waits = false;
    };
    std::deque<std::unique_ptr<Asking>> asking;
    std::uint32_t sent = 0;
    Time now = kStart;
    const auto end = [&](Asking& one, bool was_sent) {
      world.call.permitted = was_sent ? now : kNever;
      if (was_sent) ++sent;
      one.rate.on_done(world.call, now);
      one.concurrency.on_released();
    };
    for (int i = 0; i < 60; ++i) {
      now += 1ms;
      if (asking.empty() || random() % 2 != 0) {
        auto one = std::make_unique<Asking>(world.context);
        if (!proceeds(step_of(one->rate, world.call, now))) {
          end(*one, false);
          continue;
        }
        const Step step = step_of(one->concurrency, world.call, now);
        one->waits = waits(step);
        if (answers(step))
          end(*one, false);
        else
          asking.push_back(std::move(one));
      } else {
        const auto at = asking.begin() + static_cast<std::ptrdiff_t>(random() % asking.size());
        if ((*at)->waits && random() % 2 != 0) {  // woken, or its time is over
          const Step step = step_of((*at)->concurrency, world.call, now);
          (*at)->waits = waits(step);
          if (!answers(step)) continue;
        }
        end(**at, !(*at)->waits && random() % 2 != 0);
        asking.erase(at);
      }
    }
    while (!asking.empty()) {
      end(*asking.back(), false);
      asking.pop_back();
    }
    CAPTURE(seed);
    for (const limits::LimitsState* state : {&world.of_route, &world.of_upstream}) {
      CHECK(state->limiter.in_use() == 0);
      CHECK(state->limiter.waiting() == 0);
    }
    CHECK(world.of_route.token_bucket.available(*world.route.rate, now) == 40 - sent);
    CHECK(world.of_upstream.token_bucket.available(*world.upstream.limits.rate, now) == 50 - sent);
  }
}

// SPDX-License-Identifier: Apache-2.0
#include "filters/breaker/endpoint_breaker_filter.hpp"

#include <doctest/doctest.h>

#include "filters/balance/endpoint_load_filter.hpp"
#include "filters/breaker/breaker_filter.hpp"
#include "tests/unit/filters/scene.hpp"

using namespace fusewire;
using namespace fusewire::test;

namespace {

config::CircuitBreaker trips_at_once() {
  config::CircuitBreaker settings;
  settings.detection.consecutive_failures = config::Consecutive{.threshold = 1};
  settings.detection.slow_call_rate = config::SlowCallRate{.threshold = 1, .slower_than = 2s};
  settings.detection.minimum_calls = 1;
  settings.transitions.backoff.jitter = 0;
  return settings;
}

struct Fixture : Scene {
  breaker::Breaker upstreams{config::CircuitBreaker{}, kStart, 1};
  breaker::Breaker endpoints{trips_at_once(), kStart, 1};
  balance::EndpointHealth health{kStart};
  CompiledClassify classify{config::Classify{}};
  ChainContext context;
  std::optional<BreakerFilter> of_call;
  std::optional<EndpointBreakerFilter> filter;
  std::optional<EndpointLoadFilter> load;

  Fixture() {
    context.breaker = &upstreams;
    context.classify = &classify;
    upstream.circuit_breaker = trips_at_once();
  }
  // An attempt at the endpoint, up to the filter's word.
  Step attempt(Time now = kStart) {
    begin(now);
    call.endpoint_breakers = true;
    Reply reply;
    of_call.emplace(context).on_request(call, reply, now);
    x.begun = now;
    x.endpoint = {.breaker = &endpoints, .health = &health};
    load.emplace(context).on_endpoint(call, x, reply, now);
    const Step step = filter.emplace(context).on_endpoint(call, x, reply, now);
    detail = reply.detail;
    return step;
  }
  void end(Outcome outcome, Time now) {
    x.outcome = outcome;
    x.response_end = now;
    filter->on_done(call, x, now);
    load->on_done(call, x, now);
    of_call->on_done(call, now);
  }
  void fail(Time now = kStart) {
    REQUIRE(proceeds(attempt(now)));
    end(Outcome::reset, now);
  }
  std::string detail;
};

}  // namespace

TEST_CASE_FIXTURE(Fixture,
                  "an attempt that fails opens the endpoint's breaker, and is in the upstream's totals alone") {
  fail();
  CHECK(endpoints.state() == breaker::State::open);
  CHECK(upstreams.snapshot(kStart).totals.failure == 1);
  CHECK(upstreams.snapshot(kStart).window.ended == 0);
}

TEST_CASE_FIXTURE(Fixture, "the upstream's breaker hears of calls that found no endpoint") {
  REQUIRE(proceeds(attempt()));
  end(Outcome::dns_error, kStart);
  CHECK(upstreams.snapshot(kStart).totals.failure == 1);
  CHECK(upstreams.snapshot(kStart).window.failures == 1);
}

TEST_CASE_FIXTURE(Fixture, "an endpoint whose breaker is open is not asked, and the answer names no address") {
  fail();
  CHECK(answers(attempt(kStart + 1s)));
  CHECK(detail == "the circuit breakers of all endpoints of 'orders' are open; next trial in 29 s");
}

TEST_CASE_FIXTURE(Fixture, "an endpoint without a breaker of its own is asked") {
  endpoints.force_open(kStart);
  begin(kStart);
  Reply reply;
  CHECK(proceeds(filter.emplace(context).on_endpoint(call, x, reply, kStart)));
  filter->on_done(call, x, kStart);
}

TEST_CASE_FIXTURE(Fixture, "a call turns slow for the endpoint's breaker alone, and from its own attempt on") {
  REQUIRE(proceeds(attempt()));
  CHECK(of_call->next_due(call) == kNever);
  CHECK(filter->next_due(call, x) == kStart + 2s);
  x.begun = kStart + 1s;  // the second attempt of the call
  CHECK(filter->next_due(call, x) == kStart + 3s);
  filter->on_due(call, x, kStart + 3s);
  CHECK(endpoints.state() == breaker::State::open);
  CHECK(upstreams.snapshot(kStart).window.slow == 0);
  end(Outcome::client_gone, kStart + 4s);
}

TEST_CASE_FIXTURE(Fixture,
                  "a half-open endpoint's trial that its client leaves is judged when the endpoint has answered") {
  std::atomic<std::uint32_t> count{0};
  context.calls_without_client = &count;
  fail();
  const Time later = kStart + 30s;
  REQUIRE(proceeds(attempt(later)));
  CHECK(filter->runs_on_until(call, x, later + 1s) == kNever);
  call.runs_on = true;
  end(Outcome::client_gone, later + 1s);
  CHECK(endpoints.snapshot(later + 1s).half_open.in_flight == 0);
  call.runs_on = false;
  x.outcome = Outcome::abandoned;
  x.upstream_status = 200;
  filter->on_verdict(call, x, later + 1500ms);  // before it turns slow
  CHECK(endpoints.snapshot(later + 2s).half_open.successes == 1);
  CHECK(count == 0);
}

TEST_CASE_FIXTURE(Fixture,
                  "a call that its client gives up goes on until it turns slow where nobody is answered meanwhile") {
  std::atomic<std::uint32_t> count{0};
  context.calls_without_client = &count;
  const auto give_up = [&](Time begun, Time now) {
    REQUIRE(proceeds(attempt(begun)));
    const auto until = filter->runs_on_until(call, x, now);
    if (!until) end(Outcome::client_gone, now);
    return until;
  };
  CHECK_FALSE(give_up(kStart, kStart + 100ms));         // it leaves the mark
  CHECK_FALSE(give_up(kStart + 50ms, kStart + 150ms));  // others may have been answered while it waited
  const Time begun = kStart + 200ms;
  REQUIRE(give_up(begun, kStart + 300ms) == begun + 2s);
  CHECK(count == 1);
  call.runs_on = true;
  end(Outcome::client_gone, kStart + 300ms);
  filter->on_due(call, x, begun + 2s);
  CHECK(endpoints.snapshot(begun + 2s).window.slow == 1);
  call.runs_on = false;
  filter->on_verdict(call, x, begun + 2s);
  CHECK(count == 0);
  CHECK(endpoints.snapshot(begun + 2s).totals.neutral == 3);
}

TEST_CASE_FIXTURE(Fixture, "a call that goes on without its client is not slow where others have been answered since") {
  std::atomic<std::uint32_t> count{0};
  context.calls_without_client = &count;
  REQUIRE(proceeds(attempt(kStart)));
  CHECK_FALSE(filter->runs_on_until(call, x, kStart + 100ms));  // it leaves the mark
  end(Outcome::client_gone, kStart + 100ms);
  const Time begun = kStart + 200ms;
  REQUIRE(proceeds(attempt(begun)));
  REQUIRE(filter->runs_on_until(call, x, kStart + 300ms));
  call.runs_on = true;
  end(Outcome::client_gone, kStart + 300ms);
  std::get<breaker::Permit>(endpoints.try_acquire(kStart + 400ms)).success(kStart + 500ms);
  filter->on_due(call, x, begun + 2s);
  CHECK(endpoints.snapshot(begun + 2s).window.slow == 0);
  call.runs_on = false;
  filter->on_verdict(call, x, begun + 2s);
  CHECK(count == 0);
}

TEST_CASE_FIXTURE(Fixture, "a call that its client gives up ends where another one was answered meanwhile") {
  std::atomic<std::uint32_t> count{0};
  context.calls_without_client = &count;
  for (const Time begun : {kStart, kStart + 1s, kStart + 2s, kStart + 3s}) {
    REQUIRE(proceeds(attempt(begun)));
    CHECK_FALSE(filter->runs_on_until(call, x, begun + 100ms));
    end(Outcome::client_gone, begun + 100ms);
    REQUIRE(proceeds(attempt(begun + 200ms)));
    x.upstream_status = 200;
    end(Outcome::complete, begun + 300ms);
  }
}

TEST_CASE_FIXTURE(Fixture, "a request is in flight at its address until its attempt is over") {
  REQUIRE(proceeds(attempt()));
  CHECK(health.in_flight() == 1);
  x.upstream_status = 200;
  load->on_head(call, x, kStart + 8ms);
  CHECK(health.in_flight() == 1);
  end(Outcome::complete, kStart + 9ms);
  CHECK(health.in_flight() == 0);
  CHECK(health.view(kStart + 9ms).latency > 0);
}

TEST_CASE_FIXTURE(Fixture, "a status that the breaker takes for a failure makes the address worse, another does not") {
  REQUIRE(proceeds(attempt()));
  x.upstream_status = 404;
  load->on_head(call, x, kStart + 8ms);
  end(Outcome::complete, kStart + 9ms);
  CHECK(health.view(kStart + 9ms).successes == doctest::Approx(1));
  endpoints.reset(kStart + 10ms);
  REQUIRE(proceeds(attempt(kStart + 10ms)));
  x.upstream_status = 500;
  load->on_head(call, x, kStart + 18ms);
  end(Outcome::complete, kStart + 19ms);
  CHECK(health.view(kStart + 19ms).successes < 1);
}

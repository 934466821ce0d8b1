// SPDX-License-Identifier: Apache-2.0
#include "filters/retry/retry_filter.hpp"

#include <doctest/doctest.h>

#include <utility>
#include <vector>

#include "filters/breaker/core/breaker.hpp"
#include "filters/limits/limits_state.hpp"
#include "filters/retry/retry_budget.hpp"
#include "filters/timeout/adaptive_timeout.hpp"
#include "tests/unit/filters/scene.hpp"

using namespace fusewire;
using namespace fusewire::test;

namespace {

struct Fixture : Scene {
  breaker::Breaker breaker{config::CircuitBreaker{}, kStart, 1};
  RetryBudget budget{kStart};
  ChainContext context;
  RetryFilter filter{context};

  Fixture() {
    context.breaker = &breaker;
    context.retry_budget = &budget;
  }

  // A call whose attempt has failed, asked about in the time of its failure.
  void failed(Outcome outcome = Outcome::reset) {
    call.permitted = kStart;
    call.total_at = kStart + 60s;
    sent(kStart);
    x.outcome = outcome;
  }
  Step ask(Time now = kStart + 1s) {
    Reply reply = problem(x.outcome, row(x.outcome).problem, 502);
    return filter.on_reply(call, reply, now);
  }
  bool asks(Time now = kStart + 1s) { return asked_of(ask(now)).has_value(); }
  Time not_before(Reply reply, Time now) {
    const Step step = filter.on_reply(call, reply, now);
    REQUIRE(asked_of(step) == "");
    return std::get<Ask>(step).not_before;
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a call that was reset asks for one more attempt of its own, and for one alone") {
  failed();
  CHECK(asked_of(ask()) == "");
  CHECK(call.retries_made == 1);
  CHECK_FALSE(asks());
}

TEST_CASE_FIXTURE(Fixture, "what retries.on does not list is not tried again") {
  failed(Outcome::response_timeout);
  CHECK_FALSE(asks());
  upstream.retries.on.timeout = true;
  CHECK(asks());
}

TEST_CASE_FIXTURE(Fixture, "a status is, where it is listed, and a good answer never") {
  upstream.retries.on.statuses.set(503);
  failed(Outcome::pending);
  response.status = 503;
  Reply bad = head(kStart + 1s);
  CHECK(asked_of(filter.on_reply(call, bad, kStart + 1s)) == "");
  begin(kStart);
  failed(Outcome::pending);
  response.status = 200;
  Reply good = head(kStart + 1s);
  CHECK(proceeds(filter.on_reply(call, good, kStart + 1s)));
}

TEST_CASE_FIXTURE(Fixture, "a request that must not be repeated is not, unless nothing of it was sent") {
  request.method = "POST";
  failed();
  CHECK_FALSE(asks());
  call.nothing_sent = true;
  CHECK(asks());
}

TEST_CASE_FIXTURE(Fixture, "a body that is no longer at hand, or above max_body, is not sent twice") {
  failed();
  request_context.body_replayable = false;
  CHECK_FALSE(asks());
  request_context.body_replayable = true;
  request.method = "PUT";
  request_context.body_size = upstream.retries.max_body + 1;
  CHECK_FALSE(asks());
  request_context.body_size = upstream.retries.max_body;
  CHECK(asks());
}

TEST_CASE_FIXTURE(Fixture, "there is no retry once the breaker has left the state in which it let the call pass") {
  failed();
  breaker.reset(kStart);  // a new generation, though closed
  CHECK_FALSE(asks());
  call.generation = breaker.snapshot(kStart).generation;
  breaker.force_open(kStart);
  CHECK_FALSE(asks());
  breaker.release(kStart);
  CHECK(asks());
}

TEST_CASE_FIXTURE(Fixture, "there is no retry where no endpoint can be asked, or the connection is the client's own") {
  failed();
  call.endpoint_available = false;
  CHECK_FALSE(asks());
  call.endpoint_available = true;
  call.connection_bound = true;
  CHECK_FALSE(asks());
}

TEST_CASE_FIXTURE(Fixture,
                  "the back-off is a random time of up to base times two for each retry before, and up to max") {
  upstream.retries.attempts = 10;
  upstream.retries.backoff = {.base = 100ms, .max = 300ms};
  upstream.retries.budget.reset();
  failed();
  const Time now = kStart + 1s;
  for (const milliseconds most : {100ms, 200ms, 300ms, 300ms}) {
    request_context.random = ~std::uint64_t{0};
    const Reply reply = problem(Outcome::reset, Problem::upstream_reset, 502);
    const Time at = not_before(reply, now);
    CHECK(at >= now);
    CHECK(at <= now + most);
  }
}

TEST_CASE_FIXTURE(Fixture, "the upstream's Retry-After is waited for, and beyond the deadline there is no retry") {
  upstream.retries.attempts = 10;
  upstream.retries.budget.reset();
  upstream.retries.on.statuses.set(503);
  failed(Outcome::pending);
  response.status = 503;
  response.fields = make_fields({{"Retry-After", "5"}});
  CHECK(not_before(head(kStart + 1s), kStart + 1s) == kStart + 6s);
  call.total_at = kStart + 6s;
  Reply late = head(kStart + 1s);
  CHECK(proceeds(filter.on_reply(call, late, kStart + 1s)));
}

TEST_CASE_FIXTURE(Fixture, "no more than half of the slots are held until a time that the upstream asks for") {
  limits::LimitsState limits{"orders"};
  limits::ConcurrencyLimiter& limiter = limits.limiter;
  context.limits = &limits;
  upstream.limits.max_concurrent_requests = 4;
  upstream.retries.attempts = 10;
  upstream.retries.budget.reset();
  upstream.retries.on.statuses.set(503);
  failed(Outcome::pending);
  response.status = 503;
  response.fields = make_fields({{"Retry-After", "5"}});
  limiter.try_acquire(4);  // what the limit of calls is now
  std::vector<limits::ConcurrencyLimiter::Slot> slots;
  for (int taken = 1; taken <= 3; ++taken) {
    slots.push_back(std::move(*limiter.try_acquire(4)));
    Reply reply = head(kStart + 1s);
    CHECK(proceeds(filter.on_reply(call, reply, kStart + 1s)) == (taken > 2));
  }
  response.fields = {};
  Reply reply = head(kStart + 1s);
  CHECK(asked_of(filter.on_reply(call, reply, kStart + 1s)) == "");
}

TEST_CASE_FIXTURE(Fixture,
                  "a quarter of the connections is held until a time that the upstream asks for, by one wait each") {
  std::atomic<std::uint32_t> long_waits{0};
  context.long_waits = &long_waits;
  upstream.limits.max_connections = 8;
  upstream.retries.on.statuses.set(503);
  failed(Outcome::pending);
  response.status = 503;
  response.fields = make_fields({{"Retry-After", "5"}});
  std::vector<RetryFilter> filters;
  for (int i = 0; i < 3; ++i) {
    filters.emplace_back(context);
    call.retries_made = 0;
    Reply reply = head(kStart + 1s);
    CHECK(proceeds(filters.back().on_reply(call, reply, kStart + 1s)) == (i == 2));
  }
  CHECK(long_waits == 2);
  response.status = 200;
  Reply good = head(kStart + 6s);
  CHECK(proceeds(filters.front().on_reply(call, good, kStart + 6s)));
  CHECK(long_waits == 1);
  filters.clear();
  CHECK(long_waits == 0);
  upstream.retries.budget = config::RetryBudget{.ratio = 0, .min_per_second = 0};
  call.retries_made = 0;
  response.status = 503;
  context.retry_budget = &budget;
  RetryFilter broke(context);
  Reply reply = head(kStart + 1s);
  CHECK(proceeds(broke.on_reply(call, reply, kStart + 1s)));
  CHECK(call.over_retry_budget);
  CHECK(long_waits == 0);
}

TEST_CASE_FIXTURE(Fixture, "of an adaptive limit, and of a route's, half is left to requests that do not wait") {
  limits::LimitsState limits{"orders"};
  limits::LimitsState of_route{"orders/read"};
  context.limits = &limits;
  context.route_limits = &of_route;
  upstream.retries.attempts = 10;
  upstream.retries.budget.reset();
  upstream.retries.on.statuses.set(503);
  failed(Outcome::pending);
  response.status = 503;
  response.fields = make_fields({{"Retry-After", "5"}});
  const auto waits = [&] {
    Reply reply = head(kStart + 1s);
    return !proceeds(filter.on_reply(call, reply, kStart + 1s));
  };
  for (limits::LimitsState* const full : {&limits, &of_route}) {
    limits::LimitsState& other = full == &limits ? of_route : limits;
    const auto one_of_many = other.limiter.try_acquire(1000);
    std::vector<limits::ConcurrencyLimiter::Slot> slots;
    for (int taken = 1; taken <= 3; ++taken) {
      slots.push_back(std::move(*full->limiter.try_acquire(4)));  // far below max_concurrent_requests
      CHECK(waits() == (taken <= 2));
    }
  }
}

TEST_CASE_FIXTURE(Fixture, "what one endpoint asks for does not delay a retry at another") {
  upstream.retries.on.statuses.set(503);
  failed(Outcome::pending);
  response.status = 503;
  response.fields = make_fields({{"Retry-After", "5"}});
  call.another_endpoint = true;
  CHECK(not_before(head(kStart + 1s), kStart + 1s) <= kStart + 1s + upstream.retries.backoff.max);
}

TEST_CASE_FIXTURE(Fixture, "beyond the budget there is none, and it is noted") {
  upstream.retries.budget = config::RetryBudget{.ratio = 0, .min_per_second = 1, .window = 1s};
  failed();
  CHECK(asks(kStart + 100ms));
  begin(kStart);
  failed();
  CHECK_FALSE(asks(kStart + 100ms));
  CHECK(call.over_retry_budget);
}

TEST_CASE_FIXTURE(Fixture, "there is none once the client has had an interim response") {
  failed();
  call.interim_sent = true;
  CHECK_FALSE(asks());
}

TEST_CASE_FIXTURE(Fixture, "what was answered here is not tried again") {
  failed(Outcome::local);
  Reply open = problem(Outcome::local, Problem::circuit_breaker_open, 503);
  CHECK(proceeds(filter.on_reply(call, open, kStart)));
  x.outcome = Outcome::overload;
  Reply full = problem(Outcome::overload, Problem::concurrency_limit, 503);
  CHECK(proceeds(filter.on_reply(call, full, kStart)));
}

TEST_CASE_FIXTURE(Fixture, "each retry, and each that is not made, is noted with its reason") {
  failed();
  CHECK(asks());
  CHECK_FALSE(asks(kStart + 2s));
  const auto notes = call.notes.all();
  REQUIRE(notes.size() == 2);
  CHECK(notes[0].what == Decision::retry_made);
  CHECK(notes[0].detail == static_cast<std::uint8_t>(Trigger::reset));
  CHECK(notes[0].number == 502);
  CHECK(notes[0].at == kStart + 1s);
  CHECK(notes[1] == Note{.what = Decision::retry_not_made,
                         .detail = static_cast<std::uint8_t>(RetryRefusal::attempts_used),
                         .number = 502,
                         .at = kStart + 2s});
}

TEST_CASE_FIXTURE(Fixture, "a good answer is no matter for a note") {
  failed(Outcome::pending);
  Reply good = head(kStart + 1s);
  filter.on_reply(call, good, kStart + 1s);
  CHECK(call.notes.all().empty());
}

// ------------------------------------------------------------------------------------------------------ hedging

namespace {

struct Hedging : Fixture {
  AdaptiveTimeout latency{60s, kStart};

  Hedging() {
    context.adaptive_timeout = &latency;
    upstream.retries.attempts = 0;
    upstream.retries.hedge = config::Hedge{{.fixed = 50ms}};
    call.permitted = kStart;
    call.total_at = kStart + 60s;
    sent(kStart);
  }
  bool hedges(Time now = kStart + 50ms) { return asked_of(filter.on_silence(call, now)) == ""; }
};

}  // namespace

TEST_CASE_FIXTURE(Hedging, "a call asks for a hedge after the time that is configured, once") {
  CHECK(filter.hedge_at(call) == kStart + 50ms);
  CHECK(hedges());
  CHECK(call.hedge == HedgeResult::pending);
  CHECK(call.hedged_at == kStart + 50ms);
  CHECK(filter.hedge_at(call) == kNever);
  CHECK_FALSE(hedges());
  CHECK(call.retries_made == 0);
}

TEST_CASE_FIXTURE(Hedging, "where hedge is off it never does") {
  upstream.retries.hedge.reset();
  CHECK(filter.hedge_at(call) == kNever);
}

TEST_CASE_FIXTURE(Hedging, "after a percentile of the upstream's latency, once a hundred answers are known") {
  upstream.retries.hedge = config::Hedge{{.percentile = 95}};
  for (int i = 0; i < 99; ++i) latency.answered(i < 94 ? 10ms : 400ms, kStart);
  CHECK(filter.hedge_at(call) == kNever);
  latency.answered(10ms, kStart);
  x.begun = kStart + 1s;  // after the last reading has grown old
  const Time at = filter.hedge_at(call);
  CHECK(at - x.begun > 9ms);
  CHECK(at - x.begun < 11ms);
  upstream.retries.hedge->after.percentile = 96;
  CHECK(filter.hedge_at(call) - x.begun > 380ms);
  context.adaptive_timeout = nullptr;
  CHECK(filter.hedge_at(call) == kNever);
}

TEST_CASE_FIXTURE(Hedging, "what must not be sent twice has no hedge, even where nothing of it was sent yet") {
  call.nothing_sent = true;
  request.method = "POST";
  CHECK(filter.hedge_at(call) == kNever);
  upstream.retries.methods = {"POST"};
  CHECK(filter.hedge_at(call) == kStart + 50ms);
  request_context.body_size = upstream.retries.max_body + 1;
  CHECK(filter.hedge_at(call) == kNever);
  request_context.body_size = 0;
  request_context.body_replayable = false;
  CHECK(filter.hedge_at(call) == kNever);
}

TEST_CASE_FIXTURE(Hedging, "nor has a refresh, for which nobody waits") {
  request_context.background = true;
  CHECK(filter.hedge_at(call) == kNever);
}

TEST_CASE_FIXTURE(Hedging, "nor a call on a connection of its client's own, or whose client has had a byte") {
  call.connection_bound = true;
  CHECK_FALSE(hedges());
  call.connection_bound = false;
  call.interim_sent = true;
  CHECK_FALSE(hedges());
  call.interim_sent = false;
  CHECK(hedges());
}

TEST_CASE_FIXTURE(Hedging, "nor one whose deadline is over, or whose breaker has opened") {
  call.total_at = kStart + 50ms;
  CHECK_FALSE(hedges());
  call.total_at = kStart + 60s;
  call.generation = breaker.snapshot(kStart).generation;
  breaker.force_open(kStart, std::nullopt);
  CHECK_FALSE(hedges());
  CHECK(call.hedge == HedgeResult::none);
}

TEST_CASE_FIXTURE(Hedging, "a hedge is paid for by the budget of retries, to which its own call has paid in") {
  upstream.retries.budget = config::RetryBudget{.ratio = 0.5, .min_per_second = 0, .window = 10s};
  CHECK_FALSE(hedges());
  CHECK(call.hedge == HedgeResult::over_budget);
  RetryFilter other(context);
  call.hedge = HedgeResult::none;
  CHECK(asked_of(other.on_silence(call, kStart + 50ms)) == "");
  RetryFilter third(context);
  call.hedged_at = kNever;
  CHECK(proceeds(third.on_silence(call, kStart + 50ms)));
}

TEST_CASE_FIXTURE(Hedging, "an answer is good where retries.on does not list it") {
  upstream.retries.on.statuses.set(503);
  CHECK(filter.is_good(call, 200));
  CHECK(filter.is_good(call, 500));
  CHECK_FALSE(filter.is_good(call, 503));
}

// SPDX-License-Identifier: Apache-2.0
// The filters of a call together, driven as a session drives them.
#include "filters/call_chain.hpp"

#include "filters/limits/limits_state.hpp"

#include <doctest/doctest.h>

#include "filters/breaker/classify.hpp"
#include "tests/unit/filters/stored.hpp"

using namespace fusewire;
using namespace fusewire::test;

namespace {

struct Fixture : Scene {
  cache::Store store{1 << 20};
  cache::RequestCollapser fetches;
  std::unique_ptr<breaker::Breaker> breaker;
  std::unique_ptr<CompiledClassify> classify;
  limits::LimitsState limits{"orders"};
  limits::ConcurrencyLimiter& limiter = limits.limiter;
  limits::TokenBucket& bucket = limits.token_bucket;
  ChainContext context;
  std::optional<CallChain> chain;

  Fixture() {
    upstream.circuit_breaker.transitions.backoff.jitter = 0;
    upstream.fallback.chain = {config::CacheStep{.max_stale = 600s}};
    breaker = std::make_unique<breaker::Breaker>(upstream.circuit_breaker, kStart, 1);
    classify = std::make_unique<CompiledClassify>(upstream.circuit_breaker.classify);
    context = {breaker.get(), classify.get(), &store, store.partition("orders"), &fetches};
    context.limits = &limits;
    context.breaker_name = "orders";
  }
  std::optional<Reply> start(Time now) {
    chain.reset();
    begin(now);
    chain.emplace(context);
    auto reply = own_reply(*chain, call, now);
    if (!reply) sent(now);
    return reply;
  }
  // The reply that goes out.
  Reply served(Time now, std::string_view body = "hello") {
    if (auto own = start(now)) {
      chain->on_reply(call, *own, now);
      chain->on_done(call, now);
      return *own;
    }
    Reply reply = head(now);
    chain->on_reply(call, reply, now);
    if (reply.origin == Reply::Origin::upstream) {
      chain->on_body(call, body);
      x.outcome = Outcome::complete;
      x.response_end = now;
    } else {
      x.outcome = Outcome::abandoned;
    }
    chain->on_done(call, now);
    return reply;
  }
  Reply broken(Time now) {
    start(now);
    Reply reply = problem(Outcome::response_timeout, Problem::response_timeout, 504);
    chain->on_reply(call, reply, now);
    chain->on_done(call, now);
    return reply;
  }
  breaker::Totals totals() { return breaker->snapshot(kStart).totals; }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "the breaker judges what truly happened although the client sees a stale 200") {
  served(kStart);
  for (int i = 0; i < 5; ++i) {
    const Reply reply = broken(kStart + 102s);
    CHECK(reply.status == 200);
    CHECK(extra(reply, "cache-status") == "fusewire; fwd=stale; fwd-status=504; ttl=-42; detail=timeout");
    CHECK(call.verdict == Verdict::failure);
  }
  CHECK(breaker->state() == breaker::State::open);
  const Reply open = served(kStart + 102s);
  CHECK(open.body == "hello");
  CHECK(extra(open, "cache-status") == "fusewire; hit; ttl=-42; detail=circuit-open");
  CHECK(call.has(Flag::circuit_open));
  CHECK(call.has(Flag::fallback));
  CHECK(totals().failure == 5);
  CHECK(totals().rejected == 1);
}

TEST_CASE_FIXTURE(Fixture, "an error status is replaced from the cache and counts as a failure") {
  served(kStart);
  response = ok({});
  response.status = 503;
  const Reply reply = served(kStart + 10s);
  CHECK(reply.status == 200);
  CHECK(extra(reply, "cache-status") == "fusewire; fwd=bypass; fwd-status=503; ttl=50; detail=status");
  CHECK(totals().failure == 1);
}

TEST_CASE_FIXTURE(Fixture, "with nothing stored the breaker's own answer goes out") {
  for (int i = 0; i < 5; ++i) broken(kStart);
  const Reply reply = served(kStart + 1s);
  CHECK(reply.problem == Problem::circuit_breaker_open);
  CHECK(reply.retry_after == 29s);
}

TEST_CASE_FIXTURE(Fixture, "what recovers is remembered again, and closes the circuit") {
  for (int i = 0; i < 5; ++i) broken(kStart);
  for (int i = 0; i < 3; ++i) CHECK(served(kStart + 30s).origin == Reply::Origin::upstream);
  CHECK(breaker->state() == breaker::State::closed);
  CHECK(store.find(*context.cache_partition, cache::uri_key(request), {}));
}

TEST_CASE_FIXTURE(Fixture, "a total that is over gives the permit back and may still be answered from the cache") {
  served(kStart);
  request = get("/a", {{"X-Request-Timeout-Ms", "0"}});
  const Reply reply = served(kStart + 18s);
  CHECK(reply.body == "hello");
  CHECK(extra(reply, "cache-status") == "fusewire; hit; ttl=42; detail=timeout");
  CHECK(totals().failure == 0);
  CHECK(totals().neutral == 0);  // nothing was asked of the upstream: no call
}

TEST_CASE_FIXTURE(Fixture, "only-if-cached does not ask the breaker") {
  breaker->force_open(kStart);
  request = get("/a", {{"Cache-Control", "only-if-cached"}});
  CHECK(served(kStart).status == 504);
  CHECK(totals().rejected == 0);
}

TEST_CASE_FIXTURE(Fixture, "the next due time is the earliest of all filters, and on_due reaches them") {
  start(kStart);
  CHECK(chain->next_due(call) == kStart + 5s);
  chain->on_due(call, kStart + 5s);
  CHECK(breaker->snapshot(kStart + 5s).window.slow == 1);
  CHECK(chain->next_due(call) == kNever);
}

TEST_CASE_FIXTURE(Fixture, "another upstream is asked for, and what comes of it goes to the filter that asked") {
  upstream.fallback.chain = {config::UpstreamStep{"replica"},
                             config::StaticStep{.status = 200, .headers = {}, .body = "sorry", .body_file = {}}};
  breaker->force_open(kStart);
  auto reply = start(kStart);
  REQUIRE(reply);
  CHECK(asked_of(chain->on_reply(call, *reply, kStart)) == "replica");
  CHECK(proceeds(chain->on_result(call, *reply, FallbackResult::error, kStart)));
  CHECK(reply->body == "sorry");
}

TEST_CASE_FIXTURE(Fixture, "no fallback runs while the cache has the same upstream asked once more") {
  upstream.cache.serve = config::Serve::normal;
  upstream.fallback.chain = {config::CacheStep{}, config::UpstreamStep{"replica"}};
  response = ok({{"Cache-Control", "max-age=60"}, {"ETag", "\"1\""}});
  served(kStart);
  response = ok({{"ETag", "\"2\""}}, 0);
  response.status = 304;
  REQUIRE_FALSE(start(kStart + 60s));
  Reply reply = head(kStart + 60s);
  CHECK(asked_of(chain->on_reply(call, reply, kStart + 60s)) == "");
  CHECK_FALSE(call.has(Flag::fallback));
  CHECK(call.fallback_runs == FallbackRuns{});
}

TEST_CASE_FIXTURE(Fixture, "on_done happens once, however often it is said") {
  start(kStart);
  x.outcome = Outcome::reset;
  chain->on_done(call, kStart);
  chain->on_done(call, kStart);
  chain.reset();
  CHECK(totals().failure == 1);
}

TEST_CASE_FIXTURE(Fixture, "a chain that is destroyed is done with the outcome as it is") {
  start(kStart);
  x.outcome = Outcome::connect_refused;
  chain.reset();
  CHECK(totals().failure == 1);
  start(kStart);
  chain.reset();
  CHECK(totals().neutral == 1);
  CHECK(call.verdict == Verdict::neutral);
}

TEST_CASE_FIXTURE(Fixture, "a chain that saw no request has nothing to end") {
  chain.emplace(context);
  chain.reset();
  CHECK(totals().neutral == 0);
}

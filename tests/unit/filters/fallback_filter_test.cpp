// SPDX-License-Identifier: Apache-2.0
#include "filters/fallback/fallback_filter.hpp"

#include <doctest/doctest.h>

#include "tests/unit/filters/stored.hpp"

using namespace fusewire;
using namespace fusewire::test;
using cache::Store;

namespace {

struct Fixture : Scene {
  Store store{1 << 20};
  ChainContext context{nullptr, nullptr, &store, store.partition("orders")};
  FallbackFilter filter{context};

  void put(std::string_view control = "max-age=60") {
    const Response stored = ok({{"Cache-Control", control}, {"Date", kDate}});
    store.insert(entry_of(context.cache_partition, get(), stored, "hello"), {}, store.now_serial());
  }
  void chain(std::vector<config::FallbackStep> steps) { upstream.fallback.chain = std::move(steps); }
  void allow_stale() { chain({config::CacheStep{.max_stale = 600s}}); }

  Reply circuit_open(Time now = kStart) {
    begin(now);
    return problem(Outcome::local, Problem::circuit_breaker_open, 503);
  }
  Reply timed_out(Time now = kStart) {
    begin(now);
    sent(now);
    return problem(Outcome::response_timeout, Problem::response_timeout, 504);
  }
  Reply answered(int status, Time now = kStart) {
    begin(now);
    sent(now);
    response = ok({});
    response.status = status;
    return head(now);
  }
  Step run(Reply& reply, Time now = kStart) { return filter.on_reply(call, reply, now); }
  int runs(FallbackType type, FallbackResult result) { return call.fallback_runs.at(type, result); }
};

config::StaticStep sorry() {
  return {.status = 503,
          .headers = {{"Content-Type", "text/plain"}, {"Content-Length", "999"}},
          .body = "sorry",
          .body_file = {}};
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "with the circuit open a stale answer says hit, its ttl and why") {
  allow_stale();
  put();
  Reply reply = circuit_open(kStart + 102s);
  run(reply, kStart + 102s);
  CHECK(reply.status == 200);
  CHECK(reply.body == "hello");
  CHECK(extra(reply, "cache-status") == "fusewire; hit; ttl=-42; detail=circuit-open");
  CHECK(extra(reply, "age") == "102");
  CHECK(reply.fields.find("date") == kDate);
  CHECK(call.has(Flag::fallback));
  CHECK(call.has(Flag::cache_stale));
  CHECK_FALSE(call.has(Flag::cache_hit));
  CHECK(x.outcome == Outcome::local);
}

TEST_CASE_FIXTURE(Fixture, "after a failed attempt a stale answer says so, with the status in its place") {
  allow_stale();
  put();
  Reply reply = timed_out(kStart + 102s);
  run(reply, kStart + 102s);
  CHECK(extra(reply, "cache-status") == "fusewire; fwd=stale; fwd-status=504; ttl=-42; detail=timeout");
}

TEST_CASE_FIXTURE(Fixture, "an error status of the upstream is the fwd-status") {
  allow_stale();
  put();
  Reply reply = answered(500, kStart + 61s);
  run(reply, kStart + 61s);
  CHECK(extra(reply, "cache-status") == "fusewire; fwd=stale; fwd-status=500; ttl=-1; detail=status");
}

TEST_CASE_FIXTURE(Fixture, "a refused connection sent nothing, so it is a hit") {
  put();
  begin(kStart + 18s);
  Reply reply = problem(Outcome::connect_refused, Problem::connect_failed, 502);
  run(reply, kStart + 18s);
  CHECK(extra(reply, "cache-status") == "fusewire; hit; ttl=42; detail=connect-error");
}

TEST_CASE_FIXTURE(Fixture, "a fresh answer after a failed attempt was passed over, not stale") {
  put();
  Reply reply = timed_out(kStart + 18s);
  run(reply, kStart + 18s);
  CHECK(extra(reply, "cache-status") == "fusewire; fwd=bypass; fwd-status=504; ttl=42; detail=timeout");
  CHECK(call.has(Flag::cache_hit));
  CHECK_FALSE(call.has(Flag::cache_stale));
}

TEST_CASE_FIXTURE(Fixture, "the default chain gives what is fresh and nothing stale") {
  put();
  Reply fresh = circuit_open();
  run(fresh);
  CHECK(fresh.status == 200);
  FallbackFilter next(context);
  Reply stale = circuit_open(kStart + 60s);
  next.on_reply(call, stale, kStart + 60s);
  CHECK(stale.problem == Problem::circuit_breaker_open);
  CHECK(stale.status == 503);
  CHECK_FALSE(call.has(Flag::fallback));
  CHECK(runs(FallbackType::cache, FallbackResult::miss) == 1);
}

TEST_CASE_FIXTURE(Fixture, "must-revalidate holds even with the circuit open") {
  allow_stale();
  put("max-age=60, must-revalidate");
  Reply reply = circuit_open(kStart + 61s);
  run(reply, kStart + 61s);
  CHECK(reply.status == 503);
}

TEST_CASE_FIXTURE(Fixture, "a good answer, and one that on: does not list, stay as they are") {
  put();
  chain({sorry()});
  for (int status : {200, 404, 501}) {
    Reply reply = answered(status);
    run(reply);
    CHECK(reply.origin == Reply::Origin::upstream);
    CHECK(reply.status == status);
  }
  CHECK_FALSE(call.has(Flag::fallback));
}

TEST_CASE_FIXTURE(Fixture, "the client's own fault never falls back") {
  put();
  chain({config::CacheStep{}, sorry()});
  begin(kStart);
  Reply reply = problem(Outcome::client_fault, Problem::body_too_large, 413);
  run(reply);
  CHECK(reply.status == 413);
}

TEST_CASE_FIXTURE(Fixture,
                  "a static step answers with the configured bytes and fields, its framing left to the session") {
  chain({config::CacheStep{}, sorry()});
  Reply reply = circuit_open();
  run(reply);
  CHECK(reply.origin == Reply::Origin::stored);
  CHECK(reply.status == 503);
  CHECK(reply.body == "sorry");
  CHECK(reply.fields.find("content-type") == "text/plain");
  CHECK_FALSE(reply.fields.find("content-length"));
  CHECK(reply.problem == Problem::none);
  CHECK(call.has(Flag::fallback));
  CHECK(runs(FallbackType::cache, FallbackResult::miss) == 1);
  CHECK(runs(FallbackType::static_reply, FallbackResult::hit) == 1);
}

TEST_CASE_FIXTURE(Fixture, "a static answer to HEAD has the length alone, a 204 neither") {
  request.method = "HEAD";
  chain({sorry()});
  Reply reply = circuit_open();
  run(reply);
  CHECK(reply.body.empty());
  CHECK(reply.content_length == 5);
  auto empty = sorry();
  empty.status = 204;
  chain({empty});
  request.method = "GET";
  FallbackFilter next(context);
  Reply none = circuit_open();
  next.on_reply(call, none, kStart);
  CHECK(none.status == 204);
  CHECK(none.body.empty());
}

TEST_CASE_FIXTURE(Fixture, "an empty chain leaves the answer") {
  chain({});
  Reply reply = circuit_open();
  CHECK(proceeds(run(reply)));
  CHECK(reply.status == 503);
}

TEST_CASE_FIXTURE(Fixture, "an upstream step names the upstream and leaves the reply until it answers") {
  chain({config::UpstreamStep{"replica"}, sorry()});
  Reply reply = circuit_open();
  CHECK(asked_of(run(reply)) == "replica");
  CHECK(reply.problem == Problem::circuit_breaker_open);
  CHECK_FALSE(call.has(Flag::fallback));
  CHECK(call.fallback_runs == FallbackRuns{});
  CHECK(proceeds(filter.on_result(call, reply, FallbackResult::hit, kStart)));
  CHECK(call.has(Flag::fallback));
  CHECK(runs(FallbackType::upstream, FallbackResult::hit) == 1);
}

TEST_CASE_FIXTURE(Fixture, "when the other upstream fails too the next step answers") {
  chain({config::UpstreamStep{"replica"}, config::UpstreamStep{"archive"}, sorry()});
  Reply reply = circuit_open();
  run(reply);
  CHECK(asked_of(filter.on_result(call, reply, FallbackResult::error, kStart)) == "archive");
  CHECK(proceeds(filter.on_result(call, reply, FallbackResult::miss, kStart)));
  CHECK(reply.body == "sorry");
  CHECK(call.has(Flag::fallback));
  CHECK(runs(FallbackType::upstream, FallbackResult::hit) == 0);
  CHECK(runs(FallbackType::upstream, FallbackResult::error) == 1);
  CHECK(runs(FallbackType::upstream, FallbackResult::miss) == 1);
}

TEST_CASE_FIXTURE(Fixture, "when no step is left the first answer stands and nothing claims a fallback") {
  chain({config::UpstreamStep{"replica"}});
  Reply reply = circuit_open();
  run(reply);
  CHECK(proceeds(filter.on_result(call, reply, FallbackResult::error, kStart)));
  CHECK(reply.problem == Problem::circuit_breaker_open);
  CHECK_FALSE(call.has(Flag::fallback));
}

TEST_CASE_FIXTURE(Fixture, "another upstream is asked only for what was not sent, or may be sent again") {
  chain({config::UpstreamStep{"replica"}});
  const auto asks = [&](std::string_view method, bool nothing_sent, bool replayable) {
    request.method = method;
    Reply reply = timed_out();
    call.nothing_sent = nothing_sent;
    request_context.body_replayable = replayable;
    FallbackFilter fresh(context);
    return asked_of(fresh.on_reply(call, reply, kStart)).has_value();
  };
  CHECK(asks("POST", true, false));
  CHECK_FALSE(asks("POST", false, true));
  CHECK(asks("GET", false, true));
  CHECK(asks("PUT", false, true));
  CHECK_FALSE(asks("PUT", false, false));
  CHECK(runs(FallbackType::upstream, FallbackResult::miss) == 1);
}

TEST_CASE_FIXTURE(Fixture, "another upstream is not asked once the request's time is over; the cache still answers") {
  chain({config::UpstreamStep{"replica"}, config::CacheStep{}});
  put();
  Reply reply = timed_out();
  call.total_at = kStart + 1s;
  CHECK(proceeds(run(reply, kStart + 1s)));
  CHECK(reply.body == "hello");
}

TEST_CASE_FIXTURE(Fixture, "nor where that time has passed in a queue, before anything was to end with it") {
  chain({config::UpstreamStep{"replica"}, sorry()});
  upstream.timeouts.total = 1s;
  Reply reply = problem(Outcome::local, Problem::queue_timeout, 503);
  REQUIRE(call.total_at == kNever);
  SUBCASE("just before, it is") { CHECK(asked_of(run(reply, kStart + 999ms)) == "replica"); }
  SUBCASE("then it is not") {
    CHECK(proceeds(run(reply, kStart + 1s)));
    CHECK(reply.body == "sorry");
    CHECK(runs(FallbackType::upstream, FallbackResult::miss) == 1);
  }
}

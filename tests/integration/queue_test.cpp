// SPDX-License-Identifier: Apache-2.0
// Requests beyond an upstream's limits: they wait, or are refused, and the breaker hears nothing of it.
#include <string>
#include <vector>

#include "tests/support/rig.hpp"

using namespace fusewire::testing;

namespace {

std::string one_at_a_time(const std::string& queue) {
  return "    limits: {max_concurrent_requests: 1, queue: " + queue + "}\n";
}

double depth(const Rig& rig) { return rig.proxy.metric("fusewire_queue_depth{upstream=\"orders\"}"); }
double refused(const Rig& rig, const std::string& limit) {
  return rig.proxy.metric("fusewire_limited_total{upstream=\"orders\",limit=\"" + limit + "\"}");
}

Connection ask(const Rig& rig, const std::string& target = "/", const std::string& fields = {}) {
  Connection client = rig.proxy.connect();
  client.send("GET " + target + " HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n");
  return client;
}

}  // namespace

TEST_CASE("a request that finds no slot waits, and is sent when one is free") {
  std::atomic<bool> open{false};
  Rig rig(
      [&](Call& call) {
        while (!open && call.wait(5ms)) {
        }
        scripts::ok("done")(call);
      },
      one_at_a_time("{timeout: 10s}"));
  Connection first = ask(rig);
  CHECK(eventually([&] { return rig.upstream.request_count() == 1; }));
  Connection second = ask(rig);
  CHECK(eventually([&] { return depth(rig) == 1; }));
  CHECK(rig.upstream.request_count() == 1);
  open = true;
  CHECK(read_response(first).body == "done");
  CHECK(read_response(second).body == "done");
  CHECK(depth(rig) == 0);
}

TEST_CASE("a wait in the queue that takes too long is a QueueTimeout, and no call") {
  Rig rig(scripts::hang(), one_at_a_time("{timeout: 100ms}"));
  Connection first = ask(rig);
  CHECK(eventually([&] { return rig.upstream.request_count() == 1; }));
  check_problem(rig.proxy.get("/"), 503, "QueueTimeout", "connection_limit_reached");
  CHECK(refused(rig, "queue_timeout") == 1);
  const auto totals = rig.proxy.breaker().totals;
  CHECK(totals.success + totals.failure + totals.neutral == 0);
}

TEST_CASE("a client that leaves leaves the queue") {
  Rig rig(scripts::hang(), one_at_a_time("{timeout: 60s}"));
  Connection first = ask(rig);
  CHECK(eventually([&] { return rig.upstream.request_count() == 1; }));
  {
    Connection second = ask(rig);
    CHECK(eventually([&] { return depth(rig) == 1; }));
  }
  CHECK(eventually([&] { return depth(rig) == 0; }));
}

TEST_CASE("nobody waits for an open circuit, and who waited is rejected when it opens") {
  Rig rig(scripts::hang(), one_at_a_time("{timeout: 60s}"));
  Connection first = ask(rig);
  CHECK(eventually([&] { return rig.upstream.request_count() == 1; }));
  Connection second = ask(rig);
  CHECK(eventually([&] { return depth(rig) == 1; }));
  REQUIRE(rig.proxy.admin_change("/admin/circuit-breakers/orders/force-open").status == 200);
  check_problem(rig.proxy.get("/"), 503, "CircuitBreakerOpen", "destination_unavailable");
  { const Connection gone = std::move(first); }
  check_problem(read_response(second), 503, "CircuitBreakerOpen", "destination_unavailable");
}

TEST_CASE("the rate limit answers 429 with Retry-After, and a fallback may stand in") {
  Rig rig(scripts::ok(), "    limits: {rate: {requests_per_second: 0.1, burst: 2}}\n");
  CHECK(rig.proxy.get("/").status == 200);
  CHECK(rig.proxy.get("/").status == 200);
  const Response limited = rig.proxy.get("/");
  check_problem(limited, 429, "RateLimited");
  CHECK(limited.field("Retry-After") == "10");
  CHECK(rig.upstream.request_count() == 2);
  CHECK(refused(rig, "rate") == 1);
  CHECK(rig.proxy.breaker().totals.neutral == 0);
}

TEST_CASE("the response timeout follows the upstream's latency, and a reset forgets it") {
  Rig rig(scripts::ok(),
          "    timeouts: {response: 9s, adaptive: {minimum_samples: 5, min: 200ms, max: 8s}}\n    retries: {attempts: "
          "0}\n");
  const std::string series = "fusewire_adaptive_timeout_seconds{upstream=\"orders\"}";
  CHECK(rig.proxy.metric(series) == 9);
  for (int i = 0; i < 10; ++i) CHECK(rig.proxy.get("/").status == 200);
  CHECK(eventually([&] { return rig.proxy.metric(series) < 1; }));
  rig.upstream.script(scripts::hang());
  check_problem(rig.proxy.get("/"), 504, "ResponseTimeout");
  REQUIRE(rig.proxy.admin_change("/admin/circuit-breakers/orders/reset").status == 200);
  CHECK(eventually([&] { return rig.proxy.metric(series) == 9; }));
}

TEST_CASE("a deadline of somebody who is not trusted neither counts nor passes") {
  Rig rig(scripts::delayed(100ms, scripts::ok()), "", "    trust_forwarded: [10.9.9.9/32]\n");
  CHECK(rig.proxy.get("/", "X-Request-Timeout-Ms: 1\r\n").status == 200);
  CHECK_FALSE(rig.upstream.requests().front().has("X-Request-Timeout-Ms"));
}

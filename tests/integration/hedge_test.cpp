// SPDX-License-Identifier: Apache-2.0
// Hedging (retries.hedge) through real sockets: who answers, what becomes of the slower attempt, and how many there
// are.
#include <atomic>
#include <chrono>
#include <string>

#include "tests/support/rig.hpp"

using namespace fusewire::testing;
using namespace std::chrono_literals;

namespace {

using Clock = std::chrono::steady_clock;

// Two endpoints, asked in turn.
struct Pair {
  Pair(Script first, Script second, const std::string& retries, const std::string& lines = {})
      : a(std::move(first)),
        b(std::move(second)),
        proxy("listen: 127.0.0.1:0\nupstreams:\n  orders:\n    load_balancing: {policy: round_robin}\n    retries: {" +
              retries + "}\n" + lines + "    endpoints: [http://127.0.0.1:" + std::to_string(a.port()) +
              ", http://127.0.0.1:" + std::to_string(b.port()) + "]\n") {}

  std::size_t requests() const { return a.request_count() + b.request_count(); }
  double hedges(const std::string& result) const {
    return proxy.metric("fusewire_hedges_total{upstream=\"orders\",result=\"" + result + "\"}");
  }

  ScriptedUpstream a;
  ScriptedUpstream b;
  TestProxy proxy;
};

// Waits for up to ten seconds for the proxy to hang up, and counts that.
Script abandoned(std::atomic<int>& times) {
  return [&times](fusewire::testing::Call& call) {
    call.read_body();
    if (!call.wait(10s)) ++times;
  };
}

}  // namespace

TEST_CASE("a request that an endpoint is slow to answer gets its answer from another one, and the slow one is let go") {
  std::atomic<int> abandoned_times{0};
  Pair orders(abandoned(abandoned_times), scripts::ok("quick"), "budget: off, hedge: {after: 100ms}");
  const auto begun = Clock::now();
  for (int i = 0; i < 6; ++i) CHECK(orders.proxy.get("/").body == "quick");
  CHECK(Clock::now() - begun < 8s);
  CHECK(orders.a.request_count() > 0);
  CHECK(orders.hedges("won") == static_cast<double>(orders.a.request_count()));
  CHECK(eventually([&] { return abandoned_times == static_cast<int>(orders.a.request_count()); }));
  CHECK(eventually([&] { return orders.a.open_connections() == 0; }));
  CHECK(orders.proxy.breaker().totals.success == 6);
  CHECK(orders.proxy.breaker().totals.failure == 0);
}

TEST_CASE("the slower attempt opens no breaker") {
  Pair orders(scripts::hang(), scripts::ok("quick"), "budget: off, hedge: {after: 50ms}",
              "    circuit_breaker: {scope: endpoint, detection: {consecutive_failures: {threshold: 1}}}\n");
  for (int i = 0; i < 10; ++i) CHECK(orders.proxy.get("/").status == 200);
  CHECK(orders.a.request_count() >= 4);
  CHECK(orders.hedges("won") == static_cast<double>(orders.a.request_count()));
}

TEST_CASE("a trial at a half-open endpoint has no hedge, and one that hangs opens its breaker again") {
  std::atomic<bool> hangs{false};
  const Script first = [&](fusewire::testing::Call& call) { (hangs ? scripts::hang() : scripts::reset())(call); };
  Pair orders(
      first, scripts::ok("quick"), "budget: off, hedge: {after: 50ms}",
      "    circuit_breaker: {scope: endpoint, detection: {consecutive_failures: {threshold: 1}, slow_call_rate: "
      "{slower_than: 200ms}}, transitions: {open_timeout: 100ms, backoff: {max: 100ms, jitter: 0}}}\n");
  const auto ask_until_trip = [&](std::int64_t number) {
    return eventually([&] {
      orders.proxy.get("/", "X-Request-Timeout-Ms: 300\r\n");
      const auto breaker =
          orders.proxy.admin_json("/admin/circuit-breakers/orders%2F127.0.0.1:" + std::to_string(orders.a.port()));
      return breaker.at("totals").at("trips").to_number<std::int64_t>() >= number;
    });
  };
  REQUIRE(ask_until_trip(1));
  hangs = true;
  CHECK(ask_until_trip(2));
}

TEST_CASE("where the first attempt answers after all, the hedge is let go") {
  std::atomic<int> asked{0};
  std::atomic<int> abandoned_times{0};
  const Script slow_then_silent = [&](fusewire::testing::Call& call) {
    (asked.fetch_add(1) == 0 ? scripts::delayed(400ms, scripts::ok("first")) : abandoned(abandoned_times))(call);
  };
  Pair orders(slow_then_silent, slow_then_silent, "budget: off, hedge: {after: 100ms}");
  CHECK(orders.proxy.get("/").body == "first");
  CHECK(eventually([&] { return abandoned_times == 1; }));
  CHECK(orders.hedges("lost") == 1);
  CHECK(orders.requests() == 2);
}

TEST_CASE("a POST has no hedge, unless methods names it") {
  Pair orders(scripts::delayed(300ms, scripts::ok()), scripts::delayed(300ms, scripts::ok()),
              "budget: off, hedge: {after: 20ms}");
  CHECK(orders.proxy.request("POST", "/", "", "x").status == 200);
  CHECK(orders.requests() == 1);
  Pair listed(scripts::delayed(300ms, scripts::echo()), scripts::echo(),
              "methods: [POST], budget: off, hedge: {after: 20ms}");
  CHECK(listed.proxy.request("POST", "/", "", "x").body == "x");
  CHECK(listed.proxy.request("POST", "/", "", "x").body == "x");
  // A machine that is busy makes the quick one wait for a hedge as well.
  CHECK(static_cast<double>(listed.requests()) == 2 + listed.hedges("won") + listed.hedges("lost"));
  CHECK(listed.hedges("won") > 0);
}

TEST_CASE("a body that still comes when the request has begun has no hedge") {
  Pair orders(scripts::echo(), scripts::echo(), "budget: off, hedge: {after: 20ms}");
  Connection client = orders.proxy.connect();
  client.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbo");
  CHECK(eventually([&] { return orders.requests() == 1; }));
  CHECK_FALSE(client.ended(200ms));
  client.send("dy");
  CHECK(read_response(client).body == "body");
  CHECK(orders.requests() == 1);
}

TEST_CASE("without a token of the budget there is no hedge") {
  Pair orders(scripts::delayed(200ms, scripts::ok()), scripts::delayed(200ms, scripts::ok()),
              "budget: {ratio: 0, min_per_second: 0}, hedge: {after: 20ms}");
  for (int i = 0; i < 3; ++i) CHECK(orders.proxy.get("/").status == 200);
  CHECK(orders.requests() == 3);
  CHECK(orders.hedges("over_budget") == 3);
}

TEST_CASE("an upstream that grows slow is asked at most 1 + ratio times as often") {
  Pair orders(scripts::delayed(60ms, scripts::ok()), scripts::delayed(60ms, scripts::ok()),
              "budget: {ratio: 0.2, min_per_second: 0}, hedge: {after: 10ms}");
  for (int i = 0; i < 50; ++i) CHECK(orders.proxy.get("/").status == 200);
  CHECK(orders.requests() > 50);
  CHECK(orders.requests() <= 60);
}

TEST_CASE("where both attempts fail the call has one verdict") {
  Pair orders(scripts::delayed(200ms, scripts::reset()), scripts::delayed(300ms, scripts::reset()),
              "attempts: 0, budget: off, hedge: {after: 50ms}");
  CHECK(orders.proxy.get("/").status == 502);
  CHECK(orders.requests() == 2);
  CHECK(orders.proxy.breaker().totals.failure == 1);
  CHECK(orders.hedges("failed") == 1);
}

TEST_CASE("a first attempt that fails while its hedge runs is not tried again") {
  Pair orders(scripts::delayed(200ms, scripts::reset()), scripts::delayed(400ms, scripts::ok("hedge")),
              "budget: off, hedge: {after: 50ms}");
  CHECK(orders.proxy.get("/").body == "hedge");
  CHECK(orders.requests() == 2);
  CHECK(orders.proxy.breaker().totals.success == 1);
}

TEST_CASE("the only endpoint is asked a second time") {
  Rig rig(scripts::in_turn({scripts::hang(), scripts::ok("second")}), "    retries: {hedge: {after: 50ms}}\n");
  CHECK(rig.proxy.get("/").body == "second");
  CHECK(eventually([&] { return rig.upstream.open_connections() == 1; }));
}

TEST_CASE("a hedge lives inside the request's deadline") {
  Pair orders(scripts::hang(), scripts::hang(), "budget: off, hedge: {after: 50ms}");
  const auto begun = Clock::now();
  CHECK(orders.proxy.get("/", "X-Request-Timeout-Ms: 300\r\n").status == 504);
  CHECK(Clock::now() - begun < 2s);
  CHECK(orders.requests() == 2);
  CHECK(eventually([&] { return orders.a.open_connections() + orders.b.open_connections() == 0; }));
}

TEST_CASE("a client that leaves ends both attempts") {
  std::atomic<int> abandoned_times{0};
  Pair orders(abandoned(abandoned_times), abandoned(abandoned_times), "budget: off, hedge: {after: 50ms}");
  {
    Connection client = orders.proxy.connect();
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(eventually([&] { return orders.requests() == 2; }));
  }
  CHECK(eventually([&] { return abandoned_times == 2; }));
  CHECK(orders.proxy.breaker().totals.neutral == 1);
}

TEST_CASE("a percentile of the upstream's own latency says when, once a hundred answers are known") {
  Rig rig(scripts::ok(), "    retries: {budget: off, hedge: {after: p90}}\n");
  const auto after = [&] {
    return rig.proxy.admin_json("/admin/upstreams").at("upstreams").as_array().at(0).at("hedge_after_ms");
  };
  CHECK(after().is_null());
  Connection client = rig.proxy.connect();
  for (int i = 0; i < 120; ++i) {
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    REQUIRE(read_response(client).status == 200);
  }
  CHECK(eventually([&] { return !after().is_null(); }));
  rig.upstream.script([asked = std::make_shared<std::atomic<int>>(0)](fusewire::testing::Call& call) {
    if (asked->fetch_add(1) == 0) return call.hang();
    scripts::ok("second")(call);
  });
  CHECK(rig.proxy.get("/").body == "second");
}

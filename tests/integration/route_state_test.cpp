// SPDX-License-Identifier: Apache-2.0
// Routes with a breaker and limits of their own, and the adaptive limit of requests at a time.
#include <string>
#include <vector>

#include "tests/support/eventually.hpp"
#include "tests/support/rig.hpp"

using namespace fusewire::testing;

namespace {

// Two routes to one upstream: /read and everything else.
std::string two_routes(const std::string& of_read, const std::string& upstream_lines = {}) {
  return "listeners:\n  - name: main\n    address: 127.0.0.1:0\n    routes:\n"
         "      - {name: read, match: {path_prefix: /read}, upstream: orders" +
         of_read +
         "}\n"
         "      - {name: rest, upstream: orders}\n"
         "upstreams:\n  orders:\n    endpoints: [\"http://127.0.0.1:${ORDERS}\"]\n    retries: {attempts: 0}\n" +
         upstream_lines;
}

const Script kReadFails = [](Call& call) {
  (call.request().target.starts_with("/read") ? scripts::status(500) : scripts::ok())(call);
};

struct Routes {
  explicit Routes(Script script, const std::string& of_read, const std::string& upstream_lines = {})
      : upstream(std::move(script)), proxy(two_routes(of_read, upstream_lines), {{"ORDERS", upstream.port()}}) {}

  std::string state(const std::string& name) const {
    return std::string(proxy.admin_json("/admin/circuit-breakers/" + name).at("state").as_string());
  }
  void open_read() {
    for (int i = 0; i < 5; ++i) CHECK(proxy.get("/read").status == 500);
  }

  ScriptedUpstream upstream;
  TestProxy proxy;
};

}  // namespace

TEST_CASE("a route's breaker opens while the other route of its upstream serves on") {
  Routes rig(kReadFails, ", circuit_breaker: {scope: route}");
  rig.open_read();
  const auto body = check_problem(rig.proxy.get("/read"), 503, "CircuitBreakerOpen", "destination_unavailable");
  CHECK(std::string(body.at("detail").as_string())
            .starts_with("circuit breaker 'orders/read' is open: 5 failures in a row"));
  CHECK(rig.proxy.get("/other").status == 200);
  CHECK(rig.state("orders%2Fread") == "open");
  CHECK(rig.state("orders") == "closed");
  CHECK(rig.proxy.metric("circuit_breaker_state{name=\"orders/read\"}") == 1);
  CHECK(rig.proxy.metric("circuit_breaker_requests_total{name=\"orders/read\",result=\"rejected\"}") == 1);
  CHECK(rig.proxy.metric("circuit_breaker_requests_total{name=\"orders\",result=\"failure\"}") == 0);
  CHECK(rig.proxy.metric("circuit_breaker_requests_total{name=\"orders\",result=\"success\"}") == 1);
}

TEST_CASE("a reload keeps a route's open breaker, and a reset by its name closes it") {
  Routes rig(kReadFails, ", circuit_breaker: {scope: route}");
  rig.open_read();
  REQUIRE(rig.proxy.reload(two_routes(", circuit_breaker: {scope: route}", "    timeouts: {total: 9s}\n")).status ==
          200);
  CHECK(rig.proxy.get("/read").status == 503);
  REQUIRE(rig.proxy.admin_change("/admin/circuit-breakers/orders%2Fread/reset").status == 200);
  CHECK(rig.proxy.get("/read").status == 500);
}

TEST_CASE("a route's breaker is probed as it says, and closes without a user's request") {
  const Script fails = [](Call& call) {
    scripts::status(call.request().target.starts_with("/read") ? 500 : 200)(call);
  };
  Routes rig(fails,
             ", circuit_breaker: {scope: route, transitions: {open_timeout: 100ms, backoff: {multiplier: 1}}, "
             "recovery: {probe: {type: active, path: /ping, interval: 20ms}}}");
  rig.open_read();
  CHECK(eventually([&] { return rig.state("orders%2Fread") == "closed"; }));
  CHECK(rig.upstream.request_count() == 5 + 3);  // success_threshold
}

TEST_CASE("force-open of an upstream stops its routes, and of a route that route alone") {
  Routes rig(scripts::ok(), ", circuit_breaker: {scope: route}");
  REQUIRE(rig.proxy.admin_change("/admin/circuit-breakers/orders%2Fread/force-open").status == 200);
  CHECK(rig.proxy.get("/read").status == 503);
  CHECK(rig.proxy.get("/other").status == 200);
  REQUIRE(rig.proxy.admin_change("/admin/circuit-breakers/orders%2Fread/release").status == 200);
  REQUIRE(rig.proxy.admin_change("/admin/circuit-breakers/orders/force-open").status == 200);
  CHECK(rig.proxy.get("/read").status == 503);
  CHECK(rig.proxy.get("/other").status == 503);
}

TEST_CASE("a route's rate limit leaves the other routes alone, and its retries cost no token") {
  Routes rig(scripts::in_turn({scripts::reset(), scripts::ok()}),
             ", limits: {rate: {requests_per_second: 0.01, burst: 2}}, retries: {attempts: 1, on: [reset]}");
  CHECK(rig.proxy.get("/read").status == 200);
  CHECK(rig.upstream.request_count() == 2);
  CHECK(rig.proxy.get("/read").status == 200);
  const auto body = check_problem(rig.proxy.get("/read"), 429, "RateLimited");
  CHECK(std::string(body.at("detail").as_string()).starts_with("route 'orders/read'"));
  CHECK(rig.proxy.get("/other").status == 200);
  CHECK(rig.proxy.metric("fusewire_limited_total{upstream=\"orders\",route=\"read\",limit=\"rate\"}") == 1);
  CHECK(rig.proxy.metric("fusewire_limited_total{upstream=\"orders\",limit=\"rate\"}") == 0);
  CHECK(rig.proxy.breaker().totals.failure == 0);
}

TEST_CASE("requests beyond a route's limit wait in its queue, while the other route serves") {
  std::atomic<bool> open{false};
  Routes rig(
      [&](Call& call) {
        while (call.request().target == "/read" && !open && call.wait(5ms)) {
        }
        scripts::ok("done")(call);
      },
      ", limits: {max_concurrent_requests: 1, queue: {size: 1, timeout: 30s}}");
  const auto ask = [&] {
    Connection client = rig.proxy.connect();
    client.send("GET /read HTTP/1.1\r\nHost: a\r\n\r\n");
    return client;
  };
  Connection first = ask();
  CHECK(eventually([&] { return rig.upstream.request_count() == 1; }));
  Connection second = ask();
  const std::string depth = "fusewire_queue_depth{upstream=\"orders\",route=\"read\"}";
  CHECK(eventually([&] { return rig.proxy.metric(depth) == 1; }));
  check_problem(rig.proxy.get("/read"), 503, "ConcurrencyLimit", "connection_limit_reached");
  CHECK(rig.proxy.get("/other").status == 200);
  open = true;
  CHECK(read_response(first).body == "done");
  CHECK(read_response(second).body == "done");
  const auto upstream = rig.proxy.admin_json("/admin/upstreams").at("upstreams").as_array()[0].as_object();
  const auto& route = upstream.at("routes").as_array()[0].as_object();
  CHECK(route.at("route").as_string() == "read");
  CHECK(route.at("max_concurrent_requests").to_number<int>() == 1);
  CHECK(eventually([&] { return rig.proxy.metric(depth) == 0; }));
}

TEST_CASE("an adaptive limit is shown, refuses what is beyond it as ConcurrencyLimit, and the fallback answers") {
  std::atomic<bool> slow{false};
  Rig rig(
      [&](Call& call) {
        while (slow && call.wait(5ms)) {
        }
        scripts::reply("HTTP/1.1 200 OK\r\nCache-Control: max-age=0\r\nContent-Length: 5\r\n\r\nhello")(call);
      },
      "    limits: {adaptive_concurrency: {min_limit: 1, initial_limit: 2, max_limit: 3}}\n"
      "    fallback: {chain: [{cache: {max_stale: 10m}}]}\n");
  CHECK(rig.proxy.metric("fusewire_adaptive_concurrency_limit{upstream=\"orders\"}") == 2);
  CHECK(rig.proxy.metric("fusewire_adaptive_concurrency_minimum_latency_seconds{upstream=\"orders\"}") == 0);
  for (int i = 0; i < 60; ++i) CHECK(rig.proxy.get("/").status == 200);
  CHECK(rig.proxy.metric("fusewire_adaptive_concurrency_minimum_latency_seconds{upstream=\"orders\"}") > 0);
  slow = true;
  std::vector<Connection> waiting;
  const std::size_t before = rig.upstream.request_count();
  for (std::size_t i = 1; i <= 3; ++i) {
    waiting.push_back(rig.proxy.connect());
    waiting.back().send("GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: a\r\n\r\n");
    if (i <= 2) CHECK(eventually([&] { return rig.upstream.request_count() == before + i; }));
  }
  check_problem(read_response(waiting.back()), 503, "ConcurrencyLimit", "connection_limit_reached");
  CHECK(rig.proxy.get("/").body == "hello");  // stale
  CHECK(rig.upstream.request_count() == before + 2);
  CHECK(rig.proxy.breaker().totals.failure == 0);
  const auto upstream = rig.proxy.admin_json("/admin/upstreams").at("upstreams").as_array()[0].as_object();
  CHECK(upstream.at("adaptive_concurrency").as_object().at("limit").to_number<int>() == 2);
  slow = false;
}

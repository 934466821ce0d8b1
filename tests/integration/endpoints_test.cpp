// SPDX-License-Identifier: Apache-2.0
// Several endpoints of one upstream: what one of them does is not the others' fault.
#include <memory>
#include <string>
#include <vector>

#include "tests/support/rig.hpp"
#include "tests/support/silent_port.hpp"

using namespace fusewire::testing;

namespace {

constexpr const char* kQuick = "    circuit_breaker: {transitions: {open_timeout: 1s, backoff: {jitter: 0}}}\n";

// One upstream named `orders` with an endpoint for each script, under `lines`.
struct Endpoints {
  explicit Endpoints(const std::vector<Script>& scripts, const std::string& lines = {},
                     const std::vector<std::string>& keys = {}) {
    for (const Script& script : scripts) upstreams.push_back(std::make_unique<ScriptedUpstream>(script));
    std::string list;
    for (std::size_t i = 0; i < upstreams.size(); ++i)
      list += "      - {url: \"http://127.0.0.1:" + std::to_string(upstreams[i]->port()) + "\"" +
              (i < keys.size() ? ", " + keys[i] : "") + "}\n";
    proxy = std::make_unique<TestProxy>("listen: 127.0.0.1:0\nupstreams:\n  orders:\n    endpoints:\n" + list + lines);
  }
  std::size_t requests(std::size_t endpoint) const { return upstreams[endpoint]->request_count(); }
  // How many of n requests were answered by a 200.
  int good(int n, const std::string& method = "GET") const {
    int answered = 0;
    for (int i = 0; i < n; ++i) answered += proxy->request(method, "/", "", method == "POST" ? "x" : "").status == 200;
    return answered;
  }
  std::string state(std::size_t endpoint) const {
    const auto answer = proxy->admin_json("/admin/upstreams");
    for (const auto& upstream : answer.at("upstreams").as_array())
      for (const auto& one : upstream.at("endpoints").as_array())
        if (one.at("url").as_string().ends_with(":" + std::to_string(upstreams[endpoint]->port())))
          for (const auto& address : one.at("address_states").as_array())
            return std::string(address.at("breaker_state").as_string());
    return "unknown";
  }

  std::vector<std::unique_ptr<ScriptedUpstream>> upstreams;
  std::unique_ptr<TestProxy> proxy;
};

}  // namespace

TEST_CASE("a request that an endpoint refuses goes to the next one at once, whatever its method") {
  Endpoints orders({scripts::ok(), scripts::ok(), scripts::ok()}, "    retries: {attempts: 0}\n");
  orders.upstreams[0]->kill();
  orders.upstreams[2]->kill();
  CHECK(orders.good(20) == 20);
  CHECK(orders.good(20, "POST") == 20);
  CHECK(orders.requests(1) == 40);
}

TEST_CASE("an endpoint that accepts no connection within timeouts.connect is passed over likewise") {
  const SilentPort silent;
  ScriptedUpstream good;
  TestProxy proxy(
      "listen: 127.0.0.1:0\nupstreams:\n  orders:\n    retries: {attempts: 0}\n    timeouts: {connect: 100ms}\n"
      "    load_balancing: {policy: round_robin}\n    endpoints: [http://127.0.0.1:" +
      std::to_string(silent.number()) + ", http://127.0.0.1:" + std::to_string(good.port()) + "]\n");
  for (int i = 0; i < 4; ++i) CHECK(proxy.request("POST", "/", "", "x").status == 200);
}

TEST_CASE("a request that was sent goes nowhere else where it must not be repeated") {
  Endpoints orders({scripts::reset(), scripts::reset()});
  CHECK(orders.proxy->request("POST", "/", "", "x").status == 502);
  CHECK(orders.requests(0) + orders.requests(1) == 1);
}

TEST_CASE("one bad endpoint opens its own breaker, and never the upstream's") {
  Endpoints orders({scripts::ok(), scripts::status(500)}, "    load_balancing: {policy: round_robin}\n");
  CHECK(orders.good(60) == 55);
  CHECK(orders.requests(1) == 5);
  CHECK(orders.state(1) == "open");
  CHECK(orders.state(0) == "closed");
  CHECK(orders.proxy->state() == "closed");
  CHECK(orders.proxy->breaker().totals.failure == 5);
  CHECK(orders.proxy->breaker().window.failures == 0);
}

TEST_CASE("where the breakers of all endpoints are open the upstream answers as open, but for a trial now and then") {
  Endpoints orders({scripts::status(500), scripts::status(503)});
  CHECK(orders.good(10) == 0);
  CHECK(orders.requests(0) == 5);
  CHECK(orders.requests(1) == 5);
  orders.proxy->get("/");  // a trial, though no interval is over
  const auto before = orders.proxy->breaker().totals;
  Response rejected;
  CHECK(eventually([&] { return (rejected = orders.proxy->get("/")).has("Proxy-Status"); }));
  const auto problem = check_problem(rejected, 503, "CircuitBreakerOpen", "destination_unavailable");
  CHECK(std::string(problem.at("detail").as_string())
            .starts_with("the circuit breakers of all endpoints of 'orders' are open; next trial in "));
  CHECK(rejected.has("Retry-After"));
  CHECK(orders.proxy->breaker().totals.success == before.success);  // a rejection is no call
  CHECK(orders.proxy->breaker().totals.rejected > 0);
  CHECK(orders.proxy->metric("circuit_breaker_state{name=\"orders\"}") == 1);
  orders.upstreams[1]->script(scripts::ok());
  CHECK(eventually([&] { return orders.good(1) == 1 && orders.state(1) == "closed"; }));
  CHECK(orders.proxy->metric("circuit_breaker_state{name=\"orders\"}") == 0);
}

TEST_CASE("where the breakers of all endpoints are open a rejection spends nothing of the rate limit") {
  Endpoints orders({scripts::status(500), scripts::status(503)},
                   "    limits: {rate: {requests_per_second: 1, burst: 60}}\n");
  CHECK(orders.good(10) == 0);
  for (int i = 0; i < 300; ++i) CHECK(orders.proxy->get("/").status != 429);
}

TEST_CASE("an endpoint that is good again gets its trial calls, and its share") {
  Endpoints orders({scripts::ok(), scripts::status(500)},
                   std::string(kQuick) + "    load_balancing: {policy: round_robin}\n");
  CHECK(orders.good(10) == 5);
  CHECK(orders.state(1) == "open");
  orders.upstreams[1]->script(scripts::ok());
  CHECK(eventually([&] {
    orders.good(5);
    return orders.state(1) == "closed";
  }));
  const std::size_t before = orders.requests(1);
  CHECK(eventually([&] { return orders.good(20) == 20 && orders.requests(1) > before + 5; }));
}

TEST_CASE("what an endpoint's breaker rejects while it ramps up is answered by another endpoint") {
  Endpoints orders(
      {scripts::ok("good"), scripts::status(500)},
      "    load_balancing: {policy: round_robin}\n    circuit_breaker: {transitions: {open_timeout: 100ms}, "
      "recovery: {ramp: {duration: 1h}}}\n");
  CHECK(orders.good(10) == 5);
  orders.upstreams[1]->script(scripts::ok("ramping"));
  CHECK(eventually([&] {
    orders.good(1);
    return orders.state(1) == "closed";
  }));
  const std::size_t before = orders.requests(1);
  for (int i = 0; i < 40; ++i) {
    const Response answer = orders.proxy->get("/");
    CHECK(answer.status == 200);
    CHECK_FALSE(answer.has("Proxy-Status"));
    CHECK((answer.body == "good" || answer.body == "ramping"));
  }
  CHECK(orders.requests(1) - before < 10);
}

TEST_CASE("an endpoint that hangs is avoided before its first timeout") {
  Endpoints orders({scripts::ok(), scripts::hang()});
  Connection stuck = orders.proxy->connect();
  std::vector<Connection> waiting;
  while (orders.requests(1) == 0 && waiting.size() < 50) {
    waiting.push_back(orders.proxy->connect());
    REQUIRE(waiting.back().send("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    CHECK(eventually([&] { return orders.requests(0) + orders.requests(1) == waiting.size(); }));
  }
  REQUIRE(orders.requests(1) == 1);
  const std::size_t before = orders.requests(0);
  for (int i = 0; i < 100; ++i) {
    waiting.push_back(orders.proxy->connect());
    waiting.back().send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(eventually(
        [&] { return orders.requests(0) + orders.requests(1) == before + 2 + static_cast<std::size_t>(i); }));
  }
  CHECK(orders.requests(1) <= 4);
}

TEST_CASE("with scope: upstream there is one breaker for all endpoints") {
  Endpoints orders(
      {scripts::status(500), scripts::status(500)},
      "    circuit_breaker: {scope: upstream, detection: {consecutive_failures: {threshold: 5, chance: off}}}\n");
  CHECK(orders.good(5) == 0);
  CHECK(orders.proxy->state() == "open");
  CHECK(orders.requests(0) + orders.requests(1) == 5);
}

TEST_CASE("a backup is asked only where no other endpoint can be") {
  Endpoints orders({scripts::ok("first"), scripts::ok("backup")}, "", {"weight: 1", "backup: true"});
  CHECK(orders.good(20) == 20);
  CHECK(orders.requests(1) == 0);
  orders.upstreams[0]->kill();
  CHECK(orders.good(20) == 20);
  CHECK(orders.requests(1) == 20);
}

TEST_CASE("an endpoint of weight 0 gets nothing, others by their weight") {
  Endpoints orders({scripts::ok(), scripts::ok(), scripts::ok()}, "    load_balancing: {policy: round_robin}\n",
                   {"weight: 3", "weight: 0", "weight: 1"});
  CHECK(orders.good(40) == 40);
  CHECK(orders.requests(0) >= 28);
  CHECK(orders.requests(0) <= 32);
  CHECK(orders.requests(1) == 0);
}

TEST_CASE("requests with one key go to one endpoint") {
  Endpoints orders({scripts::ok(), scripts::ok(), scripts::ok()},
                   "    load_balancing: {policy: hash, hash: {by: header, name: x-user}}\n");
  for (int i = 0; i < 12; ++i) CHECK(orders.proxy->get("/", "X-User: ada\r\n").status == 200);
  int used = 0;
  for (std::size_t i = 0; i < 3; ++i) used += orders.requests(i) > 0;
  CHECK(used == 1);
  for (int i = 0; i < 60; ++i) orders.proxy->get("/", "X-User: user" + std::to_string(i) + "\r\n");
  for (std::size_t i = 0; i < 3; ++i) CHECK(orders.requests(i) > 5);
}

TEST_CASE("a reload keeps an endpoint's breaker, and a renewed setting reaches it") {
  Endpoints orders({scripts::ok(), scripts::status(500)}, "    load_balancing: {policy: round_robin}\n");
  orders.good(12);
  REQUIRE(orders.state(1) == "open");
  const std::string url = "http://127.0.0.1:";
  const std::string list = "[" + url + std::to_string(orders.upstreams[0]->port()) + ", " + url +
                           std::to_string(orders.upstreams[1]->port()) + "]";
  REQUIRE(orders.proxy
              ->reload("listen: 127.0.0.1:0\nupstreams:\n  orders:\n    endpoints: " + list +
                       "\n    timeouts: {response: 9s}\n")
              .status == 200);
  CHECK(orders.state(1) == "open");
  CHECK(orders.good(10) == 10);
  REQUIRE(orders.proxy
              ->reload("listen: 127.0.0.1:0\nupstreams:\n  orders:\n    endpoints: " + list +
                       "\n    circuit_breaker: {mode: disabled}\n")
              .status == 200);
  CHECK(orders.state(1) == "closed");
}

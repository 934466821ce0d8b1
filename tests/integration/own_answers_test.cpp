// SPDX-License-Identifier: Apache-2.0
// docs/reference.md, "What the proxy itself answers": status, fields and body, exactly.
#include <boost/json/value_to.hpp>
#include <string>

#include "tests/support/rig.hpp"

using namespace fusewire::testing;

namespace {

std::string text(const boost::json::object& body, const char* key) {
  REQUIRE(body.contains(key));
  return boost::json::value_to<std::string>(body.at(key));
}

void trip(Rig& rig) {
  rig.upstream.script(scripts::status(500));
  for (int i = 0; i < 5; ++i) REQUIRE(rig.proxy.get("/").status == 500);
}

}  // namespace

TEST_CASE("an open breaker is answered with everything that is known about it") {
  Rig rig;
  trip(rig);
  const Response reply = rig.proxy.get("/");
  const auto body = check_problem(reply, 503, "CircuitBreakerOpen", "destination_unavailable");

  CHECK(text(body, "upstream") == "orders");
  CHECK(text(body, "state") == "open");
  const auto left = boost::json::value_to<long>(body.at("retry_after_ms"));
  CHECK(left > 0);
  CHECK(left <= 33000);  // 30s and 10 % jitter
  CHECK(reply.field("Retry-After") == std::to_string((left + 999) / 1000));
  const std::string detail = text(body, "detail");
  CHECK(detail.rfind("circuit breaker 'orders' is open: 5 failures in a row; next trial in ", 0) == 0);
  CHECK(detail.substr(detail.size() - 2) == " s");
}

TEST_CASE("a forced open breaker says so and knows no time") {
  Rig rig;
  REQUIRE(rig.proxy.admin_change("/admin/circuit-breakers/orders/force-open").status == 200);
  const Response reply = rig.proxy.get("/");
  const auto body = check_problem(reply, 503, "CircuitBreakerOpen", "destination_unavailable");
  CHECK(text(body, "state") == "forced_open");
  CHECK_FALSE(reply.has("Retry-After"));
  CHECK_FALSE(body.contains("retry_after_ms"));

  REQUIRE(rig.proxy.admin_change("/admin/circuit-breakers/orders/force-open?for=10m").status == 200);
  const Response timed = rig.proxy.get("/");
  CHECK(std::stoi(timed.field("Retry-After")) > 590);
  CHECK(std::stoi(timed.field("Retry-After")) <= 600);
  CHECK(rig.upstream.request_count() == 0);
}

TEST_CASE("the answer to HEAD has the same head and no body") {
  Rig rig;
  REQUIRE(rig.proxy.admin_change("/admin/circuit-breakers/orders/force-open").status == 200);
  Connection client = rig.proxy.connect();
  client.send("HEAD / HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n");
  const Response head = read_response(client, "HEAD");
  CHECK(head.status == 503);
  CHECK(head.field("Content-Type") == "application/problem+json");
  check_problem(read_response(client), 503, "CircuitBreakerOpen", "destination_unavailable");
}

TEST_CASE("a request that no route takes is answered 404") {
  ScriptedUpstream upstream;
  TestProxy proxy(
      "listeners:\n  - name: main\n    address: 127.0.0.1:0\n    routes:\n"
      "      - match: {host: orders.local}\n        upstream: orders\n"
      "upstreams: {orders: \"http://127.0.0.1:${ORDERS}\"}\n",
      {{"ORDERS", upstream.port()}});
  Connection client = proxy.connect();
  client.send("GET / HTTP/1.1\r\nHost: other.local\r\n\r\n");
  const auto body = check_problem(read_response(client), 404, "NoRoute");
  CHECK_FALSE(body.contains("retry_after_ms"));

  client.send("GET / HTTP/1.1\r\nHost: Orders.Local:80\r\n\r\n");
  CHECK(read_response(client).status == 200);
}

TEST_CASE("CONNECT and TRACE are answered 405") {
  Rig rig;
  for (const char* request : {"CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n", "TRACE / HTTP/1.1\r\nHost: h\r\n\r\n"}) {
    Connection client = rig.proxy.connect();
    client.send(request);
    check_problem(read_response(client), 405, "MethodNotAllowed");
  }
  CHECK(rig.upstream.request_count() == 0);
}

TEST_CASE("a request that carries our own Via is a loop") {
  Rig rig;
  REQUIRE(rig.proxy.get("/").status == 200);
  const std::string via = rig.upstream.requests().front().field("Via");
  check_problem(rig.proxy.get("/", "Via: 1.1 another, " + via + "\r\n"), 502, "LoopDetected", "proxy_loop_detected");
  CHECK(rig.proxy.get("/", "Via: 1.1 another\r\n").status == 200);
  CHECK(rig.upstream.request_count() == 2);
}

TEST_CASE("an answer of the proxy tells no internal address, port or version") {
  ReservedPort nobody;
  TestProxy proxy(orders(kNoBreaker), {{"ORDERS", nobody.number()}});
  const Response reply = proxy.get("/");
  check_problem(reply, 502, "ConnectFailed", "connection_refused");
  CHECK(reply.body.find("127.0.0.1") == std::string::npos);
  CHECK(reply.body.find(std::to_string(nobody.number())) == std::string::npos);
  CHECK(reply.body.find(FUSEWIRE_VERSION) == std::string::npos);
  CHECK(reply.head.find(FUSEWIRE_VERSION) == std::string::npos);
}

TEST_CASE("the request id is the client's, or made, and is answered") {
  Rig rig;
  CHECK(rig.proxy.get("/", "X-Request-Id: abc-123\r\n").field("X-Request-Id") == "abc-123");
  CHECK(rig.upstream.requests().back().field("X-Request-Id") == "abc-123");
  const Response made = rig.proxy.get("/");
  CHECK(made.has("X-Request-Id"));
  CHECK(rig.upstream.requests().back().field("X-Request-Id") == made.field("X-Request-Id"));

  trip(rig);
  const Response own = rig.proxy.get("/", "X-Request-Id: abc-124\r\n");
  CHECK(text(check_problem(own, 503, "CircuitBreakerOpen"), "request_id") == "abc-124");
  CHECK(own.field("X-Request-Id") == "abc-124");
}

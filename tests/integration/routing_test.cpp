// SPDX-License-Identifier: Apache-2.0
// Which upstream a request goes to, and by which route's settings.
#include <string>

#include "tests/support/process.hpp"
#include "tests/support/rig.hpp"

using namespace fusewire::testing;

namespace {

std::string body_of(const TestProxy& proxy, const std::string& request_line, const std::string& fields) {
  Connection client = proxy.connect();
  client.send(request_line + " HTTP/1.1\r\n" + fields + "\r\n");
  const Response reply = read_response(client);
  return reply.status == 200 ? reply.body : std::to_string(reply.status);
}

}  // namespace

TEST_CASE("the first route that matches wins: host, path, prefix, method, field") {
  ScriptedUpstream a(scripts::ok("a")), b(scripts::ok("b")), c(scripts::ok("c")), d(scripts::ok("d")),
      e(scripts::ok("e"));
  TestProxy proxy(
      "listeners:\n  - name: main\n    address: 127.0.0.1:0\n    routes:\n"
      "      - {match: {host: shop.local, path_prefix: /v1/}, upstream: a}\n"
      "      - {match: {path: /exact}, upstream: b}\n"
      "      - {match: {path_prefix: /write, methods: [POST, PUT]}, upstream: c}\n"
      "      - {match: {headers: {x-canary: \"1\"}}, upstream: d}\n"
      "      - {match: {path_prefix: /v1/}, upstream: e}\n"
      "upstreams:\n  a: \"http://127.0.0.1:${A}\"\n  b: \"http://127.0.0.1:${B}\"\n  c: \"http://127.0.0.1:${C}\"\n"
      "  d: \"http://127.0.0.1:${D}\"\n  e: \"http://127.0.0.1:${E}\"\n",
      {{"A", a.port()}, {"B", b.port()}, {"C", c.port()}, {"D", d.port()}, {"E", e.port()}});
  CHECK(body_of(proxy, "GET /v1/x", "Host: shop.local\r\n") == "a");
  CHECK(body_of(proxy, "GET /v1/x", "Host: SHOP.local:8080\r\nX-Canary: 1\r\n") == "a");
  CHECK(body_of(proxy, "GET /v1/x", "Host: other\r\n") == "e");
  CHECK(body_of(proxy, "GET /v1/x", "Host: other\r\nX-Canary: 1\r\n") == "d");
  CHECK(body_of(proxy, "GET /v1", "Host: shop.local\r\n") == "404");
  CHECK(body_of(proxy, "GET /exact", "Host: other\r\n") == "b");
  CHECK(body_of(proxy, "GET /exact?query", "Host: other\r\n") == "b");
  CHECK(body_of(proxy, "GET /exactly", "Host: other\r\n") == "404");
  CHECK(body_of(proxy, "GET http://shop.local/v1/x", "Host: other\r\n") == "a");
  CHECK(body_of(proxy, "GET /write", "Host: other\r\n") == "404");
  CHECK(body_of(proxy, "PUT /write", "Host: other\r\nContent-Length: 0\r\n") == "c");
  CHECK(body_of(proxy, "GET /", "Host: other\r\nX-Canary: 10\r\n") == "404");
}

TEST_CASE("`listen` with several upstreams routes by Host") {
  ScriptedUpstream a(scripts::ok("a")), b(scripts::ok("b"));
  TestProxy proxy(
      "listen: 127.0.0.1:0\nupstreams: {orders: \"http://127.0.0.1:${A}\", users: \"http://127.0.0.1:${B}\"}\n",
      {{"A", a.port()}, {"B", b.port()}});
  CHECK(body_of(proxy, "GET /", "Host: orders\r\n") == "a");
  CHECK(body_of(proxy, "GET /", "Host: users:80\r\n") == "b");
  CHECK(body_of(proxy, "GET /", "Host: nobody\r\n") == "404");
}

TEST_CASE("path_prefix is by segments, in either form of a target") {
  ScriptedUpstream a(scripts::ok("a")), b(scripts::ok("b"));
  TestProxy proxy(
      "listeners:\n  - name: main\n    address: 127.0.0.1:0\n    routes:\n"
      "      - {match: {path_prefix: /v1}, upstream: a}\n      - {match: {path_prefix: /v1/}, upstream: b}\n"
      "upstreams:\n  a: \"http://127.0.0.1:${A}\"\n  b: \"http://127.0.0.1:${B}\"\n",
      {{"A", a.port()}, {"B", b.port()}});
  for (const char* target : {"/v1", "/v1/", "/v1/x", "/v1?x", "http://h/v1?/x"})
    CHECK(body_of(proxy, "GET " + std::string(target), "Host: h\r\n") == "a");
  for (const char* target : {"/v10", "/v1x/", "/v1%2fx", "/", "http://h?/v1", "http://h?x=http://h/v1"})
    CHECK(body_of(proxy, "GET " + std::string(target), "Host: h\r\n") == "404");
}

TEST_CASE("the 404 of a listener that routes by Host names its hosts, where none of them was asked for") {
  ScriptedUpstream a(scripts::ok("a"));
  TestProxy proxy(
      "listen: 127.0.0.1:0\nupstreams: {orders: \"http://127.0.0.1:${A}\", users: \"http://127.0.0.1:${A}\"}\n",
      {{"A", a.port()}});
  const auto problem = check_problem(proxy.get("/"), 404, "NoRoute", "destination_not_found");
  CHECK(problem.at("detail").as_string() ==
        "no route of this listener matches the request; the hosts of its routes are orders, users");
}

TEST_CASE("normalize: reject_dot_segments refuses paths with dot segments, however they are written") {
  ScriptedUpstream a(scripts::ok("a"));
  TestProxy proxy(
      "listeners:\n  - name: main\n    address: 127.0.0.1:0\n    routes:\n"
      "      - {match: {path_prefix: /v1}, upstream: a, normalize: reject_dot_segments}\n"
      "      - {match: {path_prefix: /free/}, upstream: a}\n"
      "upstreams:\n  a: \"http://127.0.0.1:${A}\"\n",
      {{"A", a.port()}});
  const auto ask = [&](const std::string& target) {
    Connection client = proxy.connect();
    client.send("GET " + target + " HTTP/1.1\r\nHost: h\r\n\r\n");
    return read_response(client);
  };
  for (const char* target : {"/v1/../admin", "/v1/%2e%2E/admin", "http://h/v1/.", "/v1/..?x", "/v1/..%2fadmin"}) {
    CAPTURE(target);
    check_problem(ask(target), 400, "BadRequest", "http_request_error");
  }
  CHECK(a.request_count() == 0);
  for (const char* target : {"/v1/...", "/v1/a..b", "/v1/x?../y", "/free/../admin"}) CHECK(ask(target).status == 200);
}

TEST_CASE("a route's timeouts and fallback win over the upstream's") {
  ScriptedUpstream upstream(scripts::hang());
  TestProxy proxy(
      "listeners:\n  - name: main\n    address: 127.0.0.1:0\n    routes:\n"
      "      - match: {path_prefix: /quick}\n        upstream: orders\n        timeouts: {response: 100ms}\n"
      "        fallback: {chain: [{static: {status: 200, body: instead}}]}\n"
      "      - upstream: orders\n"
      "upstreams:\n  orders:\n    endpoints: [\"http://127.0.0.1:${ORDERS}\"]\n    timeouts: {response: 400ms}\n",
      {{"ORDERS", upstream.port()}});
  CHECK(proxy.get("/quick").body == "instead");
  Response slow;
  CHECK(time_of([&] { slow = proxy.get("/slow"); }) >= 400ms);
  check_problem(slow, 504, "ResponseTimeout", "http_response_timeout");
}

TEST_CASE("an upstream with several endpoints uses them all") {
  ScriptedUpstream first, second;
  TestProxy proxy(
      "listen: 127.0.0.1:0\nupstreams:\n  orders:\n"
      "    endpoints: [\"http://127.0.0.1:${A}\", \"http://127.0.0.1:${B}\"]\n",
      {{"A", first.port()}, {"B", second.port()}});
  for (int i = 0; i < 40; ++i) CHECK(proxy.get("/").status == 200);
  CHECK(first.request_count() > 0);
  CHECK(second.request_count() > 0);
  CHECK(first.request_count() + second.request_count() == 40);
}

TEST_CASE("unix sockets serve on both sides") {
  ScriptedUpstream upstream(scripts::echo());
  TemporaryFolder folder;
  const std::string socket = "unix:" + (folder.path() / "in.sock").string();
  TestProxy inner("via: inner\nlisten: \"" + socket + "\"\nupstreams: {orders: \"http://127.0.0.1:${ORDERS}\"}\n",
                  {{"ORDERS", upstream.port()}});
  TestProxy outer("via: outer\nlisten: 127.0.0.1:0\nupstreams:\n  orders:\n    endpoints: [\"" + socket + "\"]\n");
  CHECK(outer.request("PUT", "/", "", "through a socket").body == "through a socket");
  CHECK(upstream.requests().front().field("Host") == "127.0.0.1:" + std::to_string(upstream.port()));
}

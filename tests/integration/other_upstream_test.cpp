// SPDX-License-Identifier: Apache-2.0
// A fallback to another upstream is a call of that upstream: judged like any other, by the time its answer goes out,
// and it holds nothing of the first one's.
#include <ctime>
#include <string>

#include "tests/support/rig.hpp"

using namespace fusewire::testing;

namespace {

struct Pair {
  Pair(Script first_script, Script second_script, const std::string& first_lines, const std::string& second_lines = {})
      : first(std::move(first_script)),
        second(std::move(second_script)),
        proxy(
            "listeners:\n  - name: main\n    address: 127.0.0.1:0\n    routes:\n"
            "      - {match: {path_prefix: /second}, upstream: second}\n      - {upstream: first}\n"
            "upstreams:\n  first:\n    endpoints: [\"http://127.0.0.1:${A}\"]\n" +
                first_lines + "  second:\n    endpoints: [\"http://127.0.0.1:${B}\"]\n" + second_lines,
            {{"A", first.port()}, {"B", second.port()}}) {}

  ScriptedUpstream first;
  ScriptedUpstream second;
  TestProxy proxy;
};

// Begins a response and never ends it.
void begin(Call& call) {
  call.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegins");
  call.hang();
}

// While one client has the second upstream's response, which goes on, another one asks the first upstream.
void check_first_is_free(Pair& pair) {
  Connection streaming = pair.proxy.connect();
  streaming.send("GET /none HTTP/1.1\r\nHost: h\r\n\r\n");
  REQUIRE(streaming.take_until("begins"));
  CHECK(pair.proxy.get("/ok").body == "ok");
}

const std::string kSecondThenStatic =
    "    fallback: {chain: [{upstream: second}, {static: {status: 200, body: at last}}]}\n";

}  // namespace

TEST_CASE("an upstream that fails as a fallback is judged, with a body or without") {
  for (const char* body : {"", "a body"}) {
    CAPTURE(body);
    Pair pair(scripts::status(500), scripts::status(503, body), kSecondThenStatic);
    for (int i = 0; i < 5; ++i) CHECK(pair.proxy.get("/").body == "at last");
    CHECK(pair.proxy.breaker("second").totals.failure == 5);
    CHECK(pair.proxy.state("second") == "open");
  }
}

TEST_CASE("a fallback's own fallback is as good as its answer") {
  Pair pair(scripts::status(500, "no"), scripts::status(500, "no"), "    fallback: {chain: [{upstream: second}]}\n",
            "    fallback: {chain: [{static: {status: 200, body: of the second}}]}\n");
  CHECK(pair.proxy.get("/").body == "of the second");
  CHECK(pair.proxy.breaker("second").totals.failure == 1);
}

TEST_CASE("a call is judged before a slow client takes the answer that stands in for it") {
  Pair pair(scripts::status(500, "no"), scripts::status(500, std::string(300'000, 'x')),
            "    fallback: {chain: [{upstream: second}]}\n",
            "    fallback: {chain: [{static: {status: 200, body: \"" + std::string(1'000'000, 'x') + "\"}}]}\n");
  std::vector<Connection> slow;
  for (int i = 0; i < 8; ++i) {
    slow.push_back(pair.proxy.connect());
    slow.back().send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  }
  CHECK(eventually([&] { return pair.proxy.breaker("second").totals.failure >= 5; }));
  CHECK(eventually([&] { return pair.second.open_connections() == 0; }));
}

TEST_CASE("while another upstream's answer is relayed, nothing of the first one is held") {
  Pair pair(
      [](Call& call) {
        if (call.request().target == "/ok") return void(call.send(response(200, "ok")));
        call.send(response(404, std::string(1000, 'x')));
      },
      begin, "    limits: {max_concurrent_requests: 1}\n    fallback: {on: [\"404\"], chain: [{upstream: second}]}\n");
  check_first_is_free(pair);
}

TEST_CASE("a response with a very large head is judged by its fields, whatever the client gets instead") {
  const std::string fields = "Proxy-Status: next; error=destination_unavailable\r\nA: " + std::string(55 * 1024, 'a') +
                             "\r\nContent-Type: text/plain\r\n";
  Pair pair(scripts::reply(response(503, "no", fields)), scripts::ok(),
            kSecondThenStatic + "    circuit_breaker: {classify: {cascade: neutral}}\n");
  pair.second.script(scripts::reply(response(503, "no", fields)));
  for (int i = 0; i < 3; ++i) CHECK(pair.proxy.get("/").body == "at last");
  CHECK(pair.proxy.breaker("first").totals.neutral == 3);
  CHECK(pair.proxy.breaker("second").totals.failure == 3);
}

TEST_CASE("a response that is replaced is not stored, whatever of it was at hand") {
  Pair pair(scripts::reply("HTTP/1.1 404 Not Found\r\nCache-Control: max-age=60\r\nTransfer-Encoding: chunked\r\n\r\n"
                           "5\r\nhello\r\n0\r\n\r\n"),
            scripts::ok(),
            "    cache: {serve: normal}\n"
            "    fallback: {on: [\"404\"], chain: [{static: {status: 200, body: instead}}]}\n");
  for (int i = 0; i < 3; ++i) CHECK(pair.proxy.get("/").body == "instead");
  CHECK(pair.first.request_count() == 3);
}

TEST_CASE("while another upstream's answer is relayed, the first one's connection is given back, be it a failed one") {
  Pair pair(
      [](Call& call) {
        if (call.request().target == "/ok") return void(call.send(response(200, "ok")));
        call.connection().reset();
      },
      begin, "    limits: {max_connections: 1}\n    fallback: {chain: [{upstream: second}]}\n");
  check_first_is_free(pair);
}

TEST_CASE("a response that another upstream has given is no older for the time that the first one has taken") {
  const auto dated = [](Call& call) {
    char date[64];
    std::tm parts{};
    const std::time_t now = std::time(nullptr);
    ::gmtime_r(&now, &parts);
    const std::size_t size = std::strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", &parts);
    call.send(response(200, "fresh", "Cache-Control: max-age=600\r\nDate: " + std::string(date, size) + "\r\n"));
  };
  Pair pair(scripts::hang(), dated, "    timeouts: {response: 2200ms}\n    fallback: {chain: [{upstream: second}]}\n",
            "    cache: {serve: normal}\n");
  REQUIRE(pair.proxy.get("/").body == "fresh");
  REQUIRE(pair.proxy.admin_change("/admin/circuit-breakers/first/force-open").status == 200);
  const Response stored = pair.proxy.get("/");
  REQUIRE(stored.body == "fresh");
  REQUIRE(pair.second.request_count() == 1);
  CHECK(std::stol(stored.field("Age")) <= 1);
}

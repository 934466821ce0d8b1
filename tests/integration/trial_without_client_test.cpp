// SPDX-License-Identifier: Apache-2.0
// Trials of a half-open breaker whose clients give them up: the upstream is asked all the same, and judged.
#include <string>

#include "tests/support/rig.hpp"
#include "tests/support/silent_port.hpp"

using namespace fusewire::testing;

namespace {

const std::string kGet = "GET / HTTP/1.1\r\nHost: h\r\n";

// Half-open at once, closed by one success.
const std::string kOneSuccess =
    "    timeouts: {deadline_header: x-request-timeout-ms}\n"
    "    circuit_breaker: {transitions: {open_timeout: 50ms, backoff: {max: 50ms, jitter: 0}}, "
    "recovery: {half_open_max_calls: 1, success_threshold: 1}}\n";

struct Recovering : Rig {
  explicit Recovering(const std::string& lines = {}) : Rig(scripts::status(500), kOneSuccess + lines) {
    for (int i = 0; i < 5; ++i) REQUIRE(proxy.get("/").status == 500);
    REQUIRE(eventually([&] { return proxy.breaker().open_remaining == 0ms; }));
  }

  // A client whose request the upstream has.
  Connection ask(const std::string& fields = "\r\n") {
    const std::size_t before = upstream.request_count();
    Connection client = proxy.connect();
    client.send(kGet + fields);
    REQUIRE(eventually([&] { return upstream.request_count() == before + 1; }));
    REQUIRE(proxy.state() == "half_open");
    return client;
  }
};

}  // namespace

TEST_CASE("a trial whose client leaves goes on, and the upstream's answer counts") {
  Recovering rig;
  rig.upstream.script(scripts::delayed(300ms, scripts::ok(std::string(100'000, 'x'))));
  rig.ask().close();
  CHECK(eventually([&] { return rig.proxy.breaker().half_open.in_flight == 0; }));
  CHECK(eventually([&] { return rig.proxy.state() == "closed"; }));
  CHECK(rig.proxy.breaker().totals.success == 1);
  CHECK(rig.proxy.breaker().totals.neutral == 0);
}

TEST_CASE("a trial whose client leaves goes on, and the upstream's failure counts") {
  const Script failures[] = {scripts::delayed(200ms, scripts::status(503, "no")),
                             scripts::delayed(200ms, scripts::reset())};
  for (const Script& failure : failures) {
    Recovering rig;
    rig.upstream.script(failure);
    rig.ask().close();
    CHECK(eventually([&] { return rig.proxy.breaker().totals.trips == 2; }));
    CHECK(rig.proxy.breaker().totals.failure == 6);
  }
}

TEST_CASE("a client gets its 504 at its own deadline, and its trial goes on") {
  Recovering rig;
  rig.upstream.script(scripts::delayed(1500ms, scripts::ok()));
  Connection client = rig.ask("X-Request-Timeout-Ms: 100\r\n\r\n");
  const Response reply = read_response(client);
  CHECK(reply.status == 504);
  CHECK(reply.field("Connection") == "close");
  CHECK(client.ended(1s));  // before the upstream has answered
  CHECK(rig.proxy.breaker().totals.success == 0);
  CHECK(eventually([&] { return rig.proxy.state() == "closed"; }));
  CHECK(rig.proxy.breaker().totals.success == 1);
}

TEST_CASE("as many trials go on without a client as there are slots, and the others end") {
  Recovering rig;
  rig.upstream.script(scripts::hang());
  rig.ask().close();
  REQUIRE(eventually([&] { return rig.proxy.breaker().half_open.in_flight == 0; }));
  rig.ask().close();
  CHECK(eventually([&] { return rig.proxy.breaker().totals.neutral == 1; }));
}

TEST_CASE("what is waited for without a client does not hold a drain up") {
  Recovering rig;
  rig.upstream.script(scripts::hang());
  rig.ask().close();
  REQUIRE(eventually([&] { return rig.proxy.breaker().half_open.in_flight == 0; }));
  const auto began = std::chrono::steady_clock::now();
  rig.proxy.drain();
  CHECK(rig.proxy.wait() == 0);
  CHECK(std::chrono::steady_clock::now() - began < 4s);  // nothing else would end it before slower_than
}

TEST_CASE("a trial that a fallback's own deadline has ended goes on as well, behind the answer") {
  ScriptedUpstream first(scripts::hang()), second(scripts::status(500));
  TestProxy proxy(
      "listeners:\n  - name: main\n    address: 127.0.0.1:0\n    routes:\n"
      "      - {match: {path_prefix: /second}, upstream: second}\n      - {upstream: first}\n"
      "upstreams:\n  first:\n    endpoints: [\"http://127.0.0.1:${A}\"]\n"
      "    timeouts: {response: 200ms, deadline_header: x-request-timeout-ms}\n"
      "    fallback: {chain: [{upstream: second}]}\n"
      "  second:\n    endpoints: [\"http://127.0.0.1:${B}\"]\n" +
          kOneSuccess,
      {{"A", first.port()}, {"B", second.port()}});
  for (int i = 0; i < 5; ++i) REQUIRE(proxy.get("/second").status == 500);
  REQUIRE(eventually([&] { return proxy.breaker("second").open_remaining == 0ms; }));
  second.script(scripts::delayed(700ms, scripts::ok()));
  CHECK(proxy.get("/", "X-Request-Timeout-Ms: 400\r\n").status == 504);
  CHECK(eventually([&] { return proxy.state("second") == "closed"; }));
}

TEST_CASE("a trial without a client keeps its place among max_concurrent_requests") {
  Recovering rig("    limits: {max_concurrent_requests: 1}\n");
  rig.upstream.script(scripts::hang());
  rig.ask().close();
  REQUIRE(eventually([&] { return rig.proxy.breaker().half_open.in_flight == 0; }));
  check_problem(rig.proxy.get("/"), 503, "ConcurrencyLimit");
  CHECK(rig.upstream.request_count() == 6);
}

namespace {

// An upstream that answers no SYN.
std::string silent_upstream(const std::string& lines) {
  return "listen: 127.0.0.1:0\nupstreams:\n  orders:\n    endpoints: [\"http://127.0.0.1:${PORT}\"]\n" + lines;
}

}  // namespace

TEST_CASE("a trial whose client leaves while it is being connected fails when that does") {
  for (const bool leaves : {true, false}) {
    CAPTURE(leaves);
    const SilentPort silent;
    TestProxy proxy(
        silent_upstream("    timeouts: {connect: 300ms, deadline_header: x-request-timeout-ms}\n"
                        "    circuit_breaker: {transitions: {open_timeout: 50ms, backoff: {max: 50ms, jitter: 0}}, "
                        "recovery: {half_open_max_calls: 1}}\n"),
        {{"PORT", silent.number()}});
    for (int i = 0; i < 5; ++i) REQUIRE(proxy.get("/").status == 504);
    REQUIRE(eventually([&] { return proxy.breaker().open_remaining == 0ms; }));
    Connection client = proxy.connect();
    client.send(kGet + (leaves ? "\r\n" : "X-Request-Timeout-Ms: 50\r\n\r\n"));
    REQUIRE(eventually([&] { return proxy.state() == "half_open"; }));
    if (leaves)
      client.close();
    else
      CHECK(read_response(client).status == 504);
    CHECK(eventually([&] { return proxy.breaker().totals.trips == 2; }));
    CHECK(proxy.breaker().totals.failure == 6);
  }
}

TEST_CASE("a call without a body is slow when it is not even connected") {
  const SilentPort silent;
  TestProxy proxy(silent_upstream("    timeouts: {connect: 5s, deadline_header: x-request-timeout-ms}\n"
                                  "    circuit_breaker: {detection: {slow_call_rate: {slower_than: 50ms}}}\n"),
                  {{"PORT", silent.number()}});
  for (int i = 0; i < 5; ++i) CHECK(proxy.get("/", "X-Request-Timeout-Ms: 150\r\n").status == 504);
  CHECK(proxy.state() == "open");
}

TEST_CASE("a trial whose client leaves in the TLS handshake fails when that does") {
  ScriptedUpstream mute(scripts::hang());
  TestProxy proxy(
      "listen: 127.0.0.1:0\nupstreams:\n  orders:\n    endpoints: [\"https://127.0.0.1:${PORT}\"]\n"
      "    timeouts: {connect: 300ms, deadline_header: x-request-timeout-ms}\n"
      "    circuit_breaker: {transitions: {open_timeout: 50ms, backoff: {max: 50ms, jitter: 0}}, "
      "recovery: {half_open_max_calls: 1}}\n",
      {{"PORT", mute.port()}});
  for (int i = 0; i < 5; ++i) REQUIRE(proxy.get("/").status >= 500);
  REQUIRE(eventually([&] { return proxy.breaker().open_remaining == 0ms; }));
  Connection client = proxy.connect();
  client.send(kGet + "\r\n");
  REQUIRE(eventually([&] { return proxy.state() == "half_open"; }));
  client.close();
  CHECK(eventually([&] { return proxy.breaker().totals.trips == 2; }));
}

TEST_CASE("what is being connected without a client holds no drain up") {
  const SilentPort silent;
  TestProxy proxy(
      silent_upstream("    timeouts: {connect: 2s, deadline_header: x-request-timeout-ms}\n"
                      "    circuit_breaker: {detection: {consecutive_failures: {threshold: 1}}, transitions: "
                      "{open_timeout: 50ms, backoff: {max: 50ms, jitter: 0}}, "
                      "recovery: {half_open_max_calls: 1}}\n"),
      {{"PORT", silent.number()}});
  REQUIRE(proxy.get("/").status == 504);
  REQUIRE(eventually([&] { return proxy.breaker().open_remaining == 0ms; }));
  Connection client = proxy.connect();
  client.send(kGet + "X-Request-Timeout-Ms: 50\r\n\r\n");
  CHECK(read_response(client).status == 504);
  const auto began = std::chrono::steady_clock::now();
  proxy.drain();
  CHECK(proxy.wait() == 0);
  CHECK(std::chrono::steady_clock::now() - began < 1500ms);
}

// SPDX-License-Identifier: Apache-2.0
// recovery.probe of types active and connect: the proxy finds out by itself whether an upstream has healed.
#include <memory>
#include <string>
#include <vector>

#include "tests/support/rig.hpp"
#include "tests/support/silent_port.hpp"

using namespace fusewire::testing;

namespace {

bool is_probe(const Request& request) { return request.target.starts_with("/healthz"); }

Script by_path(Script probe, Script request) {
  return [=](Call& call) { is_probe(call.request()) ? probe(call) : request(call); };
}

std::string breaker(const std::string& probe, const std::string& more = {}) {
  return "    circuit_breaker:\n      detection: {consecutive_failures: {threshold: 2, chance: off}}\n"
         "      transitions: {open_timeout: 100ms, backoff: {multiplier: 1, jitter: 0}}\n      recovery: {probe: " +
         probe + "}\n" + more + "    retries: {attempts: 0}\n    fallback: {chain: []}\n";
}

const std::string kActive = breaker("{type: active, path: /healthz, interval: 20ms}");

std::size_t requests(const ScriptedUpstream& upstream) {
  std::size_t count = 0;
  for (const Request& request : upstream.requests()) count += !is_probe(request);
  return count;
}

double probes(const TestProxy& proxy, const std::string& result) {
  return proxy.metric("circuit_breaker_probes_total{name=\"orders\",result=\"" + result + "\"}");
}

// Time in which others would have probed: another proxy checks an upstream of its own meanwhile.
struct Beat {
  void wait() {
    const std::size_t before = upstream.request_count();
    REQUIRE(eventually([&] { return upstream.request_count() > before + 20; }));
  }
  ScriptedUpstream upstream;
  TestProxy proxy{orders("    health_check: {interval: 10ms}\n"), {{"ORDERS", upstream.port()}}};
};

void open(Rig& rig) {
  for (int i = 0; i < 2; ++i) rig.proxy.get("/");
  REQUIRE(rig.proxy.state() != "closed");
}

}  // namespace

TEST_CASE("with an active probe not one request of a user reaches the upstream until probes have closed the breaker") {
  Rig rig(by_path(scripts::status(503), scripts::status(500)), kActive);
  open(rig);
  REQUIRE(requests(rig.upstream) == 2);
  // Open, half-open, open again: the user is rejected in all of them.
  CHECK(eventually([&] {
    check_problem(rig.proxy.get("/"), 503, "CircuitBreakerOpen", "destination_unavailable");
    return probes(rig.proxy, "failure") >= 5;
  }));
  CHECK(requests(rig.upstream) == 2);
  CHECK(rig.proxy.breaker().totals.trips >= 5);

  rig.upstream.script(scripts::ok());
  CHECK(eventually([&] { return rig.proxy.state() == "closed"; }));
  CHECK(requests(rig.upstream) == 2);
  CHECK(probes(rig.proxy, "success") == 3);
  CHECK(rig.proxy.get("/").status == 200);
  CHECK(rig.proxy.breaker().last_trip->failure == fusewire::breaker::FailureKind::status);
}

TEST_CASE("no traffic is needed for an active probe to close the breaker") {
  Rig rig(by_path(scripts::ok(), scripts::status(500)), kActive);
  open(rig);
  CHECK(eventually([&] { return rig.proxy.state() == "closed"; }));
  CHECK(rig.upstream.request_count() == 5);
}

TEST_CASE("what an active probe expects is its own affair, not the classification's") {
  const auto expecting = [](const std::string& statuses) {
    return breaker("{type: active, path: '/healthz?deep=1', interval: 20ms, expect: [" + statuses + "]}");
  };
  Rig odd(by_path(scripts::status(503), scripts::status(500)), expecting("503"));
  open(odd);
  CHECK(eventually([&] { return odd.proxy.state() == "closed"; }));
  Rig even(by_path(scripts::status(204), scripts::status(500)), expecting("200"));
  open(even);
  CHECK(eventually([&] { return probes(even.proxy, "failure") >= 2; }));
  CHECK(probes(even.proxy, "success") == 0);
}

TEST_CASE("an active probe that hangs fails at its timeout, and one of a peer that closes fails at once") {
  for (const Script& script : {scripts::hang(), scripts::cut(), scripts::reply("nonsense\r\n\r\n")}) {
    Rig rig(by_path(script, scripts::status(500)),
            breaker("{type: active, path: /healthz, interval: 20ms, timeout: 50ms}"));
    open(rig);
    CHECK(eventually([&] { return probes(rig.proxy, "failure") >= 2; }));
    CHECK(rig.proxy.breaker().half_open.in_flight <= 1);
    rig.upstream.script(scripts::ok());
    CHECK(eventually([&] { return rig.proxy.state() == "closed"; }));
  }
}

TEST_CASE("with breakers of their own, each endpoint is probed for itself") {
  ScriptedUpstream good;
  ScriptedUpstream bad(by_path(scripts::status(500), scripts::status(500)));
  const std::string url = "http://127.0.0.1:";
  TestProxy proxy("listen: 127.0.0.1:0\nupstreams:\n  orders:\n    endpoints: [" + url + std::to_string(good.port()) +
                  ", " + url + std::to_string(bad.port()) + "]\n    load_balancing: {policy: round_robin}\n" + kActive);
  const auto is = [&](const std::string& state) {
    return proxy.metric("circuit_breaker_addresses{name=\"orders/" + url + std::to_string(bad.port()) + "\",state=\"" +
                        state + "\"}") == 1;
  };
  CHECK(eventually([&] { return proxy.get("/"), is("open"); }));
  const std::size_t before = requests(bad);
  CHECK(eventually([&] { return proxy.get("/").status == 200 && probes(proxy, "failure") >= 3; }));
  CHECK(requests(bad) == before);
  CHECK(requests(good) > 2);
  for (const Request& request : good.requests()) CHECK_FALSE(is_probe(request));
  bad.script(by_path(scripts::ok(), scripts::ok()));
  CHECK(eventually([&] { return is("closed"); }));
  CHECK(requests(bad) == before);
  CHECK(eventually([&] { return proxy.get("/").status == 200 && requests(bad) > before; }));
}

TEST_CASE("an override stops active probes, and a reload to the trials of users ends them") {
  Rig rig(by_path(scripts::status(500), scripts::status(500)), kActive);
  open(rig);
  REQUIRE(eventually([&] { return probes(rig.proxy, "failure") >= 1; }));
  REQUIRE(rig.proxy.admin_change("/admin/circuit-breakers/orders/force-open").status == 200);
  Beat beat;
  beat.wait();  // a probe was perhaps under way
  rig.upstream.script(scripts::ok());
  const std::size_t asked = rig.upstream.request_count();
  beat.wait();
  CHECK(rig.proxy.get("/").status == 503);
  CHECK(rig.upstream.request_count() == asked);
  REQUIRE(rig.proxy.admin_change("/admin/circuit-breakers/orders/release").status == 200);
  CHECK(eventually([&] { return rig.proxy.state() == "closed"; }));
  rig.upstream.script(scripts::status(500));
  open(rig);
  const std::size_t before = requests(rig.upstream);
  REQUIRE(rig.proxy.reload(orders(breaker("{type: traffic}"))).status == 200);
  rig.upstream.script(scripts::ok());
  CHECK(eventually([&] { return rig.proxy.get("/").status == 200; }));
  CHECK(requests(rig.upstream) > before);
  CHECK(probes(rig.proxy, "failure") == -1);
}

TEST_CASE("a connect probe half-opens as soon as the upstream can be connected to, before the interval is over") {
  const std::string lines =
      "    circuit_breaker:\n      detection: {consecutive_failures: {threshold: 2, chance: off}}\n"
      "      transitions: {open_timeout: 1h}\n      recovery: {probe: {type: connect, interval: 20ms}}\n"
      "    retries: {attempts: 0}\n    fallback: {chain: []}\n";
  Rig rig(scripts::ok(), lines);
  rig.upstream.kill();
  open(rig);
  CHECK(rig.proxy.get("/").status == 503);
  REQUIRE(eventually([&] { return probes(rig.proxy, "failure") >= 2; }));
  CHECK(rig.proxy.state() == "open");
  CHECK(rig.proxy.breaker().last_trip->failure == fusewire::breaker::FailureKind::connect_error);
  rig.upstream.start();
  CHECK(eventually([&] { return rig.proxy.state() == "half_open"; }));
  CHECK(rig.upstream.request_count() == 0);  // users' requests are the trials
  for (int i = 0; i < 3; ++i) CHECK(rig.proxy.get("/").status == 200);
  CHECK(rig.proxy.state() == "closed");
  CHECK(probes(rig.proxy, "success") == 1);
}

TEST_CASE("a breaker that has opened for another reason waits for its interval, although it could be connected to") {
  Rig rig(scripts::status(500),
          "    circuit_breaker:\n      detection: {consecutive_failures: {threshold: 2, chance: off}}\n"
          "      recovery: {probe: {type: connect, interval: 10ms}}\n    fallback: {chain: []}\n");
  open(rig);
  const std::size_t connections = rig.upstream.connection_count();
  Beat().wait();
  CHECK(rig.proxy.state() == "open");
  CHECK(rig.upstream.connection_count() == connections);
  CHECK(probes(rig.proxy, "success") == 0);
}

TEST_CASE("with breakers of their own, an endpoint that can be connected to again gets its trials at once") {
  ScriptedUpstream good;
  ScriptedUpstream dead;
  dead.kill();
  const std::string url = "http://127.0.0.1:";
  TestProxy proxy("listen: 127.0.0.1:0\nupstreams:\n  orders:\n    endpoints: [" + url + std::to_string(good.port()) +
                  ", " + url + std::to_string(dead.port()) +
                  "]\n    load_balancing: {policy: round_robin}\n    circuit_breaker:\n"
                  "      detection: {consecutive_failures: {threshold: 1, chance: off}}\n"
                  "      transitions: {open_timeout: 1h}\n      recovery: {probe: {type: connect, interval: 20ms}}\n");
  CHECK(eventually([&] { return proxy.get("/").status == 200 && probes(proxy, "failure") >= 2; }));
  dead.start();
  CHECK(eventually([&] { return proxy.get("/").status == 200 && dead.request_count() > 3; }));
  CHECK(proxy.metric("circuit_breaker_addresses{name=\"orders/" + url + std::to_string(dead.port()) +
                     "\",state=\"closed\"}") == 1);
}

TEST_CASE("a process that ends drops a probe that hangs") {
  ScriptedUpstream upstream(by_path(scripts::hang(), scripts::status(500)));
  const auto taken = time_of([&] {
    TestProxy proxy(orders(breaker("{type: active, path: /healthz, interval: 20ms, timeout: 30s}")),
                    {{"ORDERS", upstream.port()}});
    for (int i = 0; i < 2; ++i) proxy.get("/");
    CHECK(eventually([&] { return upstream.request_count() == 3; }));
  });
  CHECK(taken < 10s);
}

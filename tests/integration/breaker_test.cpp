// SPDX-License-Identifier: Apache-2.0
// The breaker as a client, an operator and Prometheus see it, end to end.
#include <boost/json/serialize.hpp>
#include <boost/json/value_to.hpp>
#include <string>

#include "tests/support/rig.hpp"

using namespace fusewire::testing;

namespace {

// Opens after 5 failures, for 300 ms, doubling; no jitter.
constexpr const char* kQuick =
    "    circuit_breaker: {transitions: {open_timeout: 300ms, backoff: {multiplier: 2, jitter: 0}}}\n";

void fail(Rig& rig, int times) {
  rig.upstream.script(scripts::status(500));
  for (int i = 0; i < times; ++i) REQUIRE(rig.proxy.get("/").status == 500);
}

bool answers(Rig& rig, int status) {
  return eventually([&] { return rig.proxy.get("/").status == status; });
}

double transitions(const Rig& rig, const std::string& from, const std::string& to) {
  return rig.proxy.metric("circuit_breaker_transitions_total{name=\"orders\",from=\"" + from + "\",to=\"" + to + "\"}");
}

}  // namespace

TEST_CASE("the breaker opens after exactly five failures and nothing more is sent") {
  Rig rig;
  fail(rig, 5);
  CHECK(rig.proxy.state() == "open");
  for (int i = 0; i < 10; ++i) CHECK(rig.proxy.get("/").status == 503);
  CHECK(rig.upstream.request_count() == 5);
  CHECK(rig.proxy.breaker().totals.failure == 5);
  CHECK(rig.proxy.breaker().totals.rejected == 10);
}

TEST_CASE("a success in between makes the failures in a row start again") {
  Rig rig;
  fail(rig, 4);
  rig.upstream.script(scripts::ok());
  CHECK(rig.proxy.get("/").status == 200);
  fail(rig, 4);
  CHECK(rig.proxy.state() == "closed");
  fail(rig, 1);
  CHECK(rig.proxy.state() == "open");
}

TEST_CASE("half of ten calls failing opens it, and the reason says so") {
  std::vector<Script> alternating;
  for (int i = 0; i < 5; ++i) {
    alternating.push_back(scripts::ok());
    alternating.push_back(scripts::status(500));
  }
  Rig rig(scripts::in_turn(alternating));
  for (int i = 0; i < 10; ++i) {
    CHECK(rig.proxy.state() == "closed");
    rig.proxy.get("/");
  }
  const auto breaker = rig.proxy.breaker();
  CHECK(breaker.state == fusewire::breaker::State::open);
  REQUIRE(breaker.last_trip.has_value());
  CHECK(breaker.last_trip->reason == fusewire::breaker::Reason::failure_rate);
}

TEST_CASE("a failure is recorded before its last byte can be read") {
  Rig rig(scripts::status(500, "sorry"));
  for (std::uint64_t i = 1; i <= 5; ++i) {
    CHECK(rig.proxy.get("/").status == 500);
    CHECK(rig.proxy.breaker().totals.failure == i);
  }
}

TEST_CASE("Retry-After is true: it shrinks, and a request after it is tried") {
  Rig rig(scripts::ok(), "    circuit_breaker: {transitions: {open_timeout: 2s, backoff: {jitter: 0}}}\n");
  fail(rig, 5);
  const auto opened = std::chrono::steady_clock::now();
  CHECK(rig.proxy.get("/").field("Retry-After") == "2");
  CHECK(eventually([&] { return rig.proxy.get("/").field("Retry-After") == "1"; }));
  rig.upstream.script(scripts::ok());
  CHECK(answers(rig, 200));
  CHECK(std::chrono::steady_clock::now() - opened >= 1900ms);
}

TEST_CASE("it closes by itself after three successful trials, each transition once in metrics and events") {
  Rig rig(scripts::ok(), kQuick);
  fail(rig, 5);
  rig.upstream.script(scripts::ok());
  CHECK(answers(rig, 200));
  CHECK(rig.proxy.state() == "half_open");
  CHECK(rig.proxy.get("/").status == 200);
  CHECK(rig.proxy.get("/").status == 200);
  CHECK(rig.proxy.state() == "closed");

  CHECK(transitions(rig, "closed", "open") == 1);
  CHECK(transitions(rig, "open", "half_open") == 1);
  CHECK(transitions(rig, "half_open", "closed") == 1);
  CHECK(transitions(rig, "half_open", "open") == 0);
  CHECK(rig.proxy.metric("circuit_breaker_trips_total{name=\"orders\",reason=\"consecutive_failures\"}") == 1);
  const std::string events = rig.proxy.admin("GET", "/admin/events").body;
  CAPTURE(events);
  const auto count = [&](const std::string& word) {
    std::size_t n = 0;
    for (auto at = events.find(word); at != std::string::npos; at = events.find(word, at + 1)) ++n;
    return n;
  };
  CHECK(count("\"to\":\"open\"") == 1);
  CHECK(count("\"to\":\"half_open\"") == 1);
  CHECK(count("\"to\":\"closed\"") == 1);
}

TEST_CASE("a failed trial opens it again, for longer") {
  Rig rig(scripts::ok(), kQuick);
  fail(rig, 5);
  CHECK(answers(rig, 500));
  const auto breaker = rig.proxy.breaker();
  CHECK(breaker.state == fusewire::breaker::State::open);
  REQUIRE(breaker.last_trip.has_value());
  CHECK(breaker.last_trip->reason == fusewire::breaker::Reason::probe_failed);
  CHECK(breaker.last_trip->open_for == 600ms);
  CHECK(transitions(rig, "half_open", "open") == 1);
}

TEST_CASE("half-open admits three calls at a time and tells the others to come back in a second") {
  std::atomic<bool> go{false};
  Rig rig(scripts::ok(), kQuick);
  fail(rig, 5);
  const std::size_t before = rig.upstream.request_count();
  rig.upstream.script([&](Call& call) {
    eventually([&] { return go.load() || call.stopping(); });
    call.send(response(200, "back"));
  });
  REQUIRE(eventually([&] { return rig.proxy.breaker().open_remaining == 0ms; }));
  std::vector<Connection> trials;
  for (std::size_t i = 1; i <= 3; ++i) {
    trials.push_back(rig.proxy.connect());
    trials.back().send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    REQUIRE(eventually([&] { return rig.upstream.request_count() == before + i; }));
  }
  const Response fourth = rig.proxy.get("/");
  const auto body = check_problem(fourth, 503, "CircuitBreakerOpen", "destination_unavailable");
  CHECK(boost::json::value_to<std::string>(body.at("state")) == "half_open");
  CHECK(fourth.field("Retry-After") == "1");
  CHECK(rig.upstream.request_count() == before + 3);
  go = true;
  for (Connection& trial : trials) CHECK(read_response(trial).body == "back");
  CHECK(rig.proxy.state() == "closed");
}

TEST_CASE("a trial whose client leaves gives its slot back") {
  Rig rig(scripts::ok(),
          "    circuit_breaker: {transitions: {open_timeout: 100ms, backoff: {jitter: 0}}, "
          "recovery: {half_open_max_calls: 1, success_threshold: 1}}\n");
  fail(rig, 5);
  rig.upstream.script(scripts::hang());
  REQUIRE(eventually([&] { return rig.proxy.breaker().open_remaining == 0ms; }));
  const std::size_t before = rig.upstream.request_count();
  {
    Connection client = rig.proxy.connect();
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    REQUIRE(eventually([&] { return rig.upstream.request_count() == before + 1; }));
  }
  REQUIRE(eventually([&] { return rig.proxy.breaker().half_open.in_flight == 0; }));
  CHECK(rig.proxy.state() == "half_open");
  rig.upstream.script(scripts::ok());
  CHECK(rig.proxy.get("/").status == 200);
  CHECK(rig.proxy.state() == "closed");
}

TEST_CASE("client errors and 429 are successes, the proxy's own refusals are no calls at all") {
  Rig rig(scripts::in_turn({scripts::status(404), scripts::status(429), scripts::status(301), scripts::ok()}));
  for (const int status : {404, 429, 301, 200}) CHECK(rig.proxy.get("/").status == status);
  Connection client = rig.proxy.connect();
  client.send("nonsense\r\n\r\n");
  CHECK(read_response(client).status == 400);
  const auto totals = rig.proxy.breaker().totals;
  CHECK(totals.success == 4);
  CHECK(totals.failure + totals.neutral + totals.rejected == 0);
}

TEST_CASE("a response that tells of a later hop's open breaker is a failure, unless it is made neutral") {
  const std::string cascade = response(404, "", "Proxy-Status: next; error=destination_unavailable\r\n");
  Rig counted(scripts::reply(cascade));
  CHECK(counted.proxy.get("/").status == 404);
  CHECK(counted.proxy.breaker().totals.failure == 1);
  Rig neutral(scripts::reply(cascade), "    circuit_breaker: {classify: {cascade: neutral}}\n");
  CHECK(neutral.proxy.get("/").status == 404);
  CHECK(neutral.proxy.breaker().totals.neutral == 1);
}

TEST_CASE("in shadow nothing is rejected and what would be is counted") {
  Rig rig(scripts::ok(), "    circuit_breaker: {mode: shadow}\n");
  fail(rig, 8);
  CHECK(rig.proxy.state() == "open");
  CHECK(rig.proxy.breaker().totals.would_reject == 3);
  CHECK(rig.upstream.request_count() == 8);
  CHECK(rig.proxy.metric("circuit_breaker_would_reject_total{name=\"orders\"}") == 3);
}

TEST_CASE("slow answers open it, and the reason says so") {
  Rig rig(scripts::delayed(60ms, scripts::ok()),
          "    circuit_breaker: {detection: {slow_call_rate: {threshold: 1, slower_than: 30ms}, minimum_calls: 3}}\n");
  for (int i = 0; i < 3; ++i) CHECK(rig.proxy.get("/").status == 200);
  const auto breaker = rig.proxy.breaker();
  CHECK(breaker.state == fusewire::breaker::State::open);
  REQUIRE(breaker.last_trip.has_value());
  CHECK(breaker.last_trip->reason == fusewire::breaker::Reason::slow_call_rate);
}

TEST_CASE("an operator can force it open and closed, release it and reset it") {
  Rig rig(scripts::status(500));
  const auto order = [&](const std::string& what) {
    return rig.proxy.admin_change("/admin/circuit-breakers/orders/" + what).status;
  };
  CHECK(order("force-close") == 200);
  for (int i = 0; i < 8; ++i) CHECK(rig.proxy.get("/").status == 500);
  CHECK(order("release") == 200);
  CHECK(rig.proxy.get("/").status == 500);
  CHECK(rig.proxy.get("/").status == 503);
  CHECK(order("reset") == 200);
  CHECK(rig.proxy.state() == "closed");
  CHECK(rig.proxy.get("/").status == 500);
  CHECK(order("force-open") == 200);
  CHECK(rig.proxy.get("/").status == 503);
  CHECK(rig.proxy.metric("circuit_breaker_override{name=\"orders\"}") == 1);
  CHECK(order("release") == 200);
  CHECK(rig.proxy.get("/").status == 500);
}

TEST_CASE("the breakers of two upstreams do not know each other") {
  ScriptedUpstream broken(scripts::status(500)), healthy;
  TestProxy proxy(
      "listeners:\n  - name: main\n    address: 127.0.0.1:0\n    routes:\n"
      "      - match: {path_prefix: /broken}\n        upstream: broken\n      - upstream: healthy\n"
      "upstreams: {broken: \"http://127.0.0.1:${A}\", healthy: \"http://127.0.0.1:${B}\"}\n",
      {{"A", broken.port()}, {"B", healthy.port()}});
  for (int i = 0; i < 5; ++i) CHECK(proxy.get("/broken").status == 500);
  CHECK(proxy.get("/broken").status == 503);
  CHECK(proxy.get("/other").status == 200);
  CHECK(proxy.state("healthy") == "closed");
}

// SPDX-License-Identifier: Apache-2.0
// Retries: which attempts follow which, and which must not.
#include <atomic>
#include <string>

#include "tests/support/rig.hpp"

using namespace fusewire::testing;

namespace {

double retries(const Rig& rig, const std::string& result) {
  return rig.proxy.metric("fusewire_retries_total{upstream=\"orders\",result=\"" + result + "\"}");
}

// Clients that leave when their 503 is on its way to the proxy, whose next attempt would come after 30 s. One that has
// left before the proxy looked says nothing of the upstream: so there are more of them, until `count` have failed.
class Leavers {
 public:
  explicit Leavers(const std::string& scope)
      : proxy_(
            "listen: 127.0.0.1:0\nupstreams:\n  orders:\n    retries: {on: [\"503\"], budget: off}\n"
            "    circuit_breaker: {scope: " +
            scope + "}\n    endpoints: [http://127.0.0.1:" + std::to_string(upstream_.port()) + "]\n"),
        target_("/admin/circuit-breakers/orders" +
                (scope == "upstream" ? "" : "%2F127.0.0.1:" + std::to_string(upstream_.port()))) {}

  void leave_until_failed(std::size_t count) {
    for (std::size_t i = 1; i == 1 || total("failures") < count; ++i) {  // an address has a breaker once it was asked
      REQUIRE(i < 50);
      Connection client = proxy_.connect();
      client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
      REQUIRE(eventually([&] { return answered_ == i; }));
      client.close();
      REQUIRE(eventually([&] { return total("failures") + total("neutral") == i; }));
      CHECK(upstream_.request_count() == i);
    }
  }
  std::string state() const { return std::string(proxy_.admin_json(target_).at("state").as_string()); }
  double retries() const { return proxy_.metric("fusewire_retries_total{upstream=\"orders\",result=\"failure\"}"); }

 private:
  std::size_t total(const char* of) const {
    return proxy_.admin_json(target_).at("totals").at(of).to_number<std::size_t>();
  }

  std::atomic<std::size_t> answered_{0};
  ScriptedUpstream upstream_{[this](Call& call) {
    scripts::reply(response(503, "", "Retry-After: 30\r\n"))(call);
    ++answered_;
  }};
  TestProxy proxy_;
  std::string target_;
};

}  // namespace

TEST_CASE("by default an idempotent request that was reset is tried once more, and counts as one call") {
  Rig rig(scripts::in_turn({scripts::reset(), scripts::ok("second")}));
  const Response reply = rig.proxy.get("/");
  CHECK(reply.status == 200);
  CHECK(reply.body == "second");
  CHECK(rig.upstream.request_count() == 2);
  CHECK(rig.proxy.breaker().totals.success == 1);
  CHECK(rig.proxy.breaker().totals.failure == 0);
  CHECK(retries(rig, "success") == 1);
}

TEST_CASE("a POST is not tried twice once it was sent") {
  Rig rig(scripts::reset());
  CHECK(rig.proxy.request("POST", "/", "", "x").status == 502);
  CHECK(rig.upstream.request_count() == 1);
}

TEST_CASE("a method that retries.methods names is, an idempotent one that it does not is not") {
  Rig rig(scripts::in_turn({scripts::reset(), scripts::ok()}), "    retries: {methods: [POST]}\n");
  CHECK(rig.proxy.request("POST", "/", "", "x").status == 200);
  rig.upstream.script(scripts::reset());
  CHECK(rig.proxy.get("/").status == 502);
  CHECK(rig.upstream.request_count() == 3);
}

TEST_CASE("a status is tried again only where retries.on lists it") {
  Rig rig(scripts::in_turn({scripts::status(503), scripts::ok()}));
  CHECK(rig.proxy.get("/").status == 503);
  Rig listed(scripts::in_turn({scripts::status(503), scripts::status(503), scripts::ok("third")}),
             "    retries: {attempts: 2, on: [\"503\"]}\n");
  CHECK(listed.proxy.get("/").body == "third");
  CHECK(listed.upstream.request_count() == 3);
  CHECK(retries(listed, "failure") == 1);
  CHECK(retries(listed, "success") == 1);
}

TEST_CASE("the last attempt's answer is what the client gets, and decides for the breaker") {
  Rig rig(scripts::status(503, "sorry"), "    retries: {attempts: 2, on: [\"503\"]}\n");
  const Response reply = rig.proxy.get("/");
  CHECK(reply.status == 503);
  CHECK(reply.body == "sorry");
  CHECK(rig.upstream.request_count() == 3);
  CHECK(rig.proxy.breaker().totals.failure == 1);
  CHECK(retries(rig, "failure") == 2);
}

TEST_CASE("an attempt ends with per_try_timeout, and another one follows") {
  Rig rig(scripts::in_turn({scripts::hang(), scripts::ok("second")}),
          "    retries: {on: [timeout], per_try_timeout: 200ms}\n");
  CHECK(rig.proxy.get("/").body == "second");
}

TEST_CASE("the upstream's Retry-After is waited for, and where it is beyond the deadline there is no retry") {
  Rig rig(scripts::in_turn({scripts::reply(response(503, "", "Retry-After: 1\r\n")), scripts::ok("later")}),
          "    retries: {on: [\"503\"]}\n");
  const auto begun = std::chrono::steady_clock::now();
  CHECK(rig.proxy.get("/").body == "later");
  CHECK(std::chrono::steady_clock::now() - begun >= std::chrono::seconds(1));
  Rig late(scripts::reply(response(503, "", "Retry-After: 9\r\n")),
           "    retries: {on: [\"503\"]}\n    timeouts: {total: 5s}\n");
  CHECK(late.proxy.get("/").status == 503);
  CHECK(late.upstream.request_count() == 1);
}

TEST_CASE("the budget bounds retries over all requests") {
  Rig rig(scripts::status(503),
          "    retries: {attempts: 3, on: [\"503\"], budget: {ratio: 0.2, min_per_second: 0}}\n"
          "    circuit_breaker: {mode: disabled}\n");
  for (int i = 0; i < 50; ++i) rig.proxy.get("/");
  CHECK(rig.upstream.request_count() >= 55);
  CHECK(rig.upstream.request_count() <= 60);
  CHECK(retries(rig, "over_budget") > 0);
}

TEST_CASE("there is no retry through a breaker that the attempt has opened") {
  Rig rig(scripts::status(500),
          "    retries: {attempts: 3, on: [5xx]}\n"
          "    circuit_breaker: {detection: {consecutive_failures: {threshold: 1}}}\n");
  CHECK(rig.proxy.get("/").status == 500);
  CHECK(rig.proxy.get("/").status == 503);
  CHECK(rig.upstream.request_count() <= 4);
}

TEST_CASE("another endpoint comes first") {
  ScriptedUpstream bad(scripts::status(503)), good(scripts::ok());
  TestProxy proxy(
      "listen: 127.0.0.1:0\nupstreams:\n  orders:\n    retries: {on: [\"503\"], budget: off}\n"
      "    load_balancing: {policy: round_robin}\n    endpoints: [http://127.0.0.1:" +
      std::to_string(bad.port()) + ", http://127.0.0.1:" + std::to_string(good.port()) + "]\n");
  for (int i = 0; i < 8; ++i) CHECK(proxy.get("/").status == 200);
  CHECK(bad.request_count() > 0);
}

TEST_CASE("a client that leaves during the back-off ends the call, which has failed before") {
  Leavers clients("upstream");
  clients.leave_until_failed(1);
  CHECK(clients.retries() == 0);
}

TEST_CASE("what fails opens the breaker, however soon the clients leave during the back-off") {
  for (const char* scope : {"upstream", "endpoint"}) {
    CAPTURE(scope);
    Leavers clients(scope);
    clients.leave_until_failed(5);
    CHECK(clients.state() == "open");
  }
}

TEST_CASE("another endpoint is asked without the first one's Retry-After, whatever the scope") {
  ScriptedUpstream bad(scripts::reply(response(503, "", "Retry-After: 30\r\n"))), good(scripts::ok());
  TestProxy proxy(
      "listen: 127.0.0.1:0\nupstreams:\n  orders:\n    retries: {on: [\"503\"], budget: off}\n"
      "    circuit_breaker: {scope: upstream}\n    load_balancing: {policy: round_robin}\n    endpoints: "
      "[http://127.0.0.1:" +
      std::to_string(bad.port()) + ", http://127.0.0.1:" + std::to_string(good.port()) + "]\n");
  for (int i = 0; i < 4; ++i) CHECK(proxy.get("/").status == 200);
  CHECK(bad.request_count() > 0);
}

TEST_CASE("what a retried attempt has said of caching is not what its successor's response is stored by") {
  Rig rig(scripts::in_turn({scripts::reply(response(503, "down", "Cache-Control: max-age=30\r\n")),
                            scripts::reply(response(200, "mine", "Cache-Control: private, max-age=30\r\n")),
                            scripts::ok("yours")}),
          "    retries: {on: [\"503\"]}\n    cache: {serve: normal}\n");
  CHECK(rig.proxy.get("/").body == "mine");
  CHECK(rig.proxy.get("/").body == "yours");
}

// SPDX-License-Identifier: Apache-2.0
// health_check: what the proxy asks endpoints for by itself, and what that means to requests.
#include <memory>
#include <string>
#include <vector>

#include "tests/support/rig.hpp"
#include "tests/support/silent_port.hpp"
#include "tests/support/tls_rig.hpp"

using namespace fusewire::testing;

namespace {

constexpr const char* kOften = "{interval: 20ms, timeout: 2s}";

bool is_check(const Request& request) { return request.target == "/healthz" || request.target == "/ready"; }

// Answers checks and requests each by its script.
Script by_path(Script check, Script request = scripts::ok()) {
  return [=](Call& call) { is_check(call.request()) ? check(call) : request(call); };
}

// One upstream named `orders` with an endpoint for each script, checked all the time.
struct Checked {
  explicit Checked(const std::vector<Script>& scripts, const std::string& checks = kOften,
                   const std::string& lines = {}) {
    for (const Script& script : scripts) upstreams.push_back(std::make_unique<ScriptedUpstream>(script));
    proxy = std::make_unique<TestProxy>(yaml(checks, lines));
  }
  std::string yaml(const std::string& checks, const std::string& lines = {}) const {
    std::string list;
    for (const auto& upstream : upstreams)
      list += (list.empty() ? "" : ", ") + ("http://127.0.0.1:" + std::to_string(upstream->port()));
    return "listen: 127.0.0.1:0\nupstreams:\n  orders:\n    endpoints: [" + list + "]\n    health_check: " + checks +
           "\n" + "    load_balancing: {policy: round_robin}\n    fallback: {chain: []}\n" + lines;
  }
  std::string url(std::size_t endpoint) const {
    return "http://127.0.0.1:" + std::to_string(upstreams[endpoint]->port());
  }
  boost::json::object check(std::size_t endpoint) const {
    const auto answer = proxy->admin_json("/admin/upstreams");
    for (const auto& one : answer.at("upstreams").as_array()[0].at("endpoints").as_array())
      if (one.at("url").as_string() == url(endpoint))
        for (const auto& address : one.at("address_states").as_array()) return address.at("health_check").as_object();
    return {};
  }
  std::string field(std::size_t endpoint, const char* name) const {
    const auto view = check(endpoint);
    const auto* value = view.if_contains(name);
    return value != nullptr && value->is_string() ? std::string(value->as_string()) : "";
  }
  bool becomes(std::size_t endpoint, const std::string& state) const {
    return eventually([&] { return field(endpoint, "state") == state; });
  }
  bool last_result_is(std::size_t endpoint, const std::string& result) const {
    return eventually([&] { return field(endpoint, "last_result") == result; });
  }
  double checks(std::size_t endpoint, const std::string& result) const {
    return proxy->metric("fusewire_health_checks_total{upstream=\"orders\",endpoint=\"" + url(endpoint) +
                         "\",result=\"" + result + "\"}");
  }
  double addresses(std::size_t endpoint, const std::string& state) const {
    return proxy->metric("fusewire_health_check_addresses{upstream=\"orders\",endpoint=\"" + url(endpoint) +
                         "\",state=\"" + state + "\"}");
  }
  // Requests of users at that endpoint.
  std::size_t requests(std::size_t endpoint) const {
    std::size_t count = 0;
    for (const Request& request : upstreams[endpoint]->requests()) count += !is_check(request);
    return count;
  }
  int good(int n) const {
    int answered = 0;
    for (int i = 0; i < n; ++i) answered += proxy->get("/").status == 200;
    return answered;
  }

  std::vector<std::unique_ptr<ScriptedUpstream>> upstreams;
  std::unique_ptr<TestProxy> proxy;
};

}  // namespace

TEST_CASE("an endpoint whose checks fail gets no request, its breaker being closed, and comes back when they pass") {
  Checked orders({scripts::ok(), by_path(scripts::status(503))});
  REQUIRE(orders.becomes(1, "unhealthy"));
  REQUIRE(orders.becomes(0, "healthy"));
  const std::size_t before = orders.requests(1);
  CHECK(orders.good(20) == 20);
  CHECK(orders.requests(1) == before);
  CHECK(orders.requests(0) == 20);
  const auto view = orders.check(1);
  CHECK(view.at("last_result").as_string() == "bad_status");
  CHECK(view.at("last_status").as_int64() == 503);
  CHECK(view.at("since").is_string());
  CHECK(view.at("last_check").is_string());
  CHECK(orders.addresses(1, "unhealthy") == 1);
  CHECK(orders.addresses(0, "healthy") == 1);

  orders.upstreams[1]->script(scripts::ok());
  REQUIRE(orders.becomes(1, "healthy"));
  CHECK(orders.good(20) == 20);
  CHECK(orders.requests(1) > before + 5);
}

TEST_CASE("checks are counted apart from traffic: no breaker, no score, no request knows of them") {
  Checked orders({by_path(scripts::status(500)), by_path(scripts::reset())});
  CHECK(eventually([&] { return orders.checks(0, "bad_status") > 20 && orders.checks(1, "reset") > 20; }));
  const auto breaker = orders.proxy->breaker();
  CHECK(breaker.totals.failure == 0);
  CHECK(breaker.totals.success == 0);
  const auto answer = orders.proxy->admin_json("/admin/upstreams");
  const auto& upstream = answer.at("upstreams").as_array()[0].as_object();
  for (const auto& endpoint : upstream.at("endpoints").as_array()) {
    const auto& address = endpoint.at("address_states").as_array()[0].as_object();
    CHECK(address.at("breaker_state").as_string() == "closed");
    CHECK(address.at("latency_ms").is_null());
    CHECK(address.at("health_score").to_number<double>() == 1);
  }
  CHECK(upstream.at("connections").at("opened").to_number<int>() == 0);
  CHECK(orders.proxy->metric("fusewire_requests_total{listener=\"main\",upstream=\"orders\",code_class=\"5xx\"}") == 0);
}

TEST_CASE("where the checks of all endpoints fail, all of them are used") {
  Checked orders({by_path(scripts::status(404)), by_path(scripts::status(404))});
  REQUIRE(orders.becomes(0, "unhealthy"));
  REQUIRE(orders.becomes(1, "unhealthy"));
  CHECK(orders.good(20) == 20);
  CHECK(orders.requests(0) > 5);
  CHECK(orders.requests(1) > 5);
}

TEST_CASE("an address is checked once in each interval, whatever the number of workers") {
  Checked orders({scripts::ok()}, "{interval: 200ms}");
  REQUIRE(eventually([&] { return orders.upstreams[0]->request_count() > 0; }));
  const auto taken = time_of([&] {
    const std::size_t from = orders.upstreams[0]->request_count();
    CHECK(eventually([&] { return orders.upstreams[0]->request_count() >= from + 5; }));
  });
  CHECK(taken > 5 * 180ms - 200ms);  // two workers would take half of that
}

TEST_CASE("a check is a GET of the path on a connection of its own, with the Host that requests have") {
  Checked orders({scripts::ok()}, "{path: '/ready?deep=1', interval: 20ms}");
  REQUIRE(eventually([&] { return orders.upstreams[0]->request_count() > 2; }));
  const Request check = orders.upstreams[0]->requests().front();
  CHECK(check.method == "GET");
  CHECK(check.target == "/ready?deep=1");
  CHECK(check.field("Host") == "127.0.0.1:" + std::to_string(orders.upstreams[0]->port()));
  CHECK(check.field("User-Agent").starts_with("fusewire-health-check/"));
  CHECK(check.field("Connection") == "close");
  CHECK_FALSE(check.has("X-Forwarded-For"));
  CHECK(orders.upstreams[0]->connection_count() >= 3);
}

TEST_CASE("each way in which a check fails has its name") {
  struct Way {
    Script script;
    std::string result;
  };
  const std::vector<Way> ways = {
      {by_path(scripts::status(404)), "bad_status"},
      {by_path(scripts::cut()), "reset"},  // accepts, and closes
      {by_path(scripts::reset()), "reset"},
      {by_path(scripts::hang()), "timeout"},
      {by_path(scripts::drip("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 50ms)), "timeout"},
      {by_path(scripts::reply("SSH-2.0-OpenSSH_9.2\r\n\r\n")), "protocol_error"},
      {by_path(scripts::reply("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab")),
       "protocol_error"},
      {by_path(scripts::reply("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")), "protocol_error"},
      {by_path(scripts::cut("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")), "incomplete"},
  };
  std::vector<Script> scripts;
  for (const Way& way : ways) scripts.push_back(way.script);
  Checked orders(scripts, "{interval: 20ms, timeout: 300ms}");
  for (std::size_t i = 0; i < ways.size(); ++i) {
    CAPTURE(i);
    CHECK(orders.becomes(i, "unhealthy"));
    CHECK(orders.last_result_is(i, ways[i].result));
    CHECK(orders.checks(i, ways[i].result) >= 3);
  }
}

TEST_CASE("interim responses, a redirect, a body in chunks and one until the connection's end pass") {
  const std::vector<Script> scripts = {
      by_path(scripts::reply("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n")),
      by_path(scripts::status(301)),
      by_path(scripts::reply("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n")),
      by_path(scripts::cut("HTTP/1.0 200 OK\r\n\r\nfine")),
  };
  Checked orders(scripts);
  for (std::size_t i = 0; i < scripts.size(); ++i) {
    CAPTURE(i);
    CHECK(eventually([&] { return orders.checks(i, "passed") >= 3; }));
    CHECK(orders.field(i, "state") == "healthy");
  }
}

TEST_CASE("an endpoint that refuses, and one that never accepts, are unhealthy") {
  const SilentPort silent;
  ScriptedUpstream dead;
  dead.kill();
  ScriptedUpstream good;
  const std::string url = "http://127.0.0.1:";
  TestProxy proxy("listen: 127.0.0.1:0\nupstreams:\n  orders:\n    endpoints: [" + url +
                  std::to_string(silent.number()) + ", " + url + std::to_string(dead.port()) + ", " + url +
                  std::to_string(good.port()) + "]\n    health_check: {interval: 50ms, timeout: 100ms}\n");
  const auto checks = [&](std::uint16_t port, const std::string& result) {
    return proxy.metric("fusewire_health_checks_total{upstream=\"orders\",endpoint=\"" + url + std::to_string(port) +
                        "\",result=\"" + result + "\"}");
  };
  CHECK(
      eventually([&] { return checks(silent.number(), "timeout") >= 3 && checks(dead.port(), "connect_error") >= 3; }));
  for (int i = 0; i < 10; ++i) CHECK(proxy.get("/").status == 200);
}

TEST_CASE("a check of an https endpoint has its TLS settings, and a handshake that fails is named") {
  TlsUpstreamRig trusted(scripts::ok());
  const auto yaml = [&](const std::string& tls) {
    return "listen: 127.0.0.1:0\nupstreams:\n  orders:\n    endpoints: [\"https://localhost:" +
           std::to_string(trusted.rig.upstream.port()) + "\"]\n    health_check: {interval: 20ms}\n" + tls;
  };
  const auto checks = [&](const TestProxy& proxy, const std::string& result) {
    return proxy.metric("fusewire_health_checks_total{upstream=\"orders\",endpoint=\"https://localhost:" +
                        std::to_string(trusted.rig.upstream.port()) + "\",result=\"" + result + "\"}");
  };
  TestProxy good(yaml(trusted.files.upstream()));
  CHECK(eventually([&] { return checks(good, "passed") >= 3; }));
  CHECK(checks(good, "tls_error") == 0);
  TestProxy distrustful(yaml(""));
  CHECK(eventually([&] { return checks(distrustful, "tls_error") >= 3; }));
  CHECK(checks(distrustful, "passed") == 0);
}

TEST_CASE("a reload that changes the path changes what is checked, and what is known of the endpoint stays") {
  Checked orders({scripts::ok(), by_path(scripts::status(503))});
  REQUIRE(orders.becomes(1, "unhealthy"));
  const auto asked = [&](const std::string& target) {
    std::size_t count = 0;
    for (const Request& request : orders.upstreams[1]->requests()) count += request.target == target;
    return count;
  };
  REQUIRE(orders.proxy->reload(orders.yaml("{path: /ready, interval: 20ms, healthy: 10}")).status == 200);
  CHECK(orders.field(1, "state") == "unhealthy");
  REQUIRE(eventually([&] { return asked("/ready") > 3; }));
  const std::size_t before = asked("/healthz");
  REQUIRE(eventually([&] { return asked("/ready") > 10; }));
  CHECK(asked("/healthz") == before);
  CHECK(orders.field(1, "state") == "unhealthy");
  orders.upstreams[1]->script(scripts::ok());
  CHECK(orders.becomes(1, "healthy"));
}

TEST_CASE("a reload that turns checks off ends them, and every endpoint gets requests again") {
  Checked orders({scripts::ok(), by_path(scripts::status(503))});
  REQUIRE(orders.becomes(1, "unhealthy"));
  REQUIRE(orders.proxy->reload(orders.yaml("off")).status == 200);
  CHECK(eventually([&] {
    orders.good(2);
    return orders.requests(1) > 0;
  }));
  const std::size_t before = orders.upstreams[1]->request_count() - orders.requests(1);
  orders.good(40);
  CHECK(orders.upstreams[1]->request_count() - orders.requests(1) <= before + 1);
  CHECK(orders.addresses(1, "unhealthy") == -1);
  REQUIRE(orders.proxy->reload(orders.yaml("{interval: 20ms, unhealthy: 100}")).status == 200);
  CHECK(orders.becomes(1, "healthy"));  // it is known of nothing
}

TEST_CASE("an endpoint that a reload adds is checked, and one that it takes away is not") {
  Checked orders({scripts::ok(), scripts::ok()});
  REQUIRE(orders.becomes(0, "healthy"));
  REQUIRE(orders.becomes(1, "healthy"));
  const std::string one = "listen: 127.0.0.1:0\nupstreams:\n  orders:\n    endpoints: [" + orders.url(0) +
                          "]\n    health_check: {interval: 20ms}\n";
  REQUIRE(orders.proxy->reload(one).status == 200);
  REQUIRE(eventually([&] { return orders.upstreams[1]->open_connections() == 0; }));
  const std::size_t before = orders.upstreams[1]->request_count();
  const std::size_t at_first = orders.upstreams[0]->request_count();
  REQUIRE(eventually([&] { return orders.upstreams[0]->request_count() > at_first + 5; }));
  CHECK(orders.upstreams[1]->request_count() <= before + 1);
  REQUIRE(orders.proxy->reload(orders.yaml(kOften)).status == 200);
  CHECK(eventually([&] { return orders.upstreams[1]->request_count() > before + 3; }));
}

TEST_CASE("a process that drains ends its checks at once") {
  Checked orders({by_path(scripts::hang(), scripts::delayed(500ms, scripts::ok()))}, "{interval: 20ms, timeout: 30s}");
  orders.upstreams[0]->script(by_path(scripts::hang(), [&](Call& call) {
    orders.proxy->drain();
    CHECK(eventually([&] { return orders.upstreams[0]->open_connections() == 1; }));  // this one
    scripts::ok()(call);
  }));
  REQUIRE(eventually([&] { return orders.upstreams[0]->open_connections() == 1; }));
  CHECK(orders.proxy->get("/").status == 200);
  CHECK(orders.proxy->wait() == 0);
  CHECK(orders.requests(0) == 1);
}

TEST_CASE("a process ends at once while checks hang") {
  ScriptedUpstream upstream(scripts::hang());
  const auto taken = time_of([&] {
    TestProxy proxy(orders("    health_check: {interval: 10ms, timeout: 30s}\n"), {{"ORDERS", upstream.port()}});
    CHECK(eventually([&] { return upstream.open_connections() == 1; }));
  });
  CHECK(taken < 10s);
}

TEST_CASE("a retry goes to a healthy endpoint, and a breaker that wants a trial waits until its endpoint is healthy") {
  Checked orders({scripts::ok(), by_path(scripts::ok(), scripts::status(500))}, kOften,
                 "    circuit_breaker: {transitions: {open_timeout: 50ms, backoff: {multiplier: 1, jitter: 0}}}\n");
  CHECK(eventually([&] {
    orders.good(2);
    return orders.proxy->metric("circuit_breaker_addresses{name=\"orders/" + orders.url(1) + "\",state=\"open\"}") == 1;
  }));
  orders.upstreams[1]->script(by_path(scripts::status(503)));
  REQUIRE(orders.becomes(1, "unhealthy"));
  const std::size_t before = orders.requests(1);
  CHECK(orders.good(20) == 20);
  CHECK(orders.requests(1) == before);
  orders.upstreams[1]->script(scripts::ok());
  REQUIRE(orders.becomes(1, "healthy"));
  CHECK(eventually([&] {
    orders.good(2);
    return orders.proxy->metric("circuit_breaker_addresses{name=\"orders/" + orders.url(1) + "\",state=\"closed\"}") ==
           1;
  }));
}

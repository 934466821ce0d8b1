// SPDX-License-Identifier: Apache-2.0
// From a request's id to what was decided about it, through real sockets.
#include <boost/json.hpp>

#include "tests/support/eventually.hpp"
#include "tests/support/rig.hpp"

using namespace fusewire::testing;
using namespace std::chrono_literals;
namespace json = boost::json;

namespace {

// All requests of that id, once there are so many: a client may have its answer before its request is recorded.
json::array all_explained(const TestProxy& proxy, const std::string& id, std::size_t count) {
  json::array found;
  CHECK(eventually([&] {
    const Response reply = proxy.admin("GET", "/admin/explain/" + id);
    if (reply.status == 200) found = json::parse(reply.body).at("requests").as_array();
    return found.size() >= count;
  }));
  return found;
}

json::object explained(const TestProxy& proxy, const std::string& id) {
  return all_explained(proxy, id, 1).at(0).as_object();
}

// "filter decision" of each step, in order.
std::string steps(const json::object& request) {
  std::string all;
  for (const json::value& step : request.at("steps").as_array())
    all += (all.empty() ? "" : ", ") + std::string(step.at("filter").as_string()) + " " +
           std::string(step.at("decision").as_string());
  return all;
}

}  // namespace

TEST_CASE("the id of an answer leads to its attempt, with endpoint, address and times") {
  const Rig rig;
  const Response reply = rig.proxy.get("/a?secret=1");
  const json::object request = explained(rig.proxy, reply.field("X-Request-Id"));
  CHECK(request.at("path").as_string() == "/a");
  CHECK(request.at("ended_well") == true);
  CHECK(steps(request).starts_with("route routed, breaker permitted, timeout set, attempt answered, "));
  CHECK(steps(request).ends_with("breaker success, answer relayed"));
  const json::value& attempt = request.at("calls").at(0).at("attempts").at(0);
  const std::string address = "127.0.0.1:" + std::to_string(rig.upstream.port());
  CHECK(attempt.at("endpoint").as_string() == "http://" + address);
  CHECK(attempt.at("address").as_string() == address);
  CHECK(attempt.at("status") == 200);
  CHECK(attempt.at("outcome").as_string() == "complete");
  CHECK(attempt.at("kept_connection") == false);
  CHECK(attempt.at("connected_ms").is_number());
  CHECK(attempt.at("sent_ms").to_number<double>() >= attempt.at("connected_ms").to_number<double>());
  CHECK(attempt.at("head_ms").to_number<double>() >= attempt.at("sent_ms").to_number<double>());
  CHECK(json::serialize(request).find("secret") == std::string::npos);
}

TEST_CASE("a retry is explained with both of its attempts, one that is not allowed with the reason") {
  Rig rig(scripts::in_turn({scripts::reset(), scripts::ok(), scripts::reset()}));
  json::object request = explained(rig.proxy, rig.proxy.get("/", "X-Request-Id: one\r\n").field("X-Request-Id"));
  CHECK(request.at("calls").at(0).at("attempts").as_array().size() == 2);
  CHECK(request.at("calls").at(0).at("attempts").at(0).at("outcome").as_string() == "reset");
  CHECK(steps(request).find("attempt failed, retry made, attempt answered") != std::string::npos);
  CHECK(rig.proxy.request("POST", "/", "X-Request-Id: two\r\n", "x").status == 502);
  request = explained(rig.proxy, "two");
  CHECK(steps(request).find("attempt failed, retry not_made") != std::string::npos);
  for (const json::value& step : request.at("steps").as_array())
    if (step.at("filter").as_string() == "retry") CHECK(step.at("reason").as_string() == "not_repeatable");
}

TEST_CASE("an open breaker and the fallback that stood in are explained, with the other upstream's call") {
  ScriptedUpstream other(scripts::ok("other"));
  Rig rig(scripts::ok(),
          "    fallback: {on: [breaker_open], chain: [{upstream: other}]}\n  other: \"http://127.0.0.1:" +
              std::to_string(other.port()) + "\"\n");
  rig.proxy.admin_change("/admin/circuit-breakers/orders/force-open");
  CHECK(rig.proxy.get("/", "X-Request-Id: one\r\n").body == "other");
  const json::object request = explained(rig.proxy, "one");
  CHECK(request.at("fallback").as_string() == "upstream");
  CHECK(request.at("ended_well") == false);
  CHECK(request.at("calls").as_array().size() == 2);
  CHECK(request.at("calls").at(1).at("upstream").as_string() == "other");
  CHECK(request.at("calls").at(1).at("is_fallback") == true);
  CHECK(request.at("calls").at(1).at("answered") == true);
  CHECK(steps(request).starts_with("route routed, breaker rejected, fallback begun, fallback asks, breaker permitted"));
}

TEST_CASE("a request that reaches no upstream is explained, and one of an id that nobody has used is not found") {
  const Rig rig;
  CHECK(rig.proxy.request("OPTIONS", "*", "Max-Forwards: 0\r\nX-Request-Id: own\r\n").status == 200);
  CHECK(explained(rig.proxy, "own").at("calls").as_array().empty());
  CHECK(rig.proxy.admin("GET", "/admin/explain/nobody").status == 404);
}

TEST_CASE("a hedged request is explained with both attempts: the one that answered, and the one that was dropped") {
  ScriptedUpstream slow([](fusewire::testing::Call& call) { call.wait(10s); });
  ScriptedUpstream quick(scripts::ok("quick"));
  const TestProxy proxy(
      "listen: 127.0.0.1:0\nupstreams:\n  orders:\n    load_balancing: {policy: round_robin}\n"
      "    retries: {budget: off, hedge: {after: 50ms}}\n    endpoints: [http://127.0.0.1:" +
      std::to_string(slow.port()) + ", http://127.0.0.1:" + std::to_string(quick.port()) + "]\n");
  json::object request;
  for (int turn = 0; turn < 4 && (turn == 0 || steps(request).find("hedge won") == std::string::npos); ++turn)
    request = explained(proxy, proxy.get("/").field("X-Request-Id"));
  CHECK(steps(request).find("attempt dropped, hedge sent, attempt answered") != std::string::npos);
  CHECK(steps(request).find("hedge won") != std::string::npos);
  const json::array& attempts = request.at("calls").at(0).at("attempts").as_array();
  REQUIRE(attempts.size() == 2);
  CHECK(attempts[0].at("outcome").as_string() == "superseded");
  CHECK(attempts[0].at("hedge") == false);
  CHECK(attempts[1].at("outcome").as_string() == "complete");
  CHECK(attempts[1].at("hedge") == true);
  CHECK(std::string(request.at("summary").as_string()).ends_with(", at attempt 2 of 2"));
}

TEST_CASE("a hedge that the budget does not allow is explained") {
  Rig rig(
      [](fusewire::testing::Call& call) {
        call.wait(200ms);
        scripts::ok()(call);
      },
      "    retries: {budget: {ratio: 0, min_per_second: 0}, hedge: {after: 20ms}}\n");
  const json::object request = explained(rig.proxy, rig.proxy.get("/").field("X-Request-Id"));
  CHECK(steps(request).find("hedge not_sent") != std::string::npos);
}

TEST_CASE("a request that only the proxy's probes could have let pass is explained so") {
  Rig rig(scripts::reset(),
          "    retries: {attempts: 0}\n    circuit_breaker: {detection: {consecutive_failures: {threshold: 1}}, "
          "recovery: {probe: "
          "{type: active, path: /probe, interval: 60s}}}\n");
  rig.proxy.get("/");
  const json::object request = explained(rig.proxy, rig.proxy.get("/").field("X-Request-Id"));
  CHECK(steps(request).starts_with("route routed, breaker rejected"));
  CHECK(json::serialize(request.at("steps")).find("only the proxy's own probes can close it") != std::string::npos);
}

TEST_CASE("a refusal by a route's limit, and by a route's breaker, names the route") {
  const ScriptedUpstream upstream(scripts::ok());
  const TestProxy proxy(
      "listeners:\n  - name: main\n    address: 127.0.0.1:0\n    routes:\n"
      "      - {name: read, upstream: orders, circuit_breaker: {scope: route}, "
      "limits: {rate: {requests_per_second: 1, burst: 1}}}\n"
      "upstreams:\n  orders:\n    endpoints: [\"http://127.0.0.1:" +
      std::to_string(upstream.port()) + "\"]\n");
  proxy.get("/", "X-Request-Id: first\r\n");
  proxy.get("/", "X-Request-Id: second\r\n");
  CHECK(explained(proxy, "first").at("calls").at(0).at("breaker").as_string() == "orders/read");
  const json::object refused = explained(proxy, "second");
  CHECK(steps(refused).starts_with("route routed, rate refused"));
  CHECK(json::serialize(refused.at("steps")).find("limits.rate of its route") != std::string::npos);
}

TEST_CASE("what a client sends with the id of another one's request does not hide that") {
  Rig rig(scripts::in_turn({scripts::status(500), scripts::ok()}));
  const std::string id = rig.proxy.get("/").field("X-Request-Id");
  for (int i = 0; i < 25; ++i) rig.proxy.get("/", "X-Request-Id: " + id + "\r\n");
  const json::array found = all_explained(rig.proxy, id, 20);
  REQUIRE(found.size() == 20);
  CHECK(found[0].at("status") == 500);
  CHECK(found[0].at("id_is_own") == true);
  CHECK(found[1].at("id_is_own") == false);
}

TEST_CASE("of requests with one id all are shown, the newest first") {
  Rig rig(scripts::in_turn({scripts::ok(), scripts::status(404)}));
  rig.proxy.get("/", "X-Request-Id: same\r\n");
  rig.proxy.get("/", "X-Request-Id: same\r\n");
  const json::array found = all_explained(rig.proxy, "same", 2);
  REQUIRE(found.size() == 2);
  CHECK(found[0].at("status") == 404);
  CHECK(found[1].at("status") == 200);
}

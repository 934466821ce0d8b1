// SPDX-License-Identifier: Apache-2.0
// A game day: faults that an operator injects, as clients, the breaker and those who look on meet them.
#include <boost/json.hpp>
#include <string>

#include "tests/support/rig.hpp"

using namespace fusewire::testing;
namespace json = boost::json;

namespace {

constexpr const char* kQuick =
    "    circuit_breaker: {transitions: {open_timeout: 100ms, backoff: {jitter: 0}}, recovery: {success_threshold: "
    "1}}\n";

const std::string kAuthorization = std::string("Authorization: Bearer ") + kToken + "\r\n";

void inject(const Rig& rig, const std::string& members, const std::string& lasts = "10m") {
  const Response reply = rig.proxy.admin("PUT", "/admin/faults", kAuthorization,
                                         R"({"upstream":"orders","for":")" + lasts + "\"," + members + "}");
  CAPTURE(reply.body);
  REQUIRE(reply.status == 200);
}

void remove(const Rig& rig) {
  REQUIRE(rig.proxy.admin("DELETE", "/admin/faults/orders", kAuthorization).status == 200);
}

json::object fault(const Rig& rig) {
  return rig.proxy.admin_json("/admin/faults").at("faults").as_array().at(0).as_object();
}

json::object explained(const Rig& rig, const std::string& id) {
  json::object found;
  CHECK(eventually([&] {
    const Response reply = rig.proxy.admin("GET", "/admin/explain/" + id);
    if (reply.status == 200) found = json::parse(reply.body).at("requests").at(0).as_object();
    return !found.empty();
  }));
  return found;
}

}  // namespace

TEST_CASE("injected aborts open the breaker, and when they are removed it closes again") {
  Rig rig(scripts::ok(), std::string(kQuick) + kOneTry);
  inject(rig, R"("abort":503)");
  for (int i = 0; i < 5; ++i) {
    const Response reply = rig.proxy.get("/");
    CHECK(reply.status == 503);
    CHECK(parameter(reply.field("Proxy-Status"), "error") == "proxy_internal_response");
    CHECK(reply.body.find("FaultInjected") != std::string::npos);
  }
  CHECK(rig.proxy.state() == "open");
  CHECK(rig.upstream.request_count() == 0);
  CHECK(rig.upstream.connection_count() == 0);
  CHECK(fault(rig).at("aborted") == 5);
  CHECK(rig.proxy.metric("fusewire_faults_injected_total{upstream=\"orders\",type=\"abort\"}") == 5);
  CHECK(rig.proxy.metric("fusewire_fault_active{upstream=\"orders\"}") == 1);
  remove(rig);
  CHECK(rig.proxy.metric("fusewire_fault_active{upstream=\"orders\"}") == 0);
  CHECK(eventually([&] { return rig.proxy.get("/").status == 200; }));
  CHECK(eventually([&] { return rig.proxy.state() == "closed"; }));
}

TEST_CASE("a delay longer than timeouts.response is a timeout to client and breaker") {
  Rig rig(scripts::ok(), std::string(kQuick) + kOneTry + "    timeouts: {response: 30ms}\n");
  inject(rig, R"("delay":"1m")");
  check_problem(rig.proxy.get("/"), 504, "ResponseTimeout", "http_response_timeout");
  CHECK(rig.proxy.breaker().totals.failure == 1);
  CHECK(rig.proxy.metric("circuit_breaker_latency_seconds_count{name=\"orders\",outcome=\"timeout\"}") == 1);
  CHECK(rig.upstream.request_count() == 0);
  CHECK(fault(rig).at("delayed") == 1);
}

TEST_CASE("a shorter delay makes slow calls of good answers") {
  Rig rig(scripts::ok(),
          "    circuit_breaker: {detection: {slow_call_rate: {slower_than: 30ms, threshold: 1}, "
          "consecutive_slow_calls: {threshold: 2}}}\n");
  inject(rig, R"("delay":"40ms")");
  CHECK(time_of([&] { CHECK(rig.proxy.get("/").status == 200); }) >= 40ms);
  CHECK(rig.proxy.get("/").status == 200);
  CHECK(rig.proxy.state() == "open");
  CHECK(rig.proxy.breaker().last_trip->reason == fusewire::breaker::Reason::consecutive_slow_calls);
  CHECK(rig.upstream.request_count() == 2);
}

TEST_CASE("retries meet injected resets as they meet the endpoint's") {
  Rig rig(scripts::ok(), kNoBreaker);
  inject(rig, R"("abort":"reset")");
  const Response reply = rig.proxy.get("/", "X-Request-Id: twice\r\n");
  check_problem(reply, 502, "UpstreamReset", "connection_terminated");
  CHECK(fault(rig).at("aborted") == 2);
  CHECK(rig.upstream.request_count() == 0);
  const json::object request = explained(rig, "twice");
  const json::array& attempts = request.at("calls").at(0).at("attempts").as_array();
  REQUIRE(attempts.size() == 2);
  for (const json::value& attempt : attempts) CHECK(attempt.at("injected").at("abort").as_string() == "reset");
  CHECK(json::serialize(request).find("a reset was injected") != std::string::npos);
  CHECK(request.at("flags") == json::array{"UR", "FI"});
}

TEST_CASE("a POST that was reset by a fault is not sent again") {
  Rig rig(scripts::ok(), kNoBreaker);
  inject(rig, R"("abort":"reset")");
  CHECK(rig.proxy.request("POST", "/", "", "pay").status == 502);
  CHECK(fault(rig).at("aborted") == 1);
}

TEST_CASE("a hedge answers for an attempt that is delayed by half a minute") {
  Rig rig(scripts::ok(),
          "    retries: {attempts: 0, budget: off, hedge: {after: 20ms}}\n    timeouts: {response: 50s}\n");
  inject(rig, R"("delay":"30s","delay_percent":50)");
  bool hedged = false;
  for (int i = 0; i < 200 && !hedged; ++i) {
    Connection client = rig.proxy.connect();
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    if (read_response(client, "GET", 500ms).status != 200) continue;  // both were delayed
    hedged = rig.proxy.metric("fusewire_hedges_total{upstream=\"orders\",result=\"won\"}") == 1;
  }
  CHECK(hedged);
}

TEST_CASE("an explanation shows what was injected at the attempt, and the delay of an answer that came") {
  Rig rig;
  inject(rig, R"("delay":"5ms")");
  CHECK(rig.proxy.get("/", "X-Request-Id: slow\r\n").status == 200);
  const json::object request = explained(rig, "slow");
  const json::value& attempt = request.at("calls").at(0).at("attempts").at(0);
  CHECK(attempt.at("injected").at("delay_ms") == 5);
  CHECK(attempt.at("injected").at("abort").is_null());
  CHECK(request.at("flags") == json::array{"DI"});
  remove(rig);
  CHECK(rig.proxy.get("/", "X-Request-Id: quick\r\n").status == 200);
  CHECK(explained(rig, "quick").at("calls").at(0).at("attempts").at(0).at("injected").is_null());
}

TEST_CASE("the cache answers for an upstream whose answers are injected, and holds none of them") {
  Rig rig(scripts::reply(response(200, "good", "Cache-Control: max-age=0, stale-if-error=60\r\n")), kOneTry);
  CHECK(rig.proxy.get("/a").body == "good");
  inject(rig, R"("abort":503)");
  const Response stale = rig.proxy.get("/a");
  CHECK(stale.status == 200);
  CHECK(stale.body == "good");
  inject(rig, R"("abort":404)");
  CHECK(rig.proxy.get("/b").status == 404);
  remove(rig);
  CHECK(rig.proxy.get("/b").body == "good");
}

TEST_CASE("an upgrade is aborted before it begins") {
  Rig rig(scripts::ok(), kOneTry);
  inject(rig, R"("abort":503)");
  Connection client = rig.proxy.connect();
  client.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  CHECK(read_response(client).status == 503);
  CHECK(rig.upstream.request_count() == 0);
}

TEST_CASE("a fault outlives a reload, and its upstream's connections go on behind it") {
  Rig rig(scripts::ok(), kNoBreaker);
  CHECK(rig.proxy.get("/").status == 200);
  inject(rig, R"("abort":500)");
  REQUIRE(rig.proxy.reload(orders(std::string(kNoBreaker) + "    timeouts: {response: 7s}\n")).status == 200);
  CHECK(rig.proxy.get("/").status == 500);
  remove(rig);
  CHECK(rig.proxy.get("/").status == 200);
}

TEST_CASE("a fault ends by itself") {
  Rig rig(scripts::ok(), kNoBreaker);
  inject(rig, R"("abort":500)", "1s");
  CHECK(rig.proxy.get("/").status == 500);
  CHECK(eventually([&] { return rig.proxy.get("/").status == 200; }));
  CHECK(rig.proxy.admin_json("/admin/faults").at("faults").as_array().empty());
  CHECK(rig.proxy.metric("fusewire_fault_active{upstream=\"orders\"}") == 0);
}

TEST_CASE("health checks meet no fault") {
  Rig rig(scripts::ok(),
          std::string(kNoBreaker) + kOneTry + "    health_check: {path: /healthz, interval: 100ms, timeout: 50ms}\n");
  inject(rig, R"("abort":500)");
  CHECK(eventually([&] { return rig.upstream.request_count() >= 2; }));
  CHECK(rig.proxy.metric("fusewire_faults_injected_total{upstream=\"orders\",type=\"abort\"}") == 0);
  CHECK(rig.proxy.get("/").status == 500);
}

// SPDX-License-Identifier: Apache-2.0
// docs/reference.md, "Admin" and "Metrics", over a socket.
#include <boost/json/serialize.hpp>
#include <cstdlib>
#include <string>

#include "tests/support/process.hpp"
#include "tests/support/rig.hpp"

using namespace fusewire::testing;

namespace {

const std::string kAuthorised = std::string("Authorization: Bearer ") + kToken + "\r\n";

}  // namespace

TEST_CASE("health and readiness are reported") {
  Rig rig;
  CHECK(rig.proxy.admin("GET", "/admin/health").status == 200);
  CHECK(rig.proxy.admin("GET", "/admin/ready").status == 200);
  CHECK(rig.proxy.admin("GET", "/admin/nothing").status == 404);
}

TEST_CASE("a change needs the token") {
  Rig rig;
  const std::string target = "/admin/circuit-breakers/orders/force-open";
  CHECK(rig.proxy.admin("POST", target, "Content-Length: 0\r\n").status == 401);
  CHECK(rig.proxy.admin("POST", target, "Authorization: Bearer wrong\r\nContent-Length: 0\r\n").status == 401);
  CHECK(rig.proxy.admin("POST", target, "Authorization: Basic dGVzdA==\r\nContent-Length: 0\r\n").status == 401);
  CHECK(rig.proxy.breaker().override_state == fusewire::breaker::Override::none);
  CHECK(rig.proxy.admin("POST", target, kAuthorised + "Origin: http://evil.example\r\nContent-Length: 0\r\n").status ==
        403);
  CHECK(rig.proxy.breaker().override_state == fusewire::breaker::Override::none);
  CHECK(rig.proxy.admin_change(target).status == 200);
  CHECK(rig.proxy.breaker().override_state == fusewire::breaker::Override::forced_open);
}

TEST_CASE("without a configured token every change is refused") {
  Rig rig(scripts::ok(), "", "", {"admin.token="});
  CHECK(rig.proxy.admin_change("/admin/circuit-breakers/orders/force-open").status == 403);
  CHECK(rig.proxy.admin("GET", "/admin/circuit-breakers").status == 200);
}

TEST_CASE("reading can be made to need the token too") {
  Rig rig(scripts::ok(), "", "", {"admin.read_requires_token=true"});
  CHECK(rig.proxy.admin("GET", "/admin/circuit-breakers").status == 401);
  CHECK(rig.proxy.admin("GET", "/admin/config").status == 401);
  CHECK(rig.proxy.admin("GET", "/admin/circuit-breakers", kAuthorised).status == 200);
}

TEST_CASE("the Host of an admin request must be an IP address, localhost, or allowed") {
  Rig rig(scripts::ok(), "", "", {"admin.allowed_hosts=[ops.example]"});
  for (const auto& row : {std::pair{"localhost", true},
                          {"127.0.0.1:9901", true},
                          {"[::1]:9901", true},
                          {"ops.example", true},
                          {"evil.example", false}}) {
    CAPTURE(row.first);
    Connection client = Connection::to(rig.proxy.admin_port());
    client.send("GET /admin/health HTTP/1.1\r\nHost: " + std::string(row.first) + "\r\n\r\n");
    CHECK((read_response(client).status == 200) == row.second);
  }
}

TEST_CASE("the admin is not on the data listener") {
  Rig rig(scripts::status(404, "the upstream's own"));
  CHECK(rig.proxy.get("/admin/health").body == "the upstream's own");
  CHECK(rig.proxy.get("/metrics").body == "the upstream's own");
}

TEST_CASE("breakers are listed, one by one and in brief") {
  Rig rig;
  rig.proxy.get("/");
  const std::string all = rig.proxy.admin("GET", "/admin/circuit-breakers").body;
  CHECK(all.find("\"orders\"") != std::string::npos);
  const auto one = rig.proxy.admin_json("/admin/circuit-breakers/orders");
  CHECK(one.at("state").as_string() == "closed");
  CHECK(one.at("override").as_string() == "none");
  CHECK(one.at("mode").as_string() == "enforce");
  CHECK(boost::json::serialize(one.at("retry_after_ms")) == "0");
  CHECK(rig.proxy.admin("GET", "/admin/circuit-breakers/nobody").status == 404);
  CHECK(rig.proxy.admin("GET", "/admin/circuit-breakers/health").status == 200);
  CHECK(rig.proxy.admin("GET", "/api/circuit-breakers/health").body ==
        rig.proxy.admin("GET", "/admin/circuit-breakers/health").body);
}

TEST_CASE("all breakers, or some, are reset together") {
  Rig rig;
  for (const auto& [target, body] :
       {std::pair{"/admin/circuit-breakers/reset", ""}, {"/api/circuit-breakers/reset", "{\"names\":[\"orders\"]}"}}) {
    rig.upstream.script(scripts::status(500));
    for (int i = 0; i < 5; ++i) rig.proxy.get("/");
    REQUIRE(rig.proxy.state() == "open");
    CHECK(rig.proxy.admin_change(target, body).status == 200);
    CHECK(rig.proxy.state() == "closed");
  }
  CHECK(rig.proxy.admin_change("/admin/circuit-breakers/reset", "{\"names\":[\"nobody\"]}").status >= 400);
}

TEST_CASE("upstreams, cache and configuration are shown, the token is not") {
  Rig rig;
  CHECK(
      rig.proxy.admin("GET", "/admin/upstreams").body.find("http://127.0.0.1:" + std::to_string(rig.upstream.port())) !=
      std::string::npos);
  CHECK(rig.proxy.admin("GET", "/admin/cache").status == 200);
  const std::string config = rig.proxy.admin("GET", "/admin/config").body;
  CHECK(config.find("open_timeout") != std::string::npos);
  CHECK(config.find(kToken) == std::string::npos);
}

TEST_CASE("the cache can be purged") {
  Rig rig(scripts::reply(response(200, "kept", "Cache-Control: max-age=600\r\n")));
  rig.proxy.get("/");
  rig.proxy.admin_change("/admin/circuit-breakers/orders/force-open");
  CHECK(rig.proxy.get("/").body == "kept");
  CHECK(rig.proxy.admin("DELETE", "/admin/cache/orders", kAuthorised).status < 300);
  CHECK(rig.proxy.get("/").status == 503);
}

TEST_CASE("events are streamed as they happen") {
  Rig rig;
  Connection stream = Connection::to(rig.proxy.admin_port());
  stream.send("GET /admin/events/stream HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const auto head = stream.take_until("\r\n\r\n");
  REQUIRE(head.has_value());
  CHECK(head->find("text/event-stream") != std::string::npos);
  rig.upstream.script(scripts::status(500));
  for (int i = 0; i < 5; ++i) rig.proxy.get("/");
  CHECK(stream.take_until("consecutive_failures").has_value());
}

TEST_CASE("every metric of a breaker is there before its first call") {
  Rig rig;
  for (const char* series :
       {"circuit_breaker_state{name=\"orders\"}", "circuit_breaker_override{name=\"orders\"}",
        "circuit_breaker_failures{name=\"orders\"}", "circuit_breaker_successes{name=\"orders\"}",
        "circuit_breaker_requests_total{name=\"orders\",result=\"success\"}",
        "circuit_breaker_requests_total{name=\"orders\",result=\"failure\"}",
        "circuit_breaker_requests_total{name=\"orders\",result=\"neutral\"}",
        "circuit_breaker_requests_total{name=\"orders\",result=\"rejected\"}",
        "circuit_breaker_transitions_total{name=\"orders\",from=\"closed\",to=\"open\"}",
        "circuit_breaker_trips_total{name=\"orders\",reason=\"consecutive_failures\"}",
        "circuit_breaker_trips_total{name=\"orders\",reason=\"half_open_timeout\"}",
        "circuit_breaker_failure_rate{name=\"orders\"}", "circuit_breaker_slow_call_rate{name=\"orders\"}",
        "circuit_breaker_latency_seconds_count{name=\"orders\",outcome=\"timeout\"}",
        "circuit_breaker_fallback_executions_total{name=\"orders\",type=\"cache\",result=\"hit\"}",
        "circuit_breaker_would_reject_total{name=\"orders\"}",
        "circuit_breaker_open_remaining_seconds{name=\"orders\"}",
        "fusewire_requests_total{listener=\"main\",upstream=\"orders\",code_class=\"5xx\"}"}) {
    CAPTURE(series);
    CHECK(rig.proxy.metric(series) == 0);
  }
  CHECK(rig.proxy.metric("fusewire_config_last_reload_successful") == 1);
  CHECK(rig.proxy.metric("circuit_breaker_state_duration_seconds_total{name=\"orders\",state=\"closed\"}") >= 0);
  const std::string all = rig.proxy.admin("GET", "/metrics").body;
  for (const char* family :
       {"fusewire_request_duration_seconds_count", "fusewire_upstream_connections{", "fusewire_cache_entries",
        "fusewire_cache_bytes", "fusewire_cache_events_total{", "fusewire_config_last_reload_success_timestamp_seconds",
        "fusewire_build_info{", "process_resident_memory_bytes", "process_open_fds"}) {
    CAPTURE(family);
    CHECK(all.find("\n" + std::string(family)) != std::string::npos);
  }
}

TEST_CASE("metrics count what happened") {
  Rig rig(scripts::in_turn({scripts::ok(), scripts::ok(), scripts::status(500), scripts::status(404)}));
  for (int i = 0; i < 4; ++i) rig.proxy.get("/");
  CHECK(rig.proxy.metric("circuit_breaker_requests_total{name=\"orders\",result=\"success\"}") == 3);
  CHECK(rig.proxy.metric("circuit_breaker_requests_total{name=\"orders\",result=\"failure\"}") == 1);
  CHECK(rig.proxy.metric("circuit_breaker_failures{name=\"orders\"}") == 1);
  CHECK(rig.proxy.metric("circuit_breaker_failure_rate{name=\"orders\"}") == 0.25);
  const auto classes = [&](const std::string& code_class) {
    return rig.proxy.metric("fusewire_requests_total{listener=\"main\",upstream=\"orders\",code_class=\"" + code_class +
                            "\"}");
  };
  CHECK(eventually([&] { return classes("2xx") == 2 && classes("4xx") == 1 && classes("5xx") == 1; }));
}

TEST_CASE("promtool has nothing to say about the metrics") {
  Rig rig;
  rig.proxy.get("/");
  const Response metrics = rig.proxy.admin("GET", "/metrics");
  CHECK(metrics.field("Content-Type").rfind("text/plain", 0) == 0);
  TemporaryFolder folder;
  const std::string file = folder.write("metrics", metrics.body);
  CHECK(std::system(("promtool check metrics < " + file + " > " + file + ".said 2>&1").c_str()) == 0);
  CHECK(folder.read("metrics.said") == "");
}

TEST_CASE("the probes' address serves health, readiness and metrics and nothing else") {
  Rig rig(scripts::ok(), "", "", {"admin.probes=127.0.0.1:0"});
  const auto status = [&](const std::string& target) {
    Connection client = Connection::to(rig.proxy.probes_port());
    client.send("GET " + target + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
    return read_response(client).status;
  };
  CHECK(status("/admin/health") == 200);
  CHECK(status("/admin/ready") == 200);
  CHECK(status("/metrics") == 200);
  CHECK(status("/admin/circuit-breakers") == 404);
  CHECK(status("/admin/config") == 404);
}

TEST_CASE("malformed admin requests are refused and the admin lives on") {
  Rig rig;
  for (const char* raw : {"nonsense\r\n\r\n", "GET /admin/health HTTP/1.1\r\n\r\n",
                          "GET /admin/\x01 HTTP/1.1\r\nHost: localhost\r\n\r\n"}) {
    Connection client = Connection::to(rig.proxy.admin_port());
    client.send(raw);
    CHECK(read_response(client).status >= 400);
  }
  Connection silent = Connection::to(rig.proxy.admin_port());
  CHECK(rig.proxy.admin("GET", "/admin/health").status == 200);
}

// SPDX-License-Identifier: Apache-2.0
// Every other endpoint, called as the connection calls it, over a real Control.
#include <doctest/doctest.h>

#include "tests/unit/proxy/admin/calls.hpp"

namespace breaker = fusewire::breaker;
namespace config = fusewire::config;
using namespace fusewire::proxy;
using namespace fusewire::proxy::admin;
using namespace std::chrono_literals;
using fusewire::testing::ControlRig;
using fusewire::testing::kTwoUpstreams;

TEST_CASE("an unauthorised caller does not learn which parameters there are") {
  Admin admin;
  Request request;
  request.method = "POST";
  request.target = "/admin/circuit-breakers/users/force-open?fro=10m";
  CHECK(admin.ask(request).status == 401);
}

TEST_CASE("health, readiness and drain") {
  Admin admin;
  CHECK(admin.get("/admin/health").status == 200);
  CHECK(admin.get("/admin/ready").status == 200);
  CHECK(admin.change("/admin/drain").status == 202);
  CHECK(admin.drains == 1);
  const Asked ready = admin.get("/admin/ready");
  CHECK(ready.status == 503);
  CHECK(ready.body.at("detail").as_string() == "draining");
  CHECK(admin.get("/admin/health").status == 200);
}

TEST_CASE("the configuration is shown without its secrets, with how it came to be") {
  Admin admin;
  const Asked asked = admin.get("/admin/config");
  CHECK(asked.reply.body.find("secret") == std::string::npos);
  CHECK(asked.body.at("version").to_number<int>() == 1);
  CHECK(asked.body.at("last_reload").at("trigger").as_string() == "start");
  CHECK(asked.body.at("effective").at("upstreams").is_object());
}

TEST_CASE("a reload says what became of what; a bad one is a 422 and changes nothing") {
  std::string text = kTwoUpstreams;
  Admin admin(kTwoUpstreams,
              [&text] { return config::load({.name = "f.yaml", .text = text, .environment = {}, .set = {}}); });
  text += "  third: {endpoints: [\"http://127.0.0.1:9002\"]}\n";
  const Asked good = admin.change("/admin/config/reload");
  CHECK(good.status == 200);
  CHECK(good.body.at("added") == json::array{"upstream third"});
  text += "nonsense: 1\n";
  const Asked bad = admin.change("/admin/config/reload");
  CHECK(bad.status == 422);
  CHECK(bad.body.at("error").as_string() == "BadConfiguration");
  CHECK(bad.body.at("errors").at(0).as_string().starts_with("f.yaml:"));
  CHECK(admin.get("/admin/config").body.at("last_reload").at("successful") == false);
  CHECK(admin.get("/admin/circuit-breakers/third").status == 200);
}

TEST_CASE("a reload changes the token for the next request") {
  std::string text = kTwoUpstreams;
  text.replace(text.find("secret"), 6, "newone");
  Admin admin(kTwoUpstreams,
              [&text] { return config::load({.name = "f", .text = text, .environment = {}, .set = {}}); });
  CHECK(admin.change("/admin/config/reload").status == 200);
  CHECK(admin.change("/admin/config/reload").status == 401);
}

TEST_CASE("a posted configuration is judged as the loader would judge it") {
  Control::Loader loader;
  loader.judge = [](const std::string& text) {
    return config::load({.name = "posted", .text = text, .environment = {{"ORDERS", "9000"}}, .set = {}});
  };
  Admin admin(kTwoUpstreams, loader);
  const Asked asked =
      admin.change("/admin/config/check", "listen: 127.0.0.1:0\nupstreams: {orders: \"http://127.0.0.1:${ORDERS}\"}\n");
  CHECK(asked.body.at("errors") == json::array());
}

TEST_CASE("what the first reading warned of is shown until the next") {
  Control::Loader loader(
      [] { return config::load({.name = "f", .text = kTwoUpstreams, .environment = {}, .set = {}}); });
  loader.warnings = {"f:1:1: a trap"};
  Admin admin(kTwoUpstreams, loader);
  const auto warnings = [&] { return admin.get("/admin/config").body.at("last_reload").at("warnings"); };
  CHECK(warnings() == json::array{"f:1:1: a trap"});
  admin.change("/admin/config/reload");
  REQUIRE(warnings().as_array().size() == 1);  // of two upstreams without routes
  CHECK(warnings().at(0).as_string().find("that its Host names (orders, users)") != json::string::npos);
}

TEST_CASE("a posted configuration is judged and not taken") {
  Admin admin;
  const Asked bad = admin.change("/admin/config/check", "listenx: 1\n");
  CHECK(bad.status == 200);
  CHECK(bad.body.at("valid") == false);
  CHECK_FALSE(bad.body.at("errors").as_array().empty());
  const Asked good = admin.change("/admin/config/check", kTwoUpstreams);
  CHECK(good.body.at("valid") == true);
  CHECK(good.body.at("errors").as_array().empty());
  CHECK(admin.change("/admin/config/check").status == 400);
}

TEST_CASE("upstreams are shown with their endpoints, connections and latencies") {
  Admin admin;
  auto& state = *admin.control.snapshot()->upstream("orders")->state;
  state.cells.of(0).connections_idle.add(2);
  state.cells.of(1).connections_active.add(1);
  for (int i = 0; i < 100; ++i) state.cells.of(0).latency[UpstreamCells::success].observe(2ms);
  const json::value list = admin.get("/admin/upstreams").body.at("upstreams");
  const json::value& orders = list.at(0);
  CHECK(orders.at("endpoints").at(0).at("url").as_string() == "http://127.0.0.1:9000");
  CHECK(orders.at("endpoints").at(0).at("address").as_string() == "127.0.0.1:9000");
  CHECK(orders.at("connections").at("idle").to_number<int>() == 2);
  CHECK(orders.at("connections").at("active").to_number<int>() == 1);
  CHECK(orders.at("latency_ms").at("calls").to_number<int>() == 100);
  CHECK(orders.at("latency_ms").at("p50").to_number<double>() == doctest::Approx(1.75));  // within 1 to 2.5 ms
  CHECK(list.at(1).at("latency_ms").at("p99").is_null());
}

TEST_CASE("numbers are rounded, and an upstream is called `upstream` wherever it is shown") {
  Admin admin;
  auto& state = *admin.control.snapshot()->upstream("orders")->state;
  for (int i = 0; i < 3; ++i) state.cells.of(0).latency[UpstreamCells::success].observe(2ms);
  const Asked upstreams = admin.get("/admin/upstreams");
  CHECK(upstreams.body.at("upstreams").at(0).at("upstream").as_string() == "orders");
  CHECK(upstreams.reply.body.find("\"p99\":2.485}") != std::string::npos);
  CHECK(admin.get("/admin/cache").body.at("upstreams").at(0).at("upstream").as_string() == "orders");
  auto& breaker = admin.breaker("orders");
  for (int i = 0; i < 3; ++i) {
    auto permit = std::get<breaker::Permit>(breaker.try_acquire(admin.now.steady));
    if (i == 0)
      permit.failure(breaker::FailureKind::status, admin.now.steady);
    else
      permit.success(admin.now.steady);
  }
  CHECK(admin.get("/admin/circuit-breakers/orders").reply.body.find("\"failure_rate\":0.333333,") != std::string::npos);
}

TEST_CASE("what only reads runs on the admin's thread, what changes on the control thread, what takes long aside") {
  const auto where = [](const char* method, const char* target, Interface interface = Interface::admin) {
    Request request;
    request.method = method;
    request.target = target;
    return handling(interface, request).runs_on;
  };
  CHECK(where("GET", "/admin/ready") == RunsOn::admin_thread);
  CHECK(where("GET", "/admin/circuit-breakers/orders") == RunsOn::admin_thread);
  CHECK(where("GET", "/metrics", Interface::probes) == RunsOn::scrape);
  for (const char* target : {"/admin/drain", "/admin/circuit-breakers/reset", "/admin/circuit-breakers/orders/reset",
                             "/admin/circuit-breakers/orders/force-open", "/admin/circuit-breakers/orders/force-close",
                             "/admin/circuit-breakers/orders/release"})
    CHECK_MESSAGE(where("POST", target) == RunsOn::control_thread, target);
  CHECK(where("POST", "/admin/config/reload") == RunsOn::reload);
  CHECK(where("POST", "/admin/config/check") == RunsOn::aside);
  CHECK(where("DELETE", "/admin/cache") == RunsOn::aside);
}

TEST_CASE("the cache is shown and purged, whole or by upstream") {
  Admin admin;
  const json::value cache = admin.get("/admin/cache").body;
  CHECK(cache.at("limit_bytes").to_number<long>() == 64 * 1024 * 1024);
  CHECK(cache.at("upstreams").at(0).at("upstream").as_string() == "orders");
  CHECK(cache.at("upstreams").at(0).at("hits").to_number<int>() == 0);
  CHECK(admin.change("/admin/cache", "", "DELETE").body.at("purged").to_number<int>() == 0);
  CHECK(admin.change("/admin/cache/orders", "", "DELETE").status == 200);
  CHECK(admin.change("/admin/cache/nobody", "", "DELETE").status == 404);
}

TEST_CASE("unknown paths are 404, wrong methods 405 with Allow, malformed targets 400") {
  Admin admin;
  for (const char* path : {"/dashboard", "/admin", "/admin/", "/admin/fault", "/admin/explain/1", "/metrics/",
                           "/admin/health/x", "/admin/circuit-breakers/", "/admin%2Fhealth"})
    CHECK_MESSAGE(admin.get(path).status == 404, path);
  CHECK(admin.get("/admin/%zz").status == 400);
  const Asked drain = admin.get("/admin/drain");
  CHECK(drain.status == 405);
  CHECK(drain.reply.fields.front() == std::pair<std::string, std::string>{"Allow", "POST"});
  const Asked cache = admin.change("/admin/cache");
  CHECK(cache.status == 405);
  CHECK(cache.reply.fields.front().second == "GET, HEAD, DELETE");
  CHECK(admin.get("/admin/circuit-breakers/reset").status == 405);
}

TEST_CASE("a body where none is read is refused, so that nobody takes it for a limit") {
  Admin admin;
  const Asked forced = admin.change("/admin/circuit-breakers/orders/force-open", R"({"for":"10m"})");
  CHECK(forced.status == 400);
  CHECK(admin.get("/admin/circuit-breakers/orders").body.at("override").as_string() == "none");
  CHECK(admin.change("/admin/circuit-breakers/reset", R"({"names":["orders"]})").status == 200);
}

TEST_CASE("the probes' address has three paths and no changes") {
  Admin admin;
  CHECK(admin.get("/admin/health", Interface::probes).status == 200);
  CHECK(admin.get("/admin/ready", Interface::probes).status == 200);
  for (const char* path : {"/admin/circuit-breakers", "/admin/config", "/admin/drain", "/admin/events/stream"})
    CHECK_MESSAGE(admin.get(path, Interface::probes).status == 404, path);
}

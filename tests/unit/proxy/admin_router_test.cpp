// SPDX-License-Identifier: Apache-2.0
// Every endpoint, called as the connection calls it, over a real Control.
#include "proxy/admin/router.hpp"

#include <doctest/doctest.h>

#include <boost/json.hpp>

#include "control_rig.hpp"

namespace breaker = fusewire::breaker;
namespace config = fusewire::config;
using namespace fusewire::proxy;
using namespace fusewire::proxy::admin;
using namespace std::chrono_literals;
using fusewire::testing::ControlRig;
using fusewire::testing::kTwoUpstreams;
namespace json = boost::json;

namespace {

struct Asked {
  int status = 0;
  json::value body;
  Reply reply;
};

struct Admin : ControlRig {
  using ControlRig::ControlRig;

  Reply ask(Request request, Interface interface = Interface::admin) {
    request.hosts = {"127.0.0.1:9901"};
    if (auto refusal = refuse(control, interface, request)) return *refusal;
    return answer(control, interface, request, now);
  }
  Asked json_of(Reply reply) { return {reply.status, json::parse(reply.body), reply}; }
  Asked get(const std::string& target, Interface interface = Interface::admin) {
    Request request;
    request.method = "GET";
    request.target = target;
    return json_of(ask(request, interface));
  }
  Asked change(const std::string& target, const std::string& body = "", const std::string& method = "POST") {
    Request request;
    request.method = method;
    request.target = target;
    request.body = body;
    request.has_body = !body.empty();
    request.authorizations = {"Bearer secret"};
    return json_of(ask(request));
  }

  Moment now{std::chrono::steady_clock::now(), std::chrono::system_clock::time_point{1769847330042ms}};
};

}  // namespace

TEST_CASE("a breaker is shown with all that is known of it") {
  Admin admin;
  admin.trip("orders", admin.now.steady);
  admin.now.steady += 1500ms;
  admin.breaker("orders").try_acquire(admin.now.steady);
  const json::value view = admin.get("/admin/circuit-breakers/orders").body;
  CHECK(view.at("name").as_string() == "orders");
  CHECK(view.at("state").as_string() == "open");
  CHECK(view.at("override").as_string() == "none");
  CHECK(view.at("mode").as_string() == "enforce");
  CHECK(view.at("time_in_state_ms").as_int64() == 1500);
  CHECK(view.at("retry_after_ms").to_number<long>() > 25000);
  CHECK(view.at("last_trip").at("reason").as_string() == "consecutive_failures");
  CHECK(view.at("last_trip").at("value").to_number<double>() == 5);
  CHECK(view.at("last_trip").at("threshold").to_number<double>() == 5);
  CHECK(view.at("last_trip").at("at").as_string() == "2026-01-31T08:15:28.542Z");
  CHECK(view.at("window").at("calls").to_number<int>() == 5);
  CHECK(view.at("window").at("failures").to_number<int>() == 5);
  CHECK(view.at("window").at("slow").to_number<int>() == 0);
  CHECK(view.at("window").at("failure_rate").to_number<double>() == 1);
  CHECK(view.at("window").at("slow_call_rate").to_number<double>() == 0);
  CHECK(view.at("half_open").at("in_flight").to_number<int>() == 0);
  CHECK(view.at("half_open").at("max_calls").to_number<int>() == 3);
  CHECK(view.at("totals").at("failures").to_number<int>() == 5);
  CHECK(view.at("totals").at("rejected").to_number<int>() == 1);
  CHECK(view.at("totals").at("trips").to_number<int>() == 1);
  CHECK(view.at("thresholds").at("consecutive_failures").to_number<int>() == 5);
  CHECK(view.at("thresholds").at("failure_count").is_null());
  CHECK(view.at("thresholds").at("consecutive_slow_calls").to_number<int>() == 5);
  CHECK(view.at("window").at("consecutive_slow_calls").to_number<int>() == 0);
  CHECK(view.at("last_trip").at("consecutive_slow_calls").to_number<int>() == 0);
  CHECK(view.at("thresholds").at("slow_call_rate").at("slower_than_ms").to_number<int>() == 5000);
  CHECK(view.at("thresholds").at("window").at("duration_ms").to_number<int>() == 60000);
  REQUIRE(view.at("last_transitions").as_array().size() == 1);
  CHECK(view.at("last_transitions").at(0).at("to").as_string() == "open");

  const json::value all = admin.get("/admin/circuit-breakers").body;
  REQUIRE(all.at("circuit_breakers").as_array().size() == 2);
  CHECK(all.at("circuit_breakers").at(0).at("name").as_string() == "orders");
  CHECK(all.at("circuit_breakers").at(1).at("last_trip").is_null());
}

TEST_CASE("retry_after_ms is absent when forced open without an end") {
  Admin admin;
  const json::value forced = admin.change("/admin/circuit-breakers/orders/force-open").body;
  CHECK(forced.at("override").as_string() == "forced_open");
  CHECK_FALSE(forced.as_object().contains("retry_after_ms"));
  const json::value limited = admin.change("/admin/circuit-breakers/orders/force-open?for=10m").body;
  CHECK(limited.at("retry_after_ms").as_int64() == 600000);
}

TEST_CASE("an override that ends by itself shows what is left of it, open or closed") {
  Admin admin;
  const std::string path = "/admin/circuit-breakers/orders";
  const auto left = [&] {
    const json::value view = admin.get(path).body;
    const json::value* found = view.as_object().if_contains("override_remaining_ms");
    return found ? found->to_number<std::int64_t>() : -1;
  };
  CHECK(left() == -1);
  for (const char* action : {"/force-open", "/force-close"}) {
    admin.change(path + action + "?for=10m");
    CHECK(left() == 600000);
    admin.now.steady += 1min;
    CHECK(left() == 540000);
    admin.change(path + action);
    CHECK(left() == -1);
  }
  admin.change(path + "/force-open?for=10m");
  admin.change(path + "/release");
  CHECK(left() == -1);
}

TEST_CASE("an override of a breaker that rejects nothing says so") {
  for (const std::string mode : {"enforce", "shadow", "disabled"}) {
    Admin admin(kTwoUpstreams + "defaults: {circuit_breaker: {mode: " + mode + "}}\n");
    for (const char* action : {"force-open", "force-close"}) {
      const json::value view = admin.change(std::string("/admin/circuit-breakers/orders/") + action).body;
      CHECK(view.at("takes_effect") == (mode == "enforce"));
      CHECK(view.as_object().contains("note") == (mode != "enforce"));
      if (mode != "enforce")
        CHECK(view.at("note").as_string() ==
              "the breaker's mode is " + mode + ": nothing is rejected, whatever its state or override");
    }
  }
}

TEST_CASE("an override is set, limited, and released") {
  Admin admin;
  const std::string base = "/admin/circuit-breakers/users/";
  CHECK(admin.change(base + "force-close").body.at("override").as_string() == "forced_closed");
  CHECK(admin.change(base + "release").body.at("override").as_string() == "none");
  for (const char* bad : {"for=10", "for=", "for=-1s", "for=0s", "for=soon"})
    CHECK_MESSAGE(admin.change(base + "force-open?" + bad).status == 400, bad);
  CHECK(admin.change(base + "release?for=1s").status == 400);
  CHECK(admin.breaker("users").snapshot(admin.now.steady).override_state == breaker::Override::none);
}

TEST_CASE("a parameter that a call does not know, or is given twice, is refused with what it knows") {
  Admin admin;
  const std::string base = "/admin/circuit-breakers/users/";
  const auto detail = [](const Asked& asked) { return std::string(asked.body.at("detail").as_string()); };
  const Asked slip = admin.change(base + "force-open?fro=10m");
  CHECK(slip.status == 400);
  CHECK(detail(slip) == "unknown parameter 'fro'; did you mean 'for'?");
  CHECK(detail(admin.change(base + "force-open?for=10m&names=x")) == "unknown parameter 'names'; expected one of: for");
  CHECK(detail(admin.change(base + "force-close?for=10m&for=1h")) == "the parameter 'for' is given more than once");
  CHECK(detail(admin.change(base + "release?for=1s")) == "unknown parameter 'for'; this call takes none");
  CHECK(admin.change("/admin/circuit-breakers/reset?names=orders").status == 400);
  CHECK(admin.change("/admin/cache?upstream=orders", "", "DELETE").status == 400);
  CHECK(admin.change("/admin/drain?x").status == 400);
  CHECK(admin.drains == 0);
  CHECK(admin.get("/admin/events?sicne=1").status == 400);
  CHECK(admin.get("/admin/events/stream?since=1&since=2").status == 400);
  CHECK(admin.breaker("users").snapshot(admin.now.steady).override_state == breaker::Override::none);
  CHECK(admin.get("/admin/circuit-breakers?pretty").status == 200);
  CHECK(admin.get("/admin/health?probe=1", Interface::probes).status == 200);
}

TEST_CASE("who may not call is not told which parameters there are") {
  Admin admin;
  Request request;
  request.method = "POST";
  request.target = "/admin/circuit-breakers/users/force-open?fro=10m";
  CHECK(admin.ask(request).status == 401);
}

TEST_CASE("an override whose `for` is over ends without an arrival, and its event says so") {
  Admin admin;
  const std::string base = "/admin/circuit-breakers/users/";
  admin.change(base + "force-open?for=10m");
  admin.change("/admin/circuit-breakers/orders/force-open?for=10m");
  admin.change("/admin/circuit-breakers/orders/force-close");  // takes the other's place, without an end
  admin.control.look(admin.now.steady + 9min);
  CHECK(admin.get("/admin/events?since=3").body.at("events").as_array().empty());
  admin.now.steady += 10min;
  CHECK(admin.get(base.substr(0, base.size() - 1)).body.at("override").as_string() == "none");
  admin.control.look(admin.now.steady);
  admin.control.look(admin.now.steady + 10min);
  const json::value ended = admin.get("/admin/events?since=3").body.at("events");
  REQUIRE(ended.as_array().size() == 1);
  CHECK(ended.at(0).at("breaker").as_string() == "users");
  CHECK(ended.at(0).at("event").as_string() == "override_ended");
  CHECK(ended.at(0).at("override").as_string() == "forced_open");
  CHECK(ended.at(0).at("cause").as_string() == "expired");
  CHECK(ended.at(0).at("for_ms").as_int64() == 600000);
}

TEST_CASE("an override that an arrival ends has expired too; one that is released has not") {
  Admin admin;
  admin.change("/admin/circuit-breakers/users/force-open?for=1s");
  CHECK(std::holds_alternative<breaker::Permit>(admin.breaker("users").try_acquire(admin.now.steady + 1s)));
  admin.change("/admin/circuit-breakers/users/force-open?for=1s");
  admin.change("/admin/circuit-breakers/users/release");
  admin.control.look(admin.now.steady + 1min);
  const json::value events = admin.get("/admin/events").body.at("events");
  REQUIRE(events.as_array().size() == 4);
  CHECK(events.at(1).at("cause").as_string() == "expired");
  CHECK(events.at(3).at("cause").as_string() == "released");
}

TEST_CASE("an unknown breaker is a 404 that names those there are") {
  Admin admin;
  for (const std::string path : {"nobody", "nobody/reset", "nobody/force-open", "%6Fther/release"}) {
    const Asked asked = path == "nobody" ? admin.get("/admin/circuit-breakers/" + path)
                                         : admin.change("/admin/circuit-breakers/" + path);
    CHECK(asked.status == 404);
    CHECK(asked.reply.content_type == "application/problem+json");
    CHECK(asked.body.at("error").as_string() == "UnknownBreaker");
    CHECK(asked.body.at("known") == json::array{"orders", "users"});
  }
  CHECK(admin.get("/admin/circuit-breakers/order%73").status == 200);
}

TEST_CASE("reset closes all, or those that are named, or none when one is unknown") {
  Admin admin;
  for (const std::string prefix : {"/admin", "/api"}) {
    const std::string path = prefix + "/circuit-breakers/reset";
    const auto state = [&](const char* name) { return admin.breaker(name).state(); };
    for (const char* name : {"orders", "users"}) admin.trip(name, admin.now.steady);
    CHECK(admin.change(path, R"({"names":["orders","nobody"]})").status == 404);
    CHECK(state("orders") == breaker::State::open);
    CHECK(admin.change(path, R"({"names":["orders"]})").body.at("reset") == json::array{"orders"});
    CHECK(state("orders") == breaker::State::closed);
    CHECK(state("users") == breaker::State::open);
    CHECK(admin.change(path).body.at("reset") == json::array{"orders", "users"});
    CHECK(state("users") == breaker::State::closed);
    for (const char* bad : {"{", "[]", "{}", R"({"names":"orders"})", R"({"names":[1]})", R"({"names":[],"x":1})"})
      CHECK_MESSAGE(admin.change(path, bad).status == 400, bad);
  }
}

TEST_CASE("the verdict over all: healthy, degraded, unhealthy") {
  Admin admin;
  const auto verdict_now = [&] { return admin.get("/api/circuit-breakers/health").body.at("status").as_string(); };
  CHECK(verdict_now() == "healthy");
  admin.trip("orders", admin.now.steady);
  CHECK(verdict_now() == "degraded");
  admin.change("/admin/circuit-breakers/users/force-open");
  CHECK(verdict_now() == "unhealthy");
  admin.change("/admin/circuit-breakers/orders/force-close");
  CHECK(verdict_now() == "degraded");
  admin.change("/admin/circuit-breakers/orders/release");
  admin.change("/admin/circuit-breakers/users/release");
  admin.now.steady += 60s;  // the interval is over: an idle breaker is on trial, not broken
  CHECK(verdict_now() == "degraded");
  CHECK(admin.get("/admin/circuit-breakers/health").body.at("circuit_breakers").at(0).at("retry_after_ms") == 0);
}

TEST_CASE("events are listed from an id on") {
  Admin admin;
  admin.trip("orders", admin.now.steady);
  admin.change("/admin/circuit-breakers/users/force-open?for=10m");
  const json::value all = admin.get("/admin/events").body;
  REQUIRE(all.at("events").as_array().size() == 2);
  CHECK(all.at("events").at(0).at("reason").as_string() == "consecutive_failures");
  CHECK(all.at("events").at(1).at("event").as_string() == "override_set");
  CHECK(all.at("events").at(1).at("for_ms").as_int64() == 600000);
  CHECK(all.at("last_id") == 2);
  CHECK(admin.get("/admin/events?since=1").body.at("events").as_array().size() == 1);
  CHECK(admin.get("/admin/events?since=x").status == 400);
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
  for (const char* target : {"/admin/drain", "/admin/config/reload", "/admin/circuit-breakers/reset",
                             "/admin/circuit-breakers/orders/reset", "/admin/circuit-breakers/orders/force-open",
                             "/admin/circuit-breakers/orders/force-close", "/admin/circuit-breakers/orders/release"})
    CHECK_MESSAGE(where("POST", target) == RunsOn::control_thread, target);
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
  for (const char* path : {"/", "/admin", "/admin/", "/admin/faults", "/admin/explain/1", "/metrics/",
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

// SPDX-License-Identifier: Apache-2.0
// The calls of the admin API about breakers and their overrides.
#include <doctest/doctest.h>

#include "tests/unit/proxy/admin/calls.hpp"

namespace breaker = fusewire::breaker;
namespace config = fusewire::config;
using namespace fusewire::proxy;
using namespace fusewire::proxy::admin;
using namespace std::chrono_literals;
using fusewire::testing::ControlRig;
using fusewire::testing::kTwoUpstreams;

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

TEST_CASE("an override whose `for` is over ends without an arrival, and its event says so") {
  Admin admin;
  const std::string base = "/admin/circuit-breakers/users/";
  admin.change(base + "force-open?for=10m");
  admin.change("/admin/circuit-breakers/orders/force-open?for=10m");
  admin.change("/admin/circuit-breakers/orders/force-close");  // takes the other's place, without an end
  admin.control.poll(admin.now.steady + 9min);
  CHECK(admin.get("/admin/events?since=3").body.at("events").as_array().empty());
  admin.now.steady += 10min;
  CHECK(admin.get(base.substr(0, base.size() - 1)).body.at("override").as_string() == "none");
  admin.control.poll(admin.now.steady);
  admin.control.poll(admin.now.steady + 10min);
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
  admin.control.poll(admin.now.steady + 1min);
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

// SPDX-License-Identifier: Apache-2.0
// Breakers and limits of routes, over reloads.
#include <doctest/doctest.h>

#include "proxy/net/clock.hpp"
#include "proxy/snapshot/named_breaker.hpp"
#include "proxy/snapshot/own_routes.hpp"
#include "tests/unit/proxy/control/control_rig.hpp"

using namespace fusewire;
using namespace fusewire::proxy;
using namespace fusewire::testing;

namespace {

// `keys`: further upstream keys of orders; `routes`: the list, a line each.
std::string file(const std::string& routes, const std::string& keys = "") {
  return "listeners:\n  - address: 127.0.0.1:0\n    routes:\n" + routes +
         "log: {level: off}\nupstreams:\n  orders: {endpoints: [\"http://127.0.0.1:9000\"]" + keys + "}\n";
}

const std::string kScoped = ", circuit_breaker: {scope: route}";
const std::string kTwoRoutes =
    "      - {name: read, match: {path_prefix: /r}, upstream: orders}\n"
    "      - {name: write, match: {path_prefix: /w}, upstream: orders}\n";

const Route& route_of(ControlRig& rig, std::size_t index = 0) {
  return rig.control.snapshot()->listeners.front()->routes[index];
}

void trip(breaker::Breaker& breaker) {
  for (int i = 0; i < 5; ++i)
    std::get<breaker::Permit>(breaker.try_acquire(steady_now())).failure(breaker::FailureKind::status, steady_now());
}

}  // namespace

TEST_CASE("with scope: route each route has a breaker of its own, by the name UPSTREAM/ROUTE") {
  ControlRig rig(file(kTwoRoutes, kScoped));
  const Route& read = route_of(rig);
  const Route& write = route_of(rig, 1);
  REQUIRE(read.own);
  CHECK(read.own->breaker->name == "orders/read");
  CHECK(read.chain().breaker_name == "orders/read");
  CHECK(read.chain().above_breaker == &rig.breaker("orders"));
  trip(read.own->breaker->breaker);
  CHECK(read.own->breaker->breaker.state() == breaker::State::open);
  CHECK(write.own->breaker->breaker.state() == breaker::State::closed);
  CHECK(rig.breaker("orders").state() == breaker::State::closed);
}

TEST_CASE("routes without a breaker or limits of their own work with those of their upstream") {
  ControlRig rig(file(kTwoRoutes));
  CHECK_FALSE(route_of(rig).own);
  CHECK(&route_of(rig).chain() == &rig.control.snapshot()->upstream("orders")->chain);
}

TEST_CASE("a reload keeps a route's breaker, and one without the route forgets it") {
  ControlRig rig(file(kTwoRoutes, kScoped));
  trip(route_of(rig).own->breaker->breaker);
  const std::string moved =
      "      - {name: write, match: {path_prefix: /w}, upstream: orders}\n"
      "      - {name: read, match: {path_prefix: /reports}, upstream: orders}\n";
  REQUIRE(rig.control.apply(config_of(file(moved, kScoped)), "test").successful);
  CHECK(route_of(rig, 1).own->breaker->breaker.state() == breaker::State::open);
  REQUIRE(rig.control.apply(config_of(file(kTwoRoutes)), "test").successful);
  CHECK_FALSE(route_of(rig).own);
  REQUIRE(rig.control.apply(config_of(file(kTwoRoutes, kScoped)), "test").successful);
  CHECK(route_of(rig).own->breaker->breaker.state() == breaker::State::closed);
}

TEST_CASE("a reload gives a route's breaker its new settings, and says which windows it emptied") {
  ControlRig rig(file(kTwoRoutes, kScoped));
  const ReloadReport& report = rig.control.apply(
      config_of(file(kTwoRoutes, ", circuit_breaker: {scope: route, detection: {window: {duration: 33s}}}")), "test");
  REQUIRE(report.successful);
  CHECK(report.emptied == std::vector<std::string>{"orders: window", "orders/read: window", "orders/write: window"});
}

TEST_CASE("a reload keeps what is in use of a route's limits") {
  const std::string limited = "      - {name: read, upstream: orders, limits: {max_concurrent_requests: 5}}\n";
  ControlRig rig(file(limited));
  auto& limits = route_of(rig).own->limits->state;
  CHECK(limits.name == "orders/read");
  CHECK(route_of(rig).chain().route_limits == &limits);
  CHECK(route_of(rig).chain().above_breaker == nullptr);
  const auto slot = limits.limiter.try_acquire(5);
  REQUIRE(rig.control.apply(config_of(file(limited, ", timeouts: {total: 7s}")), "test").successful);
  CHECK(route_of(rig).own->limits->state.limiter.in_use() == 1);
}

TEST_CASE("routes of one name have one breaker and one set of limits, over all listeners") {
  const std::string same =
      "      - {name: read, match: {path: /a}, upstream: orders, circuit_breaker: {scope: route}, limits: {rate: {}}}\n"
      "      - {name: read, match: {path: /b}, upstream: orders, circuit_breaker: {scope: route}, limits: {rate: "
      "{}}}\n";
  ControlRig rig(file(same));
  CHECK(route_of(rig).own->breaker == route_of(rig, 1).own->breaker);
  CHECK(route_of(rig).own->limits == route_of(rig, 1).own->limits);
  CHECK(routes_with_breaker(*rig.control.snapshot()).size() == 1);
  CHECK(routes_with_limits(*rig.control.snapshot()).size() == 1);
}

TEST_CASE("a route's breaker is found by its name, and its events carry it") {
  ControlRig rig(file(kTwoRoutes, kScoped));
  const auto found = find_breaker(*rig.control.snapshot(), "orders/read");
  REQUIRE(found);
  CHECK(found->breaker == &route_of(rig).own->breaker->breaker);
  CHECK(breakers_of(*rig.control.snapshot()).size() == 3);
  CHECK_FALSE(find_breaker(*rig.control.snapshot(), "orders/other"));
  found->breaker->force_open(steady_now());
  CHECK(rig.control.events().last_of("orders/read", 1).size() == 1);
}

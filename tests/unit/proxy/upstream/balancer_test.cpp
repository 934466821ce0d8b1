// SPDX-License-Identifier: Apache-2.0
// Which address of which endpoint a request goes to.
#include <doctest/doctest.h>

#include "tests/unit/proxy/upstream/balancer_rig.hpp"

using namespace fusewire;
using namespace fusewire::proxy;
using namespace fusewire::testing;

TEST_CASE("requests take all addresses of all endpoints in turn, and wait for no name while one is known") {
  BalancerRig rig;
  const Upstream& orders = rig.upstream({"name", "10.0.0.9"});
  CHECK(rig.next(orders, 2) == Seen{"10.0.0.9:80", "10.0.0.9:80"});
  rig.on_resolved(orders, {1, 2, 3});
  CHECK(rig.next(orders, 8) == Seen{"10.0.0.1:80", "10.0.0.1:80", "10.0.0.2:80", "10.0.0.2:80", "10.0.0.3:80",
                                    "10.0.0.3:80", "10.0.0.9:80", "10.0.0.9:80"});
}

TEST_CASE("requests to one upstream do not move the turn of another") {
  BalancerRig rig;
  const Upstream& orders = rig.upstream({"10.0.0.1", "10.0.0.2"});
  const Upstream& other = rig.upstream({"10.0.0.3", "10.0.0.4"});
  Seen seen;
  for (int i = 0; i < 2; ++i) {
    seen.insert(rig.next(orders));
    seen.insert(rig.next(other));
  }
  CHECK(seen == Seen{"10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80", "10.0.0.4:80"});
}

TEST_CASE("what could not be reached is passed over for a second, then one request tries it") {
  BalancerRig rig;
  const Upstream& orders = rig.upstream({"10.0.0.1", "10.0.0.2"});
  rig.state(orders, 0).mark_unreachable(rig.now);
  CHECK(rig.next(orders, 4) == Seen{"10.0.0.2:80", "10.0.0.2:80", "10.0.0.2:80", "10.0.0.2:80"});
  rig.now += 1s;
  CHECK(rig.next(orders, 4).count("10.0.0.1:80") == 1);
  rig.now += 1s;
  CHECK(rig.next(orders, 4).count("10.0.0.1:80") == 1);
}

TEST_CASE("where something speaks against all addresses each is tried in its turn") {
  BalancerRig rig;
  const Upstream& orders = rig.upstream({"10.0.0.1", "10.0.0.2"});
  for (std::size_t i = 0; i < 2; ++i) rig.state(orders, i).mark_unreachable(rig.now);
  CHECK(rig.next(orders, 4) == Seen{"10.0.0.1:80", "10.0.0.1:80", "10.0.0.2:80", "10.0.0.2:80"});
}

TEST_CASE("an address that was tried is not chosen again, and where all were there is none") {
  BalancerRig rig;
  const Upstream& orders = rig.upstream({"10.0.0.1", "10.0.0.2"});
  const auto first = rig.backends.choose(orders, rig.now, {});
  const auto second = rig.backends.choose(orders, rig.now, {first.id()});
  CHECK(first.id() != second.id());
  CHECK(rig.backends.can_choose(orders, rig.now, {first.id()}));
  CHECK(rig.backends.choose(orders, rig.now, {first.id(), second.id()}).endpoint == nullptr);
  CHECK_FALSE(rig.backends.can_choose(orders, rig.now, {first.id(), second.id()}));
}

TEST_CASE("an address whose health checks fail is passed over, unless those of all addresses fail") {
  BalancerRig rig;
  rig.config.health_check.emplace();
  const Upstream& orders = rig.upstream({"10.0.0.1", "10.0.0.2"});
  fail_checks(rig.state(orders, 0));
  CHECK(rig.next(orders, 3) == Seen{"10.0.0.2:80", "10.0.0.2:80", "10.0.0.2:80"});
  CHECK_FALSE(rig.backends.can_choose(orders, rig.now, {&rig.state(orders, 1)}));
  fail_checks(rig.state(orders, 1));
  CHECK(rig.next(orders, 4) == Seen{"10.0.0.1:80", "10.0.0.1:80", "10.0.0.2:80", "10.0.0.2:80"});
  CHECK(rig.backends.can_choose(orders, rig.now, {&rig.state(orders, 1)}));
}

TEST_CASE("where the checks of all primaries fail a backup is asked whose checks pass") {
  BalancerRig rig;
  rig.config.health_check.emplace();
  rig.config.endpoints.resize(2);
  rig.config.endpoints[1].backup = true;
  const Upstream& orders = rig.upstream({"10.0.0.1", "10.0.0.2"});
  CHECK(rig.next(orders) == "10.0.0.1:80");
  fail_checks(rig.state(orders, 0));
  CHECK(rig.next(orders) == "10.0.0.2:80");
  fail_checks(rig.state(orders, 1));
  CHECK(rig.next(orders) == "10.0.0.1:80");
}

TEST_CASE("checks that were made under an earlier configuration are nothing to an upstream without any") {
  BalancerRig rig;
  const Upstream& orders = rig.upstream({"10.0.0.1", "10.0.0.2"});
  fail_checks(rig.state(orders, 0));
  CHECK(rig.next(orders, 4).count("10.0.0.1:80") == 2);
}

TEST_CASE("those who ask by themselves get every address that is known, with its weight") {
  BalancerRig rig;
  rig.config.endpoints.resize(2);
  rig.config.endpoints[1].weight = 0;
  const Upstream& orders = rig.upstream({"name", "10.0.0.9"});
  REQUIRE(rig.backends.addresses(orders, rig.now).size() == 1);
  CHECK(rig.backends.addresses(orders, rig.now)[0].weight == 0);
  rig.on_resolved(orders, {1, 2});
  const auto known = rig.backends.addresses(orders, rig.now);
  REQUIRE(known.size() == 3);
  CHECK(to_string(known[1].backend->address) == "10.0.0.2:80");
  CHECK(*known[1].endpoint == orders.endpoints[0]);
}

TEST_CASE("a change of another upstream's name does not move the turn") {
  BalancerRig rig;
  const Upstream& orders = rig.upstream({"10.0.0.1", "10.0.0.2"});
  const Upstream& users = rig.upstream({"users.local"});
  rig.next(users);
  const std::string first = rig.next(orders);
  rig.on_resolved(users, {7});
  CHECK(rig.next(orders) != first);
}

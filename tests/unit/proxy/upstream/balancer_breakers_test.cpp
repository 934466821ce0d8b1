// SPDX-License-Identifier: Apache-2.0
// What the breakers of addresses make of the choice, early trials too.
#include <doctest/doctest.h>

#include "tests/unit/proxy/upstream/balancer_rig.hpp"

using namespace fusewire;
using namespace fusewire::proxy;
using namespace fusewire::testing;

TEST_CASE("several addresses have breakers of their own, one has the upstream's, and the scope may say otherwise") {
  BalancerRig rig;
  CHECK(rig.backends.has_endpoint_breakers(rig.upstream({"10.0.0.1", "10.0.0.2"}), rig.now));
  CHECK_FALSE(rig.backends.has_endpoint_breakers(rig.upstream({"10.0.0.3"}), rig.now));
  rig.config.circuit_breaker.scope = config::Scope::endpoint;
  CHECK(rig.backends.has_endpoint_breakers(rig.upstream({"10.0.0.4"}), rig.now));
  rig.config.circuit_breaker.scope = config::Scope::upstream;
  CHECK_FALSE(rig.backends.has_endpoint_breakers(rig.upstream({"10.0.0.5", "10.0.0.6"}), rig.now));
}

TEST_CASE("an address whose breaker is open is passed over, and gets the next request when it wants a trial call") {
  BalancerRig rig;
  const Upstream& orders = rig.upstream({"10.0.0.1", "10.0.0.2"});
  rig.state(orders, 0).breaker.force_open(rig.now, 10s);
  for (int i = 0; i < 4; ++i) CHECK(rig.next(orders) == "10.0.0.2:80");
  CHECK_FALSE(rig.backends.can_choose(orders, rig.now, {&rig.state(orders, 1)}));
  rig.state(orders, 1).breaker.force_open(rig.now, 4s);
  CHECK(rig.backends.choose(orders, rig.now, {}).endpoint == nullptr);
  CHECK(rig.backends.retry_after(orders, rig.now) == 4s);
  rig.now += 4s;
  CHECK(rig.next(orders) == "10.0.0.2:80");
}

TEST_CASE("a breaker whose address is unhealthy gets no trial call") {
  BalancerRig rig;
  rig.config.health_check.emplace();
  rig.config.circuit_breaker.detection.consecutive_failures = config::Consecutive{.threshold = 1};
  rig.config.circuit_breaker.transitions.backoff.jitter = 0;
  const Upstream& orders = rig.upstream({"10.0.0.1", "10.0.0.2"});
  auto permit = rig.state(orders, 0).breaker.try_acquire(rig.now);
  std::get<breaker::Permit>(permit).failure(breaker::FailureKind::status, rig.now);
  rig.now += 30s;
  fail_checks(rig.state(orders, 0));
  CHECK(rig.next(orders, 2) == Seen{"10.0.0.2:80", "10.0.0.2:80"});
  rig.state(orders, 0).checked.forget();
  CHECK(rig.next(orders) == "10.0.0.1:80");
}

TEST_CASE("a breaker that is half-open is asked first") {
  BalancerRig rig;
  rig.config.circuit_breaker.detection.consecutive_failures = config::Consecutive{.threshold = 1};
  rig.config.circuit_breaker.transitions.backoff.jitter = 0;
  const Upstream& orders = rig.upstream({"10.0.0.1", "10.0.0.2", "10.0.0.3"});
  rig.next(orders);
  auto& breaker = rig.state(orders, 2).breaker;
  std::get<breaker::Permit>(breaker.try_acquire(rig.now)).failure(breaker::FailureKind::status, rig.now);
  for (int i = 0; i < 6; ++i) CHECK(rig.next(orders) != "10.0.0.3:80");
  rig.now += 30s;
  CHECK(rig.next(orders) == "10.0.0.3:80");
}

TEST_CASE("in shadow mode, and where a breaker is forced closed, an open one gets no more than its share") {
  for (const bool shadow : {true, false}) {
    CAPTURE(shadow);
    BalancerRig rig;
    rig.config.circuit_breaker.detection.consecutive_failures = config::Consecutive{.threshold = 1};
    if (shadow) rig.config.circuit_breaker.mode = config::Mode::shadow;
    const Upstream& orders = rig.upstream({"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"});
    rig.next(orders);
    auto& breaker = rig.state(orders, 0).breaker;
    auto permit = breaker.try_acquire(rig.now);
    std::get<breaker::Permit>(permit).failure(breaker::FailureKind::status, rig.now);
    REQUIRE(breaker.state() == breaker::State::open);
    if (!shadow) breaker.force_closed(rig.now);
    CHECK(rig.next(orders, 8).count("10.0.0.1:80") == 2);
  }
}

TEST_CASE("a backup's trials wait until it is needed") {
  BalancerRig rig;
  rig.config.circuit_breaker.detection.consecutive_failures = config::Consecutive{.threshold = 1};
  rig.config.circuit_breaker.transitions.backoff.jitter = 0;
  rig.config.endpoints.resize(2);
  rig.config.endpoints[1].backup = true;
  const Upstream& orders = rig.upstream({"10.0.0.1", "10.0.0.2"});
  rig.next(orders);
  auto permit = rig.state(orders, 1).breaker.try_acquire(rig.now);
  std::get<breaker::Permit>(permit).failure(breaker::FailureKind::status, rig.now);
  rig.now += 60s;
  for (int i = 0; i < 4; ++i) CHECK(rig.next(orders) == "10.0.0.1:80");
  rig.state(orders, 0).breaker.force_open(rig.now);
  CHECK(rig.next(orders) == "10.0.0.2:80");
}

TEST_CASE("where the breakers of all addresses are open one request in a while is a trial at one of them") {
  BalancerRig rig;
  rig.config.circuit_breaker.detection.consecutive_failures = config::Consecutive{.threshold = 1};
  const Upstream& orders = rig.upstream({"10.0.0.1", "10.0.0.2"});
  rig.next(orders);
  for (std::size_t i = 0; i < 2; ++i) {
    auto permit = rig.state(orders, i).breaker.try_acquire(rig.now);
    std::get<breaker::Permit>(permit).failure(breaker::FailureKind::status, rig.now);
  }
  CHECK_FALSE(rig.backends.can_choose(orders, rig.now, {}));
  CHECK(rig.backends.has_choice(orders, rig.now));
  const auto trial = rig.backends.choose(orders, rig.now, {});
  REQUIRE(trial.endpoint != nullptr);
  auto permit = trial.backend->state->breaker.try_acquire(rig.now);
  std::get<breaker::Permit>(permit).failure(breaker::FailureKind::status, rig.now);
  CHECK_FALSE(rig.backends.has_choice(orders, rig.now + 199ms));
  CHECK(rig.backends.choose(orders, rig.now + 199ms, {}).endpoint == nullptr);
  CHECK(rig.backends.has_choice(orders, rig.now + 200ms));
  const auto next = rig.backends.choose(orders, rig.now + 200ms, {});
  REQUIRE(next.endpoint != nullptr);
  CHECK(next.id() != trial.id());
  next.backend->state->breaker.force_open(rig.now);
  Time last = rig.now += 200ms;
  std::vector<milliseconds> after;
  while (after.size() < 5) {
    rig.now += 100ms;
    const auto another = rig.backends.choose(orders, rig.now, {});
    if (another.endpoint == nullptr) continue;
    auto failed = another.backend->state->breaker.try_acquire(rig.now);
    std::get<breaker::Permit>(failed).failure(breaker::FailureKind::status, rig.now);
    after.push_back(std::chrono::duration_cast<milliseconds>(rig.now - std::exchange(last, rig.now)));
  }
  CHECK(after == std::vector<milliseconds>{400ms, 800ms, 1600ms, 1600ms, 1600ms});
}

TEST_CASE("early trials are those of all workers, and each endpoint has its turn within some seconds") {
  EarlyTrials trials;
  const Time begun = std::chrono::steady_clock::now();
  CHECK(trials.take(begun, 4));
  CHECK_FALSE(trials.take(begun, 4));  // another worker
  int taken = 0;
  for (milliseconds at = 0ms; at < 10s; at += 10ms) taken += trials.take(begun + at, 20) ? 1 : 0;
  CHECK(taken >= 2 * 20);
  trials.forget();
  CHECK(trials.take(begun + 11s, 1));
  CHECK_FALSE(trials.is_due(begun + 11s + 199ms));
  CHECK(trials.take(begun + 11s + 200ms, 1));
}

TEST_CASE("where the operator holds the breakers of all addresses open there is no trial, and no choice") {
  BalancerRig rig;
  const Upstream& orders = rig.upstream({"10.0.0.1", "10.0.0.2"});
  rig.next(orders);
  for (std::size_t i = 0; i < 2; ++i) rig.state(orders, i).breaker.force_open(rig.now);
  CHECK(rig.backends.choose(orders, rig.now, {}).endpoint == nullptr);
  CHECK_FALSE(rig.backends.has_choice(orders, rig.now + 1ms));
}

TEST_CASE("an address of weight 0 is never chosen, not for a trial call either") {
  BalancerRig rig;
  rig.config.endpoints.resize(2);
  rig.config.endpoints[0].weight = 0;
  const Upstream& orders = rig.upstream({"10.0.0.1", "10.0.0.2"});
  for (int i = 0; i < 4; ++i) CHECK(rig.next(orders) == "10.0.0.2:80");
  CHECK_FALSE(rig.backends.can_choose(orders, rig.now, {&rig.state(orders, 1)}));
}

TEST_CASE("an upstream that opened while it had one address is closed when several have their own breakers") {
  BalancerRig rig;
  rig.config.circuit_breaker.detection.consecutive_failures = config::Consecutive{.threshold = 1};
  const Upstream& orders = rig.upstream({"orders.local"});
  rig.next(orders);
  rig.on_resolved(orders, {1});
  rig.next(orders);
  breaker::Breaker& own = orders.state->breaker;
  auto permit = own.try_acquire(rig.now);
  std::get<breaker::Permit>(permit).failure(breaker::FailureKind::status, rig.now);
  REQUIRE(own.state() == breaker::State::open);
  SUBCASE("unless an operator holds it open") {
    own.force_open(rig.now);
    rig.on_resolved(orders, {1, 2});
    rig.next(orders);
    CHECK(own.snapshot(rig.now).override_state == breaker::Override::forced_open);
  }
  SUBCASE("but not before") {
    rig.next(orders);
    CHECK(own.state() == breaker::State::open);
    rig.on_resolved(orders, {1, 2});
    rig.next(orders);
    CHECK(own.state() == breaker::State::closed);
  }
}

TEST_CASE("what opened because no name resolves stays open when another upstream's name changes") {
  BalancerRig rig;
  rig.config.circuit_breaker.detection.consecutive_failures = config::Consecutive{.threshold = 1};
  const Upstream& orders = rig.upstream({"a.local", "b.local"});
  const Upstream& users = rig.upstream({"users.local"});
  rig.next(orders);
  rig.next(users);
  breaker::Breaker& own = orders.state->breaker;
  auto permit = own.try_acquire(rig.now);
  std::get<breaker::Permit>(permit).failure(breaker::FailureKind::connect_error, rig.now);
  REQUIRE(own.state() == breaker::State::open);
  SUBCASE("nor when there is another configuration") { rig.backends.keep_only(rig.snapshot); }
  SUBCASE("while none does") { rig.on_resolved(users, {7}); }
  rig.next(orders);
  CHECK(own.state() == breaker::State::open);
  rig.on_resolved(orders, {1});
  rig.next(orders);
  CHECK(own.state() == breaker::State::closed);
}

TEST_CASE("two endpoints of an upstream that have one address have one breaker for it") {
  BalancerRig rig;
  const Upstream& orders = rig.upstream({"a.local", "b.local"});
  rig.next(orders);
  rig.on_resolved(orders, {1}, 0);
  rig.on_resolved(orders, {1, 2}, 1);
  rig.next(orders);
  CHECK(orders.state->addresses.all().size() == 2);
  CHECK(addresses_of(orders).size() == 2);
  CHECK(orders.endpoints[0]->addresses.in_use().size() == 1);
  CHECK(orders.endpoints[1]->addresses.in_use().size() == 2);
  rig.on_resolved(orders, {2}, 1);
  rig.next(orders);
  CHECK(orders.endpoints[0]->addresses.in_use().size() == 1);
  CHECK(orders.endpoints[1]->addresses.in_use().size() == 1);
}

TEST_CASE("an address that leaves the name's answer and comes back has its breaker as before") {
  BalancerRig rig;
  const Upstream& orders = rig.upstream({"name"});
  rig.next(orders);
  rig.on_resolved(orders, {1, 2});
  rig.next(orders);
  const AddressState* const first = &rig.state(orders, 0);
  rig.on_resolved(orders, {2});
  rig.on_resolved(orders, {1, 2});
  rig.next(orders);
  CHECK(&rig.state(orders, 0) == first);
}

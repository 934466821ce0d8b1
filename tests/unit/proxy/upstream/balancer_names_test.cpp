// SPDX-License-Identifier: Apache-2.0
// Addresses that come and go with their names' answers.
#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "tests/unit/proxy/upstream/balancer_rig.hpp"

using namespace fusewire;
using namespace fusewire::proxy;
using namespace fusewire::testing;

TEST_CASE("an address that left the answer has no connection kept, one that stays keeps its own") {
  BalancerRig rig;
  const Upstream& orders = rig.upstream({"name"});
  rig.next(orders);
  rig.on_resolved(orders, {1, 2});
  const auto first = rig.backends.choose(orders, rig.now, {});
  const auto second = rig.backends.choose(orders, rig.now, {});
  rig.park(first.backend, orders);
  rig.park(second.backend, orders);
  rig.on_resolved(orders, {to_string(first.backend->address) == "10.0.0.1:80" ? 1 : 2, 3});
  CHECK(second.backend->gone);
  CHECK(orders.state->connections == 1);
  CHECK(rig.pool.take(*first.backend, rig.now, std::chrono::seconds(60)));
  rig.park(second.backend, orders);
  CHECK(orders.state->connections == 0);
}

TEST_CASE("what is configured no longer has no connection kept") {
  BalancerRig rig;
  const Upstream& orders = rig.upstream({"10.0.0.1"});
  const Upstream& gone = rig.upstream({"10.0.0.2"});
  rig.park(rig.backends.choose(orders, rig.now, {}).backend, orders);
  rig.park(rig.backends.choose(gone, rig.now, {}).backend, gone);
  const auto state = gone.state;
  rig.snapshot.upstreams.pop_back();
  rig.backends.keep_only(rig.snapshot);
  CHECK(orders.state->connections == 1);
  CHECK(state->connections == 0);
}

TEST_CASE("no more is known than what is configured, however many endpoints there were before") {
  BalancerRig rig;
  std::vector<std::weak_ptr<EndpointState>> gone;
  for (int i = 0; i < 100; ++i) {
    rig.next_id += std::size_t{1} << 56U;  // too many for a place for each
    const Upstream& orders = rig.upstream({"10.0.0.1", "10.0.0.2"});
    CHECK(rig.next(orders, 2) == Seen{"10.0.0.1:80", "10.0.0.2:80"});
    if (i == 0) continue;
    for (const auto& endpoint : rig.snapshot.upstreams.front()->endpoints) gone.emplace_back(endpoint);
    rig.snapshot.upstreams.erase(rig.snapshot.upstreams.begin());
    rig.backends.keep_only(rig.snapshot);
  }
  CHECK(gone.size() == 198);
  CHECK(std::all_of(gone.begin(), gone.end(), [](const auto& endpoint) { return endpoint.expired(); }));
}

TEST_CASE("a request of an earlier configuration finds the addresses that it had, until there is another one") {
  BalancerRig rig;
  rig.upstream({"10.0.0.1", "10.0.0.2"});
  const auto before = std::move(rig.snapshot.upstreams.back());
  rig.snapshot.upstreams.pop_back();
  for (int i = 0; i < 3; ++i) {
    CHECK(rig.next(*before, 2) == Seen{"10.0.0.1:80", "10.0.0.2:80"});
    CHECK(before->endpoints[0]->addresses.in_use().size() == 1);
    rig.backends.keep_only(rig.snapshot);
    CHECK(before->endpoints[0]->addresses.in_use().empty());
    CHECK(before->endpoints[0].use_count() == 1);
  }
}

TEST_CASE("an endpoint that is configured no longer is known for as long as a request waits for its name") {
  BalancerRig rig;
  rig.upstream({"name"});
  const auto before = std::move(rig.snapshot.upstreams.back());
  rig.snapshot.upstreams.pop_back();
  Ear ear;
  const Balancer::Wait wait(rig.backends, before->endpoints[0], 1s, rig.now, ear);
  rig.backends.keep_only(rig.snapshot);
  rig.on_resolved(*before, {1});
  CHECK(ear.calls == 1);
  CHECK(rig.next(*before) == "10.0.0.1:80");
  rig.backends.keep_only(rig.snapshot);
  CHECK(rig.next(*before) == "unknown");
}

TEST_CASE("an address that left the answer is used by nobody after its endpoint was configured at another place") {
  BalancerRig rig;
  const Upstream& before = rig.upstream({"10.0.0.9", "name"});
  rig.next(before);
  rig.on_resolved(before, {1}, 1);
  rig.next(before);
  auto orders = std::make_unique<Upstream>();
  orders->config = before.config;
  orders->state = before.state;
  orders->endpoints.assign(before.endpoints.rbegin(), before.endpoints.rend());
  rig.snapshot.upstreams.back() = std::move(orders);
  rig.backends.keep_only(rig.snapshot);
  const Upstream& after = *rig.snapshot.upstreams.back();
  rig.on_resolved(after, {2});
  CHECK(rig.next(after, 2) == Seen{"10.0.0.2:80", "10.0.0.9:80"});
  CHECK(after.endpoints[0]->addresses.in_use().size() == 1);
}

TEST_CASE("who waits for a name hears of its answer, good or bad, once") {
  for (const bool good : {true, false}) {
    CAPTURE(good);
    BalancerRig rig;
    const Upstream& orders = rig.upstream({"name"});
    Ear one, two;
    const Balancer::Wait wait(rig.backends, orders.endpoints[0], 1s, rig.now, one);
    { const Balancer::Wait given_up(rig.backends, orders.endpoints[0], 1s, rig.now, two); }
    CHECK_FALSE(wait.is_over());
    rig.on_resolved(orders, good ? std::vector<int>{1} : std::vector<int>{});
    rig.on_resolved(orders, {1});
    CHECK(wait.is_over());
    CHECK(one.calls == 1);
    CHECK(two.calls == 0);
  }
}

TEST_CASE("a name that failed is not waited for until it is looked up again") {
  BalancerRig rig;
  const Upstream& orders = rig.upstream({"name", "10.0.0.1"});
  rig.next(orders, 2);
  rig.on_resolved(orders, {});
  Ear ear;
  CHECK(Balancer::Wait(rig.backends, orders.endpoints[0], 1s, rig.now, ear).is_over());
  CHECK(rig.next(orders, 4) == Seen{"10.0.0.1:80", "10.0.0.1:80", "10.0.0.1:80", "10.0.0.1:80"});
  rig.now += 1s;
  CHECK_FALSE(Balancer::Wait(rig.backends, orders.endpoints[0], 1s, rig.now, ear).is_over());
}

TEST_CASE("where nothing is known each endpoint is asked for its name in turn") {
  BalancerRig rig;
  const Upstream& orders = rig.upstream({"name", "other"});
  const auto first = rig.backends.choose(orders, rig.now, {});
  const auto second = rig.backends.choose(orders, rig.now, {});
  CHECK(first.backend == nullptr);
  CHECK(first.id() != second.id());
  rig.on_resolved(orders, {1});
  CHECK(rig.backends.address_of({{&orders.endpoints[0], nullptr}}, rig.now) != nullptr);
  CHECK(rig.backends.address_of({{&orders.endpoints[1], nullptr}}, rig.now) == nullptr);
}

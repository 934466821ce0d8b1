// SPDX-License-Identifier: Apache-2.0
// Which address of which endpoint a request goes to.
#include "proxy/upstream/balancer.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/ip/tcp.hpp>
#include <deque>
#include <set>
#include <stdexcept>

#include "filters/breaker/classify.hpp"
#include "proxy/snapshot/named_breaker.hpp"

using namespace fusewire;
using namespace fusewire::proxy;
using namespace std::chrono_literals;

namespace {

SocketAddress address(int last) {
  return asio::ip::tcp::endpoint(asio::ip::make_address("10.0.0." + std::to_string(last)), 80);
}

struct Ear final : Watcher {
  void on_activity() override { ++calls; }
  int calls = 0;
};

// One worker's part, fed by the test; nothing is looked up.
struct Rig {
  Loop loop;
  BufferPool buffers;
  DnsCache names{[](const std::string&, std::uint16_t) { return Resolved{.addresses = {}, .error = "", .cut = false}; },
                 [](const ResolvedName&) {}};
  UpstreamPool pool{loop.deadlines()};
  balance::Random random{1};
  Balancer backends{names, pool, random, 0};
  config::Upstream config;  // of those made next
  std::deque<config::Upstream> configs;
  Snapshot snapshot;
  std::size_t next_id = 0;
  Time now{1h};

  Rig() {
    names.stop();
    config.load_balancing.policy = config::BalancingPolicy::round_robin;
  }
  ~Rig() {
    pool.close_all();
    for (int peer : peers) ::close(peer);
  }

  Upstream& upstream(const std::vector<std::string>& hosts) {
    config.endpoints.resize(hosts.size());
    configs.push_back(config);
    snapshot.upstreams.push_back(std::make_unique<Upstream>());
    Upstream& made = *snapshot.upstreams.back();
    made.config = &configs.back();
    made.state = std::make_shared<UpstreamState>(*made.config, now, 1, 1);
    for (const auto& host : hosts) {
      config::Endpoint endpoint;
      endpoint.url = "http://" + host;
      endpoint.address.host = host;
      endpoint.address.port = 80;
      made.endpoints.push_back(std::make_shared<EndpointState>(endpoint, "", made.state, next_id++));
    }
    return made;
  }
  void on_resolved(const Upstream& of, std::vector<int> found, std::size_t endpoint = 0) {
    std::vector<SocketAddress> addresses;
    for (int last : found) addresses.push_back(address(last));
    backends.on_resolved(
        {of.endpoints[endpoint]->id, std::make_shared<const std::vector<SocketAddress>>(addresses), now + 1s}, now);
  }
  // Of the n-th address of all endpoints, in the order in which they became known.
  AddressState& state(const Upstream& of, std::size_t n) {
    backends.can_choose(of, now, {});
    const auto all = of.state->addresses.all();
    if (n < all.size()) return *all[n];
    throw std::out_of_range("no such address");
  }
  std::string next(const Upstream& of) {
    const auto choice = backends.choose(of, now, {});
    return choice.backend ? to_string(choice.backend->address) : "unknown";
  }
  std::multiset<std::string> next(const Upstream& of, int n) {
    std::multiset<std::string> list;
    for (int i = 0; i < n; ++i) list.insert(next(of));
    return list;
  }
  void park(const BackendPtr& at, const Upstream& of) {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
    ++of.state->connections;
    pool.give_back(
        std::make_unique<UpstreamConnection>(ChannelPtr(new Channel(loop, ends[0], buffers)), at, of.state, 0), now,
        std::chrono::seconds(60));
    peers.push_back(ends[1]);
  }
  std::vector<int> peers;
};

using Seen = std::multiset<std::string>;

void fail_checks(AddressState& address) {
  for (int i = 0; i < 3; ++i) address.checked.record(health::CheckResult::reset, 0, {}, {});
}

}  // namespace

TEST_CASE("requests take all addresses of all endpoints in turn, and wait for no name while one is known") {
  Rig rig;
  const Upstream& orders = rig.upstream({"name", "10.0.0.9"});
  CHECK(rig.next(orders, 2) == Seen{"10.0.0.9:80", "10.0.0.9:80"});
  rig.on_resolved(orders, {1, 2, 3});
  CHECK(rig.next(orders, 8) == Seen{"10.0.0.1:80", "10.0.0.1:80", "10.0.0.2:80", "10.0.0.2:80", "10.0.0.3:80",
                                    "10.0.0.3:80", "10.0.0.9:80", "10.0.0.9:80"});
}

TEST_CASE("requests to one upstream do not move the turn of another") {
  Rig rig;
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
  Rig rig;
  const Upstream& orders = rig.upstream({"10.0.0.1", "10.0.0.2"});
  rig.state(orders, 0).mark_unreachable(rig.now);
  CHECK(rig.next(orders, 4) == Seen{"10.0.0.2:80", "10.0.0.2:80", "10.0.0.2:80", "10.0.0.2:80"});
  rig.now += 1s;
  CHECK(rig.next(orders, 4).count("10.0.0.1:80") == 1);
  rig.now += 1s;
  CHECK(rig.next(orders, 4).count("10.0.0.1:80") == 1);
}

TEST_CASE("where something speaks against all addresses each is tried in its turn") {
  Rig rig;
  const Upstream& orders = rig.upstream({"10.0.0.1", "10.0.0.2"});
  for (std::size_t i = 0; i < 2; ++i) rig.state(orders, i).mark_unreachable(rig.now);
  CHECK(rig.next(orders, 4) == Seen{"10.0.0.1:80", "10.0.0.1:80", "10.0.0.2:80", "10.0.0.2:80"});
}

TEST_CASE("an address that was tried is not chosen again, and where all were there is none") {
  Rig rig;
  const Upstream& orders = rig.upstream({"10.0.0.1", "10.0.0.2"});
  const auto first = rig.backends.choose(orders, rig.now, {});
  const auto second = rig.backends.choose(orders, rig.now, {first.id()});
  CHECK(first.id() != second.id());
  CHECK(rig.backends.can_choose(orders, rig.now, {first.id()}));
  CHECK(rig.backends.choose(orders, rig.now, {first.id(), second.id()}).endpoint == nullptr);
  CHECK_FALSE(rig.backends.can_choose(orders, rig.now, {first.id(), second.id()}));
}

TEST_CASE("several addresses have breakers of their own, one has the upstream's, and the scope may say otherwise") {
  Rig rig;
  CHECK(rig.backends.has_endpoint_breakers(rig.upstream({"10.0.0.1", "10.0.0.2"}), rig.now));
  CHECK_FALSE(rig.backends.has_endpoint_breakers(rig.upstream({"10.0.0.3"}), rig.now));
  rig.config.circuit_breaker.scope = config::Scope::endpoint;
  CHECK(rig.backends.has_endpoint_breakers(rig.upstream({"10.0.0.4"}), rig.now));
  rig.config.circuit_breaker.scope = config::Scope::upstream;
  CHECK_FALSE(rig.backends.has_endpoint_breakers(rig.upstream({"10.0.0.5", "10.0.0.6"}), rig.now));
}

TEST_CASE("an address whose breaker is open is passed over, and gets the next request when it wants a trial call") {
  Rig rig;
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

TEST_CASE("an address whose health checks fail is passed over, unless those of all addresses fail") {
  Rig rig;
  rig.config.health_check.emplace();
  const Upstream& orders = rig.upstream({"10.0.0.1", "10.0.0.2"});
  fail_checks(rig.state(orders, 0));
  CHECK(rig.next(orders, 3) == Seen{"10.0.0.2:80", "10.0.0.2:80", "10.0.0.2:80"});
  CHECK_FALSE(rig.backends.can_choose(orders, rig.now, {&rig.state(orders, 1)}));
  fail_checks(rig.state(orders, 1));
  CHECK(rig.next(orders, 4) == Seen{"10.0.0.1:80", "10.0.0.1:80", "10.0.0.2:80", "10.0.0.2:80"});
  CHECK(rig.backends.can_choose(orders, rig.now, {&rig.state(orders, 1)}));
}

TEST_CASE("a breaker whose address is unhealthy gets no trial call") {
  Rig rig;
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

TEST_CASE("where the checks of all primaries fail a backup is asked whose checks pass") {
  Rig rig;
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
  Rig rig;
  const Upstream& orders = rig.upstream({"10.0.0.1", "10.0.0.2"});
  fail_checks(rig.state(orders, 0));
  CHECK(rig.next(orders, 4).count("10.0.0.1:80") == 2);
}

TEST_CASE("those who ask by themselves get every address that is known, with its weight") {
  Rig rig;
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

TEST_CASE("a breaker that is half-open is asked first") {
  Rig rig;
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
    Rig rig;
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
  Rig rig;
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
  Rig rig;
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
  Rig rig;
  const Upstream& orders = rig.upstream({"10.0.0.1", "10.0.0.2"});
  rig.next(orders);
  for (std::size_t i = 0; i < 2; ++i) rig.state(orders, i).breaker.force_open(rig.now);
  CHECK(rig.backends.choose(orders, rig.now, {}).endpoint == nullptr);
  CHECK_FALSE(rig.backends.has_choice(orders, rig.now + 1ms));
}

TEST_CASE("an address of weight 0 is never chosen, not for a trial call either") {
  Rig rig;
  rig.config.endpoints.resize(2);
  rig.config.endpoints[0].weight = 0;
  const Upstream& orders = rig.upstream({"10.0.0.1", "10.0.0.2"});
  for (int i = 0; i < 4; ++i) CHECK(rig.next(orders) == "10.0.0.2:80");
  CHECK_FALSE(rig.backends.can_choose(orders, rig.now, {&rig.state(orders, 1)}));
}

TEST_CASE("an upstream that opened while it had one address is closed when several have their own breakers") {
  Rig rig;
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
  Rig rig;
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

TEST_CASE("a change of another upstream's name does not move the turn") {
  Rig rig;
  const Upstream& orders = rig.upstream({"10.0.0.1", "10.0.0.2"});
  const Upstream& users = rig.upstream({"users.local"});
  rig.next(users);
  const std::string first = rig.next(orders);
  rig.on_resolved(users, {7});
  CHECK(rig.next(orders) != first);
}

TEST_CASE("two endpoints of an upstream that have one address have one breaker for it") {
  Rig rig;
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
  Rig rig;
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

TEST_CASE("an address that left the answer has no connection kept, one that stays keeps its own") {
  Rig rig;
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
  Rig rig;
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

TEST_CASE("who waits for a name hears of its answer, good or bad, once") {
  for (const bool good : {true, false}) {
    CAPTURE(good);
    Rig rig;
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
  Rig rig;
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
  Rig rig;
  const Upstream& orders = rig.upstream({"name", "other"});
  const auto first = rig.backends.choose(orders, rig.now, {});
  const auto second = rig.backends.choose(orders, rig.now, {});
  CHECK(first.backend == nullptr);
  CHECK(first.id() != second.id());
  rig.on_resolved(orders, {1});
  CHECK(rig.backends.address_of({{&orders.endpoints[0], nullptr}}, rig.now) != nullptr);
  CHECK(rig.backends.address_of({{&orders.endpoints[1], nullptr}}, rig.now) == nullptr);
}

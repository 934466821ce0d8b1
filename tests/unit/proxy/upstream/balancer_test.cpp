// SPDX-License-Identifier: Apache-2.0
// Which address of which endpoint a request goes to.
#include "proxy/upstream/balancer.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/ip/tcp.hpp>
#include <set>

#include "filters/breaker/classify.hpp"

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
  Balancer backends{names, pool, 0};
  Snapshot snapshot;
  std::size_t next_id = 0;
  Time now{1h};

  Rig() { names.stop(); }
  ~Rig() {
    pool.close_all();
    for (int peer : peers) ::close(peer);
  }

  Upstream& upstream(const std::vector<std::string>& hosts) {
    static const config::Upstream kConfig;
    snapshot.upstreams.push_back(std::make_unique<Upstream>());
    Upstream& made = *snapshot.upstreams.back();
    made.config = &kConfig;
    made.state = std::make_shared<UpstreamState>(kConfig, now, 1, 1);
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
        {of.endpoints[endpoint]->id, std::make_shared<const std::vector<SocketAddress>>(addresses), now + 1s});
  }
  std::string next(const Upstream& of) {
    const auto choice = backends.choose(of, now);
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

}  // namespace

TEST_CASE("requests take all addresses of all endpoints in turn") {
  Rig rig;
  const Upstream& orders = rig.upstream({"name", "10.0.0.9"});
  CHECK(rig.next(orders, 2) == Seen{"unknown", "10.0.0.9:80"});
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
  Balancer::mark_unreachable(*rig.backends.choose(orders, rig.now).backend, rig.now);
  CHECK(rig.next(orders, 4) == Seen{"10.0.0.2:80", "10.0.0.2:80", "10.0.0.2:80", "10.0.0.2:80"});
  rig.now += 1s;
  CHECK(rig.next(orders, 4).count("10.0.0.1:80") == 1);
  rig.now += 1s;
  CHECK(rig.next(orders, 4).count("10.0.0.1:80") == 1);
}

TEST_CASE("where something speaks against all addresses each is tried in its turn") {
  Rig rig;
  const Upstream& orders = rig.upstream({"10.0.0.1", "10.0.0.2"});
  for (int i = 0; i < 2; ++i) Balancer::mark_unreachable(*rig.backends.choose(orders, rig.now).backend, rig.now);
  CHECK(rig.next(orders, 4) == Seen{"10.0.0.1:80", "10.0.0.1:80", "10.0.0.2:80", "10.0.0.2:80"});
}

TEST_CASE("a new connection tries the address in turn first, then others of its endpoint that nothing speaks against") {
  Rig rig;
  const Upstream& orders = rig.upstream({"name", "10.0.0.9"});
  const auto unknown = rig.backends.choose(orders, rig.now);
  CHECK(rig.backends.candidates(unknown, rig.now).empty());
  rig.on_resolved(orders, {1, 2, 3, 4, 5, 6});
  CHECK(rig.backends.candidates(unknown, rig.now).size() == 4);
  auto choice = rig.backends.choose(orders, rig.now);
  while (*choice.endpoint != orders.endpoints.front()) choice = rig.backends.choose(orders, rig.now);
  const auto tried = rig.backends.candidates(choice, rig.now);
  REQUIRE(tried.size() == 4);
  CHECK(tried.front() == choice.backend);
  for (const auto& one : tried) Balancer::mark_unreachable(*one, rig.now);
  CHECK(rig.backends.candidates(choice, rig.now).size() == 3);
}

TEST_CASE("an address that left the answer has no connection kept, one that stays keeps its own") {
  Rig rig;
  const Upstream& orders = rig.upstream({"name"});
  rig.next(orders);
  rig.on_resolved(orders, {1, 2});
  const auto first = rig.backends.choose(orders, rig.now);
  const auto second = rig.backends.choose(orders, rig.now);
  rig.park(first.backend, orders);
  rig.park(second.backend, orders);
  rig.on_resolved(orders, {to_string(first.backend->address) == "10.0.0.1:80" ? 1 : 2, 3});
  CHECK(second.backend->gone);
  CHECK(orders.state->connections == 1);
  CHECK(rig.pool.take(*first.backend, rig.now, std::chrono::seconds(60)));
  rig.park(second.backend, orders);
  CHECK(orders.state->connections == 0);
  CHECK(rig.backends.candidates(second, rig.now).front() != second.backend);
}

TEST_CASE("what is configured no longer has no connection kept") {
  Rig rig;
  const Upstream& orders = rig.upstream({"10.0.0.1"});
  const Upstream& gone = rig.upstream({"10.0.0.2"});
  rig.park(rig.backends.choose(orders, rig.now).backend, orders);
  rig.park(rig.backends.choose(gone, rig.now).backend, gone);
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
  CHECK(rig.next(orders, 2) == Seen{"unknown", "10.0.0.1:80"});
}

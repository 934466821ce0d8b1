// SPDX-License-Identifier: Apache-2.0
// One worker's choice of addresses, fed by the test: nothing is looked up, nobody connects.
#pragma once

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>
#include <boost/asio/ip/tcp.hpp>
#include <deque>
#include <set>
#include <stdexcept>

#include "filters/breaker/classify.hpp"
#include "proxy/snapshot/named_breaker.hpp"
#include "proxy/upstream/balancer.hpp"

namespace fusewire::testing {

using namespace fusewire::proxy;
using namespace std::chrono_literals;

inline SocketAddress address(int last) {
  return asio::ip::tcp::endpoint(asio::ip::make_address("10.0.0." + std::to_string(last)), 80);
}

struct Ear final : Watcher {
  void on_activity() override { ++calls; }
  int calls = 0;
};

// One worker's part, fed by the test; nothing is looked up.
struct BalancerRig {
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

  BalancerRig() {
    names.stop();
    config.load_balancing.policy = config::BalancingPolicy::round_robin;
  }
  ~BalancerRig() {
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

inline void fail_checks(AddressState& address) {
  for (int i = 0; i < 3; ++i) address.checked.record(health::CheckResult::reset, 0, {}, {});
}

}  // namespace fusewire::testing

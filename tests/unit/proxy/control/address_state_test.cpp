// SPDX-License-Identifier: Apache-2.0
// Breakers of addresses, over reloads that change how their endpoint is spoken to.
#include <doctest/doctest.h>

#include <unistd.h>
#include <boost/asio/ip/tcp.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "proxy/net/clock.hpp"
#include "proxy/snapshot/named_breaker.hpp"
#include "tests/unit/proxy/control/control_rig.hpp"

using namespace fusewire;
using namespace fusewire::proxy;
using namespace fusewire::testing;
using namespace std::chrono_literals;

namespace {

SocketAddress address(const char* text = "10.0.0.1") {
  return boost::asio::ip::tcp::endpoint(boost::asio::ip::make_address(text), 9000);
}

const std::string kName = "orders/10.0.0.1:9000";

std::string file(const std::string& server_name, const std::string& endpoints = "https://10.0.0.1:9000") {
  return "listen: 127.0.0.1:0\nlog: {level: off}\nupstreams:\n  orders: {endpoints: [\"" + endpoints +
         "\"], circuit_breaker: {scope: endpoint}, tls: {verify: false, server_name: " + server_name + "}}\n";
}

// As a worker that has learnt of the first endpoint's address.
std::shared_ptr<AddressState> use(ControlRig& rig) {
  return rig.control.snapshot()->upstream("orders")->endpoints.front()->addresses.find_or_make(address(), steady_now());
}

breaker::Override override_of(breaker::Breaker& breaker) { return breaker.snapshot(steady_now()).override_state; }

}  // namespace

TEST_CASE("an address's breaker, its override and its failed checks outlive another server_name") {
  ControlRig rig(file("a.example"));
  auto used = use(rig);
  used->breaker.force_open(steady_now(), 10min);
  for (int i = 0; i < 3; ++i) used->checked.record(health::CheckResult::reset, 0, {}, {});
  const EndpointState* const before = rig.control.snapshot()->upstream("orders")->endpoints.front().get();
  REQUIRE(rig.control.apply(config_of(file("b.example")), "test").successful);
  REQUIRE(rig.control.snapshot()->upstream("orders")->endpoints.front().get() != before);
  SUBCASE("also before a worker has learnt of it anew") {}
  SUBCASE("and when one has") { used = use(rig); }
  const auto found = find_breaker(*rig.control.snapshot(), kName);
  REQUIRE(found);
  CHECK(found->address->checked.is_unhealthy());
  CHECK(override_of(*found->breaker) == breaker::Override::forced_open);
  used.reset();
  rig.control.poll(steady_now() + 10min);
  CHECK(override_of(*found->breaker) == breaker::Override::none);
}

TEST_CASE("an address's breaker and its override outlive a CA file that is renewed") {
  const std::string ca =
      (std::filesystem::temp_directory_path() / ("fusewire-ca-" + std::to_string(::getpid()) + ".pem")).string();
  const auto write = [&](const char* text) { std::ofstream(ca) << text; };
  cache::Store store(0);
  StateRegistry states(1, store,
                       [&](const config::Upstream& wanted) {
                         auto made = std::make_shared<UpstreamState>(wanted, steady_now(), 1, 1);
                         made->cache = store.partition(wanted.name);
                         return made;
                       },
                       {});
  config::Upstream wanted;
  wanted.name = "orders";
  wanted.tls.ca = ca;
  config::Endpoint& endpoint = wanted.endpoints.emplace_back();
  endpoint.url = "https://10.0.0.1:9000";
  endpoint.tls = true;
  const auto state = states.upstream(wanted);
  write("one");
  const auto before = states.endpoint(wanted, state, endpoint);
  before->addresses.find_or_make(address(), steady_now())->breaker.force_open(steady_now());
  write("another");
  const auto after = states.endpoint(wanted, state, endpoint);
  std::remove(ca.c_str());
  REQUIRE(after != before);
  breaker::Breaker& breaker = after->addresses.find_or_make(address(), steady_now())->breaker;
  CHECK(override_of(breaker) == breaker::Override::forced_open);
  states.release(kName, steady_now());
  CHECK(override_of(breaker) == breaker::Override::none);
}

TEST_CASE("an address is forgotten with the last endpoint that had it") {
  const std::string other = "https://10.0.0.2:9000";
  ControlRig rig(file("a.example", "https://10.0.0.1:9000\", \"" + other));
  use(rig)->breaker.force_open(steady_now());
  REQUIRE(rig.control.apply(config_of(file("a.example", other)), "test").successful);
  CHECK_FALSE(find_breaker(*rig.control.snapshot(), kName));
  REQUIRE(rig.control.apply(config_of(file("a.example")), "test").successful);
  CHECK(override_of(use(rig)->breaker) == breaker::Override::none);
}

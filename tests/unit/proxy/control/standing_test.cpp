// SPDX-License-Identifier: Apache-2.0
#include "proxy/control/standing.hpp"

#include <boost/asio/ip/tcp.hpp>

#include "proxy/net/clock.hpp"
#include "tests/unit/proxy/control/control_rig.hpp"

using namespace fusewire;
using namespace fusewire::proxy;
using namespace fusewire::testing;

TEST_CASE("a breaker that is nobody's any more is gone, for webhooks") {
  const std::string name = "orders/127.0.0.1:9000";
  ControlRig rig(
      "listen: 127.0.0.1:0\nlog: {level: off}\nupstreams:\n  orders: {endpoints: [\"http://127.0.0.1:9000\"], "
      "circuit_breaker: {scope: endpoint}}\n");
  const auto snapshot = rig.control.snapshot();
  const boost::asio::ip::tcp::endpoint address(boost::asio::ip::make_address("127.0.0.1"), 9000);
  auto used = snapshot->upstream("orders")->endpoints.front()->addresses.find_or_make(address, steady_now());
  CHECK(standing_of(*snapshot, name) == Standing::closed);
  for (int i = 0; i < 5; ++i)
    std::get<breaker::Permit>(used->breaker.try_acquire(steady_now()))
        .failure(breaker::FailureKind::status, steady_now());
  CHECK(standing_of(*snapshot, name) == Standing::in_trouble);
  used.reset();
  CHECK(standing_of(*snapshot, name) == Standing::gone);
  CHECK(standing_of(*snapshot, "orders") == Standing::closed);
  CHECK(standing_of(*snapshot, "users") == Standing::gone);
}

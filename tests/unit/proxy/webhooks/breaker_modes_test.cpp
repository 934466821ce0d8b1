// SPDX-License-Identifier: Apache-2.0
#include "proxy/webhooks/breaker_modes.hpp"

#include "tests/unit/proxy/control/control_rig.hpp"

using namespace fusewire;
using namespace fusewire::testing;

TEST_CASE("webhooks: a breaker's mode is its own, a route's as well, and that of an address its upstream's") {
  const proxy::BreakerModes modes(config_of(
      "listeners:\n  - address: 127.0.0.1:0\n    routes:\n"
      "      - {name: read, match: {path_prefix: /r}, upstream: orders, circuit_breaker: {scope: route, mode: "
      "shadow}}\n      - {name: write, upstream: orders}\n"
      "upstreams:\n  orders: {endpoints: [\"http://127.0.0.1:9000\"]}\n"
      "  users: {endpoints: [\"http://127.0.0.1:9001\"], circuit_breaker: {mode: shadow}}\n"));
  CHECK(modes.of("orders") == config::Mode::enforce);
  CHECK(modes.of("orders/read") == config::Mode::shadow);
  CHECK(modes.of("orders/write") == config::Mode::enforce);
  CHECK(modes.of("users") == config::Mode::shadow);
  CHECK(modes.of("users/127.0.0.1:9001") == config::Mode::shadow);
  CHECK(modes.of("gone") == config::Mode::enforce);
}

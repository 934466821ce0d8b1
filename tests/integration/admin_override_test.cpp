// SPDX-License-Identifier: Apache-2.0
// An override with an end, while no request arrives.
#include <string>

#include "tests/support/rig.hpp"

using namespace fusewire::testing;

TEST_CASE("an override ends by itself: the metric at its end, the event within a second") {
  Rig rig;
  Connection stream = Connection::to(rig.proxy.admin_port());
  stream.send("GET /admin/events/stream HTTP/1.1\r\nHost: localhost\r\n\r\n");
  REQUIRE(stream.take_until("\r\n\r\n").has_value());
  REQUIRE(rig.proxy.admin_change("/admin/circuit-breakers/orders/force-open?for=300ms").status == 200);
  CHECK(rig.proxy.metric("circuit_breaker_override{name=\"orders\"}") == 1);
  CHECK(eventually([&] { return rig.proxy.metric("circuit_breaker_override{name=\"orders\"}") == 0; }));
  CHECK(stream.take_until("\"cause\":\"expired\"").has_value());
  CHECK(rig.upstream.request_count() == 0);
  CHECK(rig.proxy.get("/").status == 200);
}

// SPDX-License-Identifier: Apache-2.0
// Clients that wait for less than a call takes to turn slow: a hang is found out all the same, and nothing else is.
#include <atomic>
#include <string>

#include "tests/support/rig.hpp"

using namespace fusewire::testing;

namespace {

const std::string kSlowAfter300ms =
    "    circuit_breaker: {detection: {consecutive_slow_calls: {threshold: 3}, slow_call_rate: {slower_than: "
    "300ms}}}\n";
const std::string kHurry = "X-Request-Timeout-Ms: 50\r\n";

}  // namespace

TEST_CASE("a hang opens the breaker though no client waits for it to become slow") {
  Rig rig(scripts::hang(), kSlowAfter300ms);
  CHECK(eventually([&] { return rig.proxy.get("/", kHurry).status == 503; }));
  CHECK(rig.proxy.state() == "open");
  const auto trip = rig.proxy.breaker();
  CHECK(trip.totals.failure == 0);
  CHECK(rig.proxy.metric("circuit_breaker_trips_total{name=\"orders\",reason=\"consecutive_slow_calls\"}") == 1);
}

TEST_CASE("clients that leave find a hang, too") {
  Rig rig(scripts::hang(), kSlowAfter300ms);
  CHECK(eventually([&] {
    const std::size_t before = rig.upstream.request_count();
    Connection client = rig.proxy.connect();
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    return !eventually([&] { return rig.upstream.request_count() > before; }, 500ms) || rig.proxy.state() == "open";
  }));
  CHECK(rig.proxy.state() == "open");
}

TEST_CASE("an upstream that only needs longer than its clients wait is found to be well") {
  Rig rig(scripts::delayed(100ms, scripts::ok()), kSlowAfter300ms);
  for (int i = 0; i < 12; ++i) CHECK(rig.proxy.get("/", kHurry).status == 504);
  CHECK(eventually([&] { return rig.proxy.breaker().totals.success > 0; }));
  CHECK(rig.proxy.state() == "closed");
  CHECK(rig.proxy.breaker().totals.failure == 0);
}

TEST_CASE("where others are answered, a call ends with its client") {
  std::atomic<int> abandoned{0};
  const Script by_path = [&](fusewire::testing::Call& call) {
    if (call.request().target != "/hang") return scripts::ok()(call);
    call.read_body();
    if (!call.wait(10s)) ++abandoned;
  };
  Rig rig(by_path, kSlowAfter300ms);
  for (int i = 1; i <= 6; ++i) {
    CHECK(rig.proxy.get("/hang", kHurry).status == 504);
    CHECK(rig.proxy.get("/").status == 200);
    CHECK(eventually([&] { return abandoned == i; }));
  }
  CHECK(rig.proxy.state() == "closed");
}

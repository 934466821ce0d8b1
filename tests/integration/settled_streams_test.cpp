// SPDX-License-Identifier: Apache-2.0
// Streams that outlive settle_after: their calls have ended, and how they end says little of requests now.
#include <string>
#include <vector>

#include "tests/support/rig.hpp"

using namespace fusewire::testing;

namespace {

Script event_stream() {
  return [](Call& call) {
    call.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
    call.hang();
  };
}

std::string settles(const std::string& timeouts) {
  return "    circuit_breaker: {recovery: {settle_after: 100ms}}\n    timeouts: {" + timeouts + "}\n";
}

std::vector<Connection> streams(Rig& rig, std::size_t count) {
  std::vector<Connection> all;
  for (std::size_t i = 0; i < count; ++i) {
    all.push_back(rig.proxy.connect());
    all.back().send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    REQUIRE(all.back().take_until("hello").has_value());
  }
  REQUIRE(eventually([&] { return rig.proxy.breaker().totals.success == count; }));
  return all;
}

}  // namespace

TEST_CASE("six quiet event streams that our own idle timeout ends open nothing") {
  Rig rig(event_stream(), settles("idle: 600ms"));
  auto quiet = streams(rig, 6);
  for (Connection& stream : quiet) CHECK(stream.ended());
  const auto totals = rig.proxy.breaker().totals;
  CHECK(totals.success == 6);
  CHECK(totals.failure == 0);
  CHECK(totals.neutral == 0);
  CHECK(rig.proxy.state() == "closed");
}

TEST_CASE("a settled stream that its upstream breaks is a failed call of its own") {
  Rig rig(event_stream(), settles("idle: 60s"));
  auto quiet = streams(rig, 2);
  rig.upstream.kill();
  for (Connection& stream : quiet) CHECK(stream.ended());
  CHECK(eventually([&] { return rig.proxy.breaker().totals.failure == 2; }));
}

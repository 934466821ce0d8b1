// SPDX-License-Identifier: Apache-2.0
// How long an idle connection to an upstream is kept.
#include <string>

#include "tests/support/rig.hpp"

using namespace fusewire::testing;

namespace {

const std::vector<std::string> kOneWorker = {"runtime.workers=1"};

Script says(const std::string& keep_alive) {
  return scripts::reply(response(200, "hello", "Keep-Alive: " + keep_alive + "\r\n"));
}

std::size_t connections_of_two(Rig& rig, milliseconds pause) {
  CHECK(rig.proxy.get("/").status == 200);
  Connection silent = rig.proxy.connect();
  silent.ended(pause);
  CHECK(rig.proxy.get("/").status == 200);
  return rig.upstream.connection_count();
}

}  // namespace

TEST_CASE("an idle connection is used again for as long as timeouts.keep_alive says, and then closed") {
  Rig rig(scripts::ok(), "    timeouts: {keep_alive: 2s}\n", "", kOneWorker);
  CHECK(connections_of_two(rig, 50ms) == 1);
  CHECK(connections_of_two(rig, 2100ms) == 2);
  CHECK(eventually([&] { return rig.upstream.open_connections() == 0; }));
}

TEST_CASE("the upstream's Keep-Alive makes it shorter by a second than it says") {
  Rig rig(says("timeout=3, max=100"), "", "", kOneWorker);
  CHECK(connections_of_two(rig, 50ms) == 1);
  CHECK(connections_of_two(rig, 2100ms) == 2);
}

TEST_CASE("a Keep-Alive of a second or none keeps no connection") {
  for (const char* value : {"timeout=1", "timeout=0"}) {
    CAPTURE(value);
    Rig rig(says(value), "", "", kOneWorker);
    CHECK(connections_of_two(rig, 0ms) == 2);
    CHECK(eventually([&] { return rig.upstream.open_connections() == 0; }));
  }
}

TEST_CASE("the upstream's Keep-Alive never lengthens the configured time") {
  Rig rig(says("timeout=3600"), "    timeouts: {keep_alive: 200ms}\n", "", kOneWorker);
  CHECK(connections_of_two(rig, 300ms) == 2);
}

TEST_CASE("a Keep-Alive that says nothing readable changes nothing") {
  Rig rig(says("timeout=soon"), "", "", kOneWorker);
  CHECK(connections_of_two(rig, 50ms) == 1);
}

TEST_CASE("a kept connection that the upstream resets, or closes, once it has the request is a failure") {
  for (const Script& end : {scripts::reset(), scripts::cut()}) {
    Rig rig(scripts::in_turn({scripts::ok(), end}), "", "", kOneWorker);
    CHECK(rig.proxy.get("/").status == 200);
    CHECK(rig.proxy.request("POST", "/", "", "pay").status == 502);
    CHECK(rig.proxy.breaker().totals.failure == 1);
  }
}
